import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express, { type ErrorRequestHandler } from 'express';
import { asBridgeError } from '../../adapter/bridge.ts';
import { makeCardIndex } from '../../adapter/card-index.ts';
import { type Changes, makeChanges } from '../../adapter/changes.ts';
import { makeEventReader, type PublicEvent } from '../../adapter/event-reader.ts';
import { makeMeterReader } from '../../adapter/meter-reader.ts';
import { makePublicRecord } from '../../adapter/public-record.ts';
import { makeReadApi } from '../../adapter/read-api.ts';
import { makeSessionReader } from '../../adapter/session-reader.ts';
import { makeSessionRecord } from '../../adapter/session-record.ts';
import { makeStationRecord } from '../../adapter/station-record.ts';
import { makeTransactionRecord } from '../../adapter/transaction-record.ts';
import { deviceIdOf, idTagCommitment } from '../../core/identity.ts';
import { sessionTag } from '../../core/request-approval.ts';
import { makeTestGateway } from '../support/batches.ts';
import { makeTestRecord, TEST_PEPPER } from './record.ts';

const gateway = makeTestGateway({ bootedAtMs: 1_000_000 });
const record = makeTestRecord([gateway.listed()]);
/** A session that a contract opened, whose start this operator approved. */
const SESSION = `0x${'5e'.repeat(32)}`;
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
  const { db: database } = record;
  database.prepare('INSERT INTO approvals (request_id, asked, is_queued) VALUES (?, ?, 1)').run(SESSION, '{}');
  const start = { connectorId: 2, idTag: sessionTag(SESSION), meterStart: 1_000 };
  gateway.call('CH-2', 1_005_600, 'StartTransaction', start, { transactionId: 9, idTagInfo: { status: 'Accepted' } });
  gateway.call('CH-2', 1_005_900, 'StopTransaction', { transactionId: 9, meterStop: 1_001, reason: 'Remote' });
  record.apply(gateway.flush(1_006_000));
  const app = express();
  const events = makeEventReader(record.db);
  changes = makeChanges(events);
  const commitmentOf = (idTag: string) => idTagCommitment(idTag, TEST_PEPPER);
  const { db, reader } = record;
  const cards = makeCardIndex(db, commitmentOf);
  cards.step();
  const session = makeSessionReader(db, reader, commitmentOf);
  app.use(
    makeReadApi({
      record: makePublicRecord(db, reader, makeMeterReader(db, reader)),
      transactions: makeTransactionRecord(db, events),
      sessions: makeSessionRecord(db, { reader, session, meterKeyOf: async () => undefined }),
      station: makeStationRecord(db, events),
      cards,
      events,
      changes,
    }),
  );
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
      charger: 'CH-1',
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

  it('shows those that are open, or ended, or of one card, page by page', async () => {
    const idsAt = async (path: string) => {
      const ids: unknown[] = [];
      for (let before = ''; ; ) {
        const { body } = await get(`${path}limit=1${before}`);
        ids.push(...(body.items as { transactionId: number }[]).map(({ transactionId }) => transactionId));
        if (body.next === null) return ids;
        before = `&before=${body.next}`;
      }
    };
    expect(await idsAt('/v1/chargers/CH-1/transactions?state=open&')).toEqual([3]);
    expect(await idsAt('/v1/chargers/CH-1/transactions?state=ended&')).toEqual([2, 1]);
    const card = idTagCommitment('secret-card', TEST_PEPPER);
    expect(await idsAt(`/v1/cards/${card}/transactions?`)).toEqual([3, 2, 1]);
    expect(await idsAt(`/v1/cards/${card}/transactions?state=open&`)).toEqual([3]);
    expect(await idsAt(`/v1/cards/0x${'00'.repeat(32)}/transactions?`)).toEqual([]);
  });

  it("shows sessions by their ids on chain, a contract's and a card's, with what became of them", async () => {
    const { body } = await get('/v1/chargers/CH-2/sessions');
    const result = { verdict: 'Done', stop: 'Remote', energyWh: 1, startedAt: 1_005, endedAt: 1_005, connector: 2 };
    expect(body.items).toEqual([
      {
        ...{ sessionId: SESSION, openedBy: 'contract', asOf: 1_006 },
        ...{ transactionId: 9, isOpen: false, result: expect.objectContaining(result) },
      },
    ]);
    const card = (await get('/v1/chargers/CH-1/sessions?limit=2')).body;
    const items = card.items as { sessionId: string; isOpen: boolean; openedBy: string; result: object }[];
    expect(items.map(({ isOpen, openedBy }) => [isOpen, openedBy])).toEqual([
      [true, 'card'],
      [false, 'card'],
    ]);
    expect(card.next).not.toBeNull();
    expect(items[1]?.result).toMatchObject({
      ...{ verdict: 'Done', stop: 'EVDisconnected', energyWh: 50 },
      idTagCommitment: idTagCommitment('secret-card', TEST_PEPPER),
    });
    const one = await get(`/v1/chargers/CH-2/sessions/${SESSION.toUpperCase().replace('X', 'x')}`);
    expect(one.body).toMatchObject({ sessionId: SESSION, openedBy: 'contract', result });
    expect((await get(`/v1/chargers/CH-1/sessions/${SESSION}`)).body).toMatchObject({
      openedBy: null,
      result: { verdict: 'CannotKnow', reason: 'NoRecord' },
    });
  });

  it.each([
    ['/v1/chargers/NONE', 404, 'no such charger on record'],
    ['/v1/chargers/NONE/transactions', 404, 'no such charger on record'],
    ['/v1/chargers?limit=0', 400, 'limit must be a whole number from 1 to 200'],
    ['/v1/chargers?limit=201', 400, 'limit must be a whole number from 1 to 200'],
    ['/v1/chargers?after=a&after=b', 400, 'after must be given once'],
    ['/v1/chargers/CH-1/transactions?before=x', 400, 'before must be the next of a page'],
    ['/v1/chargers/CH-1/transactions?state=over', 400, 'state must be any, open or ended'],
    ['/v1/chargers/CH-1/reservations?before=x', 400, 'before must be the next of a page'],
    ['/v1/chargers/CH-1/configuration?after=x', 400, 'after must be the next of a page'],
    ['/v1/chargers/CH-1/sessions?limit=21', 400, 'limit must be a whole number from 1 to 20'],
    ['/v1/chargers/CH-1/sessions/0x12', 400, 'session must be 32 bytes as 0x-hex'],
    ['/v1/cards/12/transactions', 400, 'commitment must be 32 bytes as 0x-hex'],
    ['/v1/chargers/NONE/configuration', 404, 'no such charger on record'],
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
    for (const [path, methods] of Object.entries(body.paths as object)) {
      if (path === '/v1/changes' || methods.get === undefined) continue;
      const filled = path.replace('{identity}', 'CH-1').replace(/\{(session|commitment)\}/, SESSION);
      expect([path, (await get(filled)).status]).toEqual([path, 200]);
    }
  });
});
