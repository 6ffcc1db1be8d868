import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openDatabase } from '../../adapter/database.ts';
import type { Batch } from '../../core/batch.ts';
import { decodeEvent } from '../../core/charger-event.ts';
import { makeTestGateway, TEST_NETWORK, type TestGateway } from '../support/batches.ts';
import { exitOf, keepUntilExit } from '../support/children.ts';
import { freePort } from '../support/ports.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { OPERATOR, openTestQueue, readHealthOf, startTestOperator, TOKEN } from './operator.ts';

let redis: TestRedis;
let dir: string;
let database: string;
let releases: (() => Promise<unknown> | unknown)[] = [];

beforeEach(async () => {
  redis = await startRedis();
  dir = await mkdtemp(join(tmpdir(), 'devsen-adapter-'));
  database = join(dir, 'record.sqlite');
});
afterEach(async () => {
  for (const release of releases.reverse()) await release();
  releases = [];
  await redis.close();
  await rm(dir, { recursive: true, force: true });
});

/** Batches of ten chargers that send heartbeats: `count` batches of 20 events after the first. */
function makeTraffic(gateway: TestGateway, beginMs: number, count: number): Batch[] {
  const chargers = Array.from({ length: 10 }, (_, n) => `CH-${n}`);
  const batches = [gateway.flush(beginMs)];
  for (const charger of chargers) gateway.open(charger, beginMs + 1);
  for (let n = 1; n <= count; n++) {
    for (const charger of [...chargers, ...chargers]) gateway.call(charger, beginMs + 5 * n, 'Heartbeat', {});
    batches.push(gateway.flush(beginMs + 5 * n + 1));
  }
  return batches;
}

/** Every event on record, in the order in which it was written, as `charger epoch seq`. */
function eventsOnRecord(path: string): string[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = db
      .prepare(
        `SELECT chargers.identity || ' ' || c.epoch || ' ' || e.seq AS id FROM events e
         JOIN connections c ON c.id = e.connection JOIN chargers ON chargers.id = c.charger ORDER BY e.id`,
      )
      .all();
    return rows.map((row) => String(row.id));
  } finally {
    db.close();
  }
}

function eventsOf(batches: readonly Batch[]): string[] {
  return batches
    .flatMap((batch) => batch.events.map(decodeEvent))
    .map((event) => `${event.charger} ${event.epoch} ${event.seq}`);
}

