import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express, { type ErrorRequestHandler } from 'express';
import { asBridgeError } from '../../adapter/bridge.ts';
import { type Changes, makeChanges } from '../../adapter/changes.ts';
import { makeEventReader, type PublicEvent } from '../../adapter/event-reader.ts';
import { makeMeterReader } from '../../adapter/meter-reader.ts';
import { makePublicRecord } from '../../adapter/public-record.ts';
import { makeReadApi } from '../../adapter/read-api.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { makeTestGateway } from '../support/batches.ts';
import { makeTestRecord } from './record.ts';

const gateway = makeTestGateway({ bootedAtMs: 1_000_000 });
const record = makeTestRecord([gateway.listed()]);
let server: Server;
let changes: Changes;

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
  const events = makeEventReader(record.db);
  changes = makeChanges(events);
  const publicRecord = makePublicRecord(record.db, record.reader, makeMeterReader(record.db, record.reader));
  app.use(makeReadApi(publicRecord, events, changes));
  const onError: ErrorRequestHandler = (error, _request, response, _next) => {
    const body = asBridgeError(error, '1');
    response.status(body.statusCode).json(body);
  };
  app.use(onError);
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterAll(async () => {
  changes.close();
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
      missingMessages: null,
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

  it("pages through a charger's events over its connections, the latest first, and shows no idTag and no frame", async () => {
    const first = await get('/v1/chargers/CH-1/events?limit=3');
    const rest = await get(`/v1/chargers/CH-1/events?before=${first.body.next}`);
    const items = [...(first.body.items as PublicEvent[]), ...(rest.body.items as PublicEvent[])];
    expect(items.map(({ seq }) => seq)).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(rest.body.next).toBeNull();
    expect(items[5]).toEqual({
      cursor: expect.any(Number),
      charger: 'CH-1',
      epoch: 1_001_000,
      seq: 1,
      receivedAtMs: 1_002_000,
      countsFromMs: 1_002_000,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      batch: { gateway: gateway.account, generation: 1_000_000, number: 1 },
      facts: [expect.objectContaining({ kind: 'status', connector: 1, reported: 'Charging' })],
    });
    expect(JSON.stringify(items)).not.toContain('SECRET-CARD');
  });

  it('lists the gateways', async () => {
    expect((await get('/v1/gateways')).body).toEqual({
      items: [{ account: gateway.account, isFollowed: true, toldUpTo: 1_006, isConvicted: false }],
    });
  });

  it('says that nothing has changed to who shows the tag of what it has', async () => {
    const etag = (await get('/v1/chargers')).headers.get('etag') ?? '';
    const port = (server.address() as AddressInfo).port;
    const ask = (tag: string) =>
      fetch(`http://127.0.0.1:${port}/v1/chargers`, {
        headers: { 'if-none-match': tag, 'cache-control': 'max-age=0' },
      });
    expect([(await ask(etag)).status, (await ask('"other"')).status]).toEqual([304, 200]);
  });

  it('tells events live, and after a break from where the listener was', async () => {
    const port = (server.address() as AddressInfo).port;
    const listen = async (query: string, headers: Record<string, string> = {}) => {
      const stop = new AbortController();
      const response = await fetch(`http://127.0.0.1:${port}/v1/changes${query}`, { headers, signal: stop.signal });
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      let text = '';
      const next = async (): Promise<PublicEvent> => {
        while (!text.includes('\n\n')) text += Buffer.from((await reader.read()).value ?? []).toString();
        const [first = '', ...others] = text.split('\n\n');
        text = others.join('\n\n');
        return JSON.parse(first.slice(first.indexOf('data: ') + 6));
      };
      return { next, stop: () => stop.abort(), type: response.headers.get('content-type') };
    };
    const live = await listen('?charger=CH-2');
    gateway.call('CH-3', 1_007_000, 'Heartbeat', {});
    gateway.status('CH-2', 1_007_000, 1, 'Faulted');
    record.apply(gateway.flush(1_008_000));
    changes.committed();
    const seen = await live.next();
    expect([live.type, seen.charger, seen.facts[0]?.kind]).toEqual([
      'text/event-stream; charset=utf-8',
      'CH-2',
      'status',
    ]);
    live.stop();
    gateway.close('CH-2', 1_009_000);
    record.apply(gateway.flush(1_010_000));
    const again = await listen('', { 'last-event-id': `${seen.cursor}` });
    expect((await again.next()).facts).toEqual([{ kind: 'closed' }]);
    again.stop();
    expect((await get('/v1/changes?after=x')).status).toBe(400);
  });

  it('describes every path it serves in its OpenAPI document', async () => {
    const { body } = await get('/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    for (const path of Object.keys(body.paths as object)) {
      if (path === '/v1/changes') continue;
      expect((await get(path.replace('{identity}', 'CH-1'))).status).toBe(200);
    }
  });
});
