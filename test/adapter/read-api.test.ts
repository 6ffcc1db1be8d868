import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express, { type ErrorRequestHandler } from 'express';
import { asBridgeError } from '../../adapter/bridge.ts';
import { makeMeterReader } from '../../adapter/meter-reader.ts';
import { makePublicRecord } from '../../adapter/public-record.ts';
import { makeReadApi } from '../../adapter/read-api.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { makeTestGateway } from '../support/batches.ts';
import { makeTestRecord } from './record.ts';

const gateway = makeTestGateway({ bootedAtMs: 1_000_000 });
const record = makeTestRecord([gateway.listed()]);
let server: Server;

async function get(path: string) {
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

beforeAll(async () => {
  record.apply(gateway.flush(1_000_000));
  for (const charger of ['CH-1', 'CH-2', 'CH-3']) gateway.open(charger, 1_001_000);
  gateway.status('CH-1', 1_002_000, 1, 'Charging');
  for (const n of [1, 2, 3]) {
    const start = { connectorId: 1, idTag: 'SECRET-CARD', meterStart: n * 100 };
    const result = { transactionId: n, idTagInfo: { status: 'Accepted' } };
    gateway.call('CH-1', 1_002_000 + n * 1000, 'StartTransaction', start, result);
    if (n === 3) continue;
    const stop = { transactionId: n, meterStop: n * 100 + 50, reason: 'EVDisconnected', idTag: 'SECRET-CARD' };
    gateway.call('CH-1', 1_002_500 + n * 1000, 'StopTransaction', stop);
  }
  record.apply(gateway.flush(1_006_000));
  const app = express();
  app.use(makeReadApi(makePublicRecord(record.db, record.reader, makeMeterReader(record.db, record.reader))));
  const onError: ErrorRequestHandler = (error, _request, response, _next) => {
    const body = asBridgeError(error, '1');
    response.status(body.statusCode).json(body);
  };
  app.use(onError);
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  record.db.close();
});

describe('the public read API', () => {
  it('lists chargers in pages, in order', async () => {
    const first = await get('/v1/chargers?limit=2');
    const item = (identity: string) => ({ identity, id: deviceIdOf(identity) });
    expect(first.body).toEqual({ items: [item('CH-1'), item('CH-2')], next: 'CH-2' });
    expect((await get('/v1/chargers?limit=2&after=CH-2')).body).toEqual({ items: [item('CH-3')], next: null });
    expect(first.headers.get('cache-control')).toBe('public, max-age=1');
  });

  it("shows a charger's connectors as of its gateway's last word", async () => {
    expect((await get('/v1/chargers/CH-1')).body).toEqual({
      identity: 'CH-1',
      id: deviceIdOf('CH-1'),
      connectors: [
        {
          connector: 1,
          asOf: 1_006,
          status: { name: 'Charging', error: 'NoError', observedAt: 1_002, online: true },
          meter: { registerWh: 300, powerW: 0, observedAt: 1_005, signed: false },
        },
      ],
    });
  });

  it('shows transactions, the latest first, open or ended, and never an idTag', async () => {
    const first = await get('/v1/chargers/CH-1/transactions?limit=2');
    const transaction = (n: number, stop: object | null) => ({
      cursor: expect.any(String),
      transactionId: n,
      connector: 1,
      idTagStatus: 'Accepted',
      meterStartWh: n * 100,
      startedAt: 1_002 + n,
      stop,
    });
    const ended = (n: number) => ({ meterStopWh: n * 100 + 50, stoppedAt: 1_002 + n, reason: 'EVDisconnected' });
    expect(first.body.items).toEqual([transaction(3, null), transaction(2, ended(2))]);
    const second = await get(`/v1/chargers/CH-1/transactions?limit=2&before=${first.body.next}`);
    expect(second.body).toEqual({ items: [transaction(1, ended(1))], next: null });
    expect(JSON.stringify([first.body, second.body])).not.toContain('SECRET');
  });

  it.each([
    ['/v1/chargers/NONE', 404, 'no such charger on record'],
    ['/v1/chargers/NONE/transactions', 404, 'no such charger on record'],
    ['/v1/chargers?limit=0', 400, 'limit must be a whole number from 1 to 200'],
    ['/v1/chargers?limit=201', 400, 'limit must be a whole number from 1 to 200'],
    ['/v1/chargers?after=a&after=b', 400, 'after must be given once'],
    ['/v1/chargers/CH-1/transactions?before=x', 400, 'before must be the next of a page'],
  ])('refuses %s', async (path, status, message) => {
    const answer = await get(path);
    expect([answer.status, answer.body.error]).toMatchObject([status, { message }]);
  });

  it('describes every path it serves in its OpenAPI document', async () => {
    const { body } = await get('/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    for (const path of Object.keys(body.paths as object)) {
      expect((await get(path.replace('{identity}', 'CH-1'))).status).toBe(200);
    }
  });
});
