import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../adapter/database.ts';
import { makeIngest } from '../adapter/ingest.ts';
import { makeMeterReader } from '../adapter/meter-reader.ts';
import { makeRecordReader } from '../adapter/record-reader.ts';
import { asOfMs } from '../core/as-of.ts';
import { chargerStatusAt } from '../core/charger-status.ts';
import { deviceIdOf } from '../core/identity.ts';
import { meterReadingAt } from '../core/meter-reading.ts';
import { makeLog } from '../runtime/log.ts';
import { makeTestGateway, TEST_NETWORK } from '../test/support/batches.ts';
import { measureThroughput } from './gateway-throughput.ts';

const CHARGERS = 500;
const SMALL_EVENTS = 10_000;
const LARGE_EVENTS = 1_000_000;
const BATCH_EVENTS = 250;
/** Batches that are committed together, as when a queue is read that has filled. */
const BATCHES_PER_COMMIT = 16;
const BATCH_MS = 100;
const BEGIN_MS = 1_000_000_000;
const QUERIES = 2_000;
const GATEWAY_TURNS = 5;

/**
 * What an operator's record costs.
 *
 * Ingest: events per CPU-second from a batch's text to the committed log (signature, chain, projections, flush to disk),
 * against those that the gateway makes per CPU-second in the same run. As-of: the time of a `charger-status` and a `meter-reading` answer at
 * 1,000,000 events on record, against 10,000. Times are drawn from all of the record.
 */
export async function run({ json }: { json: boolean }): Promise<void> {
  const gatewayTurns = await measureThroughput([{ server: 'ours', operators: 4, gateways: 1 }], GATEWAY_TURNS);
  const folder = await mkdtemp(join(tmpdir(), 'devsen-bench-'));
  try {
    const record = makeRecord(join(folder, 'adapter.sqlite'));
    record.ingestUpTo(SMALL_EVENTS);
    record.askUs();
    const smallUs = record.askUs();
    const eventsPerCpuSec = record.ingestUpTo(LARGE_EVENTS);
    record.askUs();
    const largeUs = record.askUs();
    record.close();
    const gateway = Math.max(...gatewayTurns.flat().map(({ messagesPerCpuSec }) => messagesPerCpuSec));
    const ingestRatio = Number((eventsPerCpuSec / gateway).toFixed(3));
    const asOfRatio = Number((largeUs / smallUs).toFixed(3));
    process.stdout.write(`Gateway: ${gateway.toFixed(0)} events per CPU-second\n`);
    process.stdout.write(`Adapter: ${eventsPerCpuSec.toFixed(0)} events per CPU-second into the committed log\n`);
    process.stdout.write(
      `charger-status and meter-reading: ${smallUs.toFixed(1)} us at ${SMALL_EVENTS} events on record\n`,
    );
    process.stdout.write(
      `charger-status and meter-reading: ${largeUs.toFixed(1)} us at ${LARGE_EVENTS} events on record\n`,
    );
    process.stdout.write(`\nIngest ratio: ${ingestRatio}, as-of ratio: ${asOfRatio}\n`);
    if (json) process.stdout.write(`${JSON.stringify({ bench: 'adapter', ingestRatio, asOfRatio })}\n`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A record of one gateway whose chargers tell a status, a reading or that they are there, in turn. */
function makeRecord(path: string) {
  const db = openDatabase(path);
  const counts = { batch: () => {}, events: () => {}, unusable: () => {} };
  const ingest = makeIngest(db, TEST_NETWORK, makeLog('bench', 'silent'), counts);
  const reader = makeRecordReader(db);
  const meter = makeMeterReader(db, reader);
  const gateway = makeTestGateway({ bootedAtMs: BEGIN_MS });
  ingest.listGateways([gateway.listed()], 0);
  const charger = (n: number) => `BENCH-${n % CHARGERS}`;
  let nowMs = BEGIN_MS;
  let events = 0;
  const makeBatch = (): string => {
    nowMs += BATCH_MS;
    for (let n = 0; n < BATCH_EVENTS; n++, events++) {
      const round = Math.floor(events / CHARGERS);
      if (round === 0) gateway.open(charger(events), nowMs);
      else if (round % 3 === 1) gateway.status(charger(events), nowMs, 1, round % 2 === 0 ? 'Charging' : 'Available');
      else if (round % 3 === 2) {
        const meterValue = [{ sampledValue: [{ value: `${round}` }] }];
        gateway.call(charger(events), nowMs, 'MeterValues', { connectorId: 1, meterValue });
      } else gateway.call(charger(events), nowMs, 'Heartbeat', {});
    }
    return JSON.stringify(gateway.flush(nowMs));
  };
  return {
    /** @returns events per CPU-second; making the batches does not count */
    ingestUpTo: (total: number): number => {
      const before = events;
      let cpuUs = 0;
      while (events < total) {
        const texts = Array.from({ length: BATCHES_PER_COMMIT }, makeBatch);
        const start = process.cpuUsage();
        ingest.apply(texts, nowMs);
        const spent = process.cpuUsage(start);
        cpuUs += spent.user + spent.system;
      }
      return ((events - before) / cpuUs) * 1e6;
    },
    /** @returns the time of one answer, microseconds */
    askUs: (): number => {
      const firstSec = Math.ceil(BEGIN_MS / 1000);
      const seconds = Math.max(Math.floor((nowMs - BEGIN_MS) / 1000) - 1, 1);
      const startMs = performance.now();
      for (let n = 0; n < QUERIES; n++) {
        const atMs = asOfMs(firstSec + ((n * 7_919) % seconds));
        const deviceId = deviceIdOf(charger(n * 31));
        const status = chargerStatusAt(reader.at(deviceId, atMs), 1, atMs);
        const reading = meterReadingAt(meter(deviceId, atMs), 1, atMs);
        if (!status.isKnown || !reading.isKnown) throw new Error('the record does not answer');
      }
      return ((performance.now() - startMs) * 1000) / QUERIES;
    },
    close: () => db.close(),
  };
}