/** The adapter as its operator runs it, while the chain is away: it knows the network from its last start. */
async function startProcess(gateway: TestGateway, port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['adapter/main.ts'], {
    env: {
      PATH: process.env.PATH,
      ADAPTER_PORT: `${port}`,
      REDIS_URL: redis.url,
      RPC_URL: `http://127.0.0.1:${await freePort()}`,
      ORACLE_ADDRESS: TEST_NETWORK.split(':')[1],
      OPERATOR_ACCOUNT: OPERATOR,
      ADAPTER_DATABASE: database,
      BRIDGE_TOKEN: TOKEN,
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  keepUntilExit(child);
  releases.push(async () => {
    child.kill('SIGKILL');
    await exitOf(child);
  });
  await waitFor(async () => (await readHealthOf(`http://127.0.0.1:${port}`)).body.gateways, {
    what: `the adapter of gateway ${gateway.account} to listen`,
    timeoutMs: 60_000,
  });
  return child;
}

function rememberNetwork(gateway: TestGateway): void {
  const db = openDatabase(database);
  const [, oracle] = TEST_NETWORK.split(':');
  const zero = `0x${'0'.repeat(40)}`;
  const gateways = [gateway.listed()];
  const snapshot = { network: TEST_NETWORK, oracle, users: zero, factory: zero, link: zero, operators: [], gateways };
  db.prepare('INSERT INTO meta (name, value) VALUES (?, ?), (?, ?)').run(
    'network',
    TEST_NETWORK,
    'registry',
    JSON.stringify(snapshot),
  );
  db.close();
}

async function begin() {
  const gateway = makeTestGateway({ bootedAtMs: Date.now() - 60_000 });
  const queue = openTestQueue(redis.url);
  releases.push(queue.close);
  return { gateway, queue, beginMs: Date.now() - 59_000 };
}

describe('the record', () => {
  it('has every event exactly once and in order after kill -9 of the adapter in mid-ingest, twice', async () => {
    const { gateway, queue, beginMs } = await begin();
    rememberNetwork(gateway);
    const batches = makeTraffic(gateway, beginMs, 600);
    const port = await freePort();
    const count = () => (eventsOnRecord(database) ?? []).length;
    let sent = 0;
    for (const share of [300, 601]) {
      const child = await startProcess(gateway, port);
      const before = count();
      const sending = queue.send(...batches.slice(sent, share));
      await waitFor(() => count() > before + 500, { what: 'the adapter to be in mid-ingest', timeoutMs: 60_000 });
      child.kill('SIGKILL');
      await exitOf(child);
      await sending;
      sent = share;
    }
    await startProcess(gateway, port);
    const expected = eventsOf(batches);
    await waitFor(() => count() >= expected.length, { what: 'all events to be on record', timeoutMs: 60_000 });
    expect(eventsOnRecord(database)).toEqual(expected);
  }, 120_000);

  it('misses nothing when Redis is killed and comes back, and says meanwhile that it is red', async () => {
    const { gateway, queue, beginMs } = await begin();
    const operator = await startTestOperator({ redisUrl: redis.url, gateways: [gateway.listed()], database });
    releases.push(operator.close);
    const batches = makeTraffic(gateway, beginMs, 200);
    await queue.send(...batches.slice(0, 100));
    await redis.kill9();
    await waitFor(async () => (await operator.health()).body.redis === false, { what: 'red health' });
    await redis.restart();
    await queue.send(...batches.slice(100));
    const expected = eventsOf(batches);
    await waitFor(() => eventsOnRecord(database).length >= expected.length, { what: 'all events', timeoutMs: 60_000 });
    expect(eventsOnRecord(database)).toEqual(expected);
    await waitFor(async () => (await operator.health()).status === 200, { what: 'green health' });
  }, 180_000);

  it('notices a Redis that is frozen, and goes on when it thaws', async () => {
    const { gateway, queue, beginMs } = await begin();
    const operator = await startTestOperator({ redisUrl: redis.url, gateways: [gateway.listed()], database });
    releases.push(operator.close);
    await waitFor(async () => (await operator.health()).status === 200, { what: 'green health' });
    redis.pause();
    await waitFor(async () => (await operator.health()).body.redis === false, { what: 'red health' });
    redis.resume();
    await queue.send(...makeTraffic(gateway, beginMs, 1));
    await waitFor(() => eventsOnRecord(database).length === 30, { what: 'all events' });
    await waitFor(async () => (await operator.health()).status === 200, { what: 'green health' });
  }, 180_000);

  it('leaves batches in the queue while its database is locked, and takes them when it is free', async () => {
    const { gateway, queue, beginMs } = await begin();
    const operator = await startTestOperator({ redisUrl: redis.url, gateways: [gateway.listed()], database });
    releases.push(operator.close);
    const other = new DatabaseSync(database);
    releases.push(() => other.close());
    other.exec('BEGIN IMMEDIATE');
    const batches = makeTraffic(gateway, beginMs, 3);
    await queue.send(...batches);
    await waitFor(async () => (await operator.health()).body.database === false, { what: 'red health' });
    expect(await queue.size()).toBe(batches.length);
    other.exec('ROLLBACK');
    await waitFor(async () => (await queue.size()) === 0, { what: 'the queue to be read' });
    expect(eventsOnRecord(database)).toEqual(eventsOf(batches));
    expect((await operator.health()).status).toBe(200);
  }, 180_000);

  it('stops with its database locked, and the next process takes up what was left', async () => {
    const { gateway, queue, beginMs } = await begin();
    const operator = await startTestOperator({ redisUrl: redis.url, gateways: [gateway.listed()], database });
    const other = new DatabaseSync(database);
    other.exec('BEGIN IMMEDIATE');
    const batches = makeTraffic(gateway, beginMs, 3);
    await queue.send(...batches);
    await waitFor(async () => (await operator.health()).body.database === false, { what: 'red health' });
    await operator.close();
    other.exec('ROLLBACK');
    other.close();
    const next = await startTestOperator({ redisUrl: redis.url, gateways: [gateway.listed()], database });
    releases.push(next.close);
    await waitFor(() => eventsOnRecord(database).length === 70, { what: 'all events' });
    expect(eventsOnRecord(database)).toEqual(eventsOf(batches));
  }, 180_000);

  it('writes all of a group of batches or nothing when the disk is full, and knows then where it stands', async () => {
    const { gateway, beginMs } = await begin();
    const { makeTestRecord } = await import('./record.ts');
    const record = makeTestRecord([gateway.listed()], database);
    releases.push(() => record.db.close());
    const batches = makeTraffic(gateway, beginMs, 50);
    record.apply(...batches.slice(0, 1));
    const pages = record.db.prepare<{ page_count: number }>('PRAGMA page_count').get()?.page_count ?? 0;
    record.db.prepare(`PRAGMA max_page_count = ${pages + 2}`).get();
    expect(() => record.apply(...batches.slice(1))).toThrow('database or disk is full');
    expect([record.count('events'), record.count('batches')]).toEqual([0, 1]);
    record.db.prepare('PRAGMA max_page_count = 1000000').get();
    record.apply(...batches.slice(1));
    expect(eventsOnRecord(database)).toEqual(eventsOf(batches));
  });

  it('refuses a database that a newer program made', () => {
    const db = new DatabaseSync(database);
    db.exec('PRAGMA user_version = 999');
    db.close();
    expect(() => openDatabase(database)).toThrow('database is of version 999, made by a newer program');
  });
});
