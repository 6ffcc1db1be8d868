import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeBatchExport } from '../../adapter/batch-export.ts';
import { STATUS, type StatusName } from '../../core/status.ts';
import { makeTestRecord } from '../adapter/record.ts';
import { makeTestGateway } from '../support/batches.ts';

/** An operator's read API over a record of one status, signed by a gateway with a key of its own. */
export interface ToldRecord {
  url: string;
  /** Account and signing key of the gateway. */
  gateway: string;
  close: () => Promise<void>;
}

export interface ToldStatus {
  identity: string;
  connector: number;
  status: StatusName;
  observedAtSec: number;
}

/** Serves what is read to compare a status with the chain's, and its proof to whoever shows the token `secret`. */
export async function startRecord({ identity, connector, status, observedAtSec }: ToldStatus): Promise<ToldRecord> {
  const atMs = observedAtSec * 1_000;
  const gateway = makeTestGateway({ bootedAtMs: atMs - 9_000 });
  const record = makeTestRecord([gateway.listed()]);
  gateway.open(identity, atMs - 1_000);
  gateway.status(identity, atMs, connector, status);
  record.apply(gateway.flush(atMs + 1_000));
  const proof = makeBatchExport(record.db, record.ingest.batchText).proof(identity, atMs - 1_000, 1);
  record.db.close();

  const facts = [{ kind: 'status', connector, status: STATUS[status] }];
  const of = { status: { name: status, observedAt: observedAtSec, online: true } };
  const bodies: Record<string, unknown> = {
    [`/v1/chargers/${identity}`]: { connectors: [{ connector, asOf: observedAtSec + 600, ...of }] },
    [`/v1/chargers/${identity}/events?limit=200`]: {
      items: [{ epoch: atMs - 1_000, seq: 1, receivedAtMs: atMs, facts }],
    },
    [`/v1/peer/chargers/${identity}/events/${atMs - 1_000}/1/proof`]: proof,
  };
  const server = createServer(({ url = '', headers }, response) => {
    const isAllowed = !url.startsWith('/v1/peer/') || headers.authorization === 'Bearer secret';
    const body = isAllowed ? bodies[url] : undefined;
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    gateway: gateway.key.address,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
