import type { KeyObject } from 'node:crypto';
import { makeCommandReader } from '../../adapter/command-reader.ts';
import { openDatabase } from '../../adapter/database.ts';
import type { ListedGateway } from '../../adapter/gateway-book.ts';
import { makeIngest } from '../../adapter/ingest.ts';
import { makeMeterReader } from '../../adapter/meter-reader.ts';
import { readinessAt } from '../../adapter/readiness.ts';
import { makeRecordReader } from '../../adapter/record-reader.ts';
import { makeSessionReader } from '../../adapter/session-reader.ts';
import { makeUptimeReader } from '../../adapter/uptime-reader.ts';
import { asOfMs } from '../../core/as-of.ts';
import type { Batch } from '../../core/batch.ts';
import { chargerStatusAt, type Known } from '../../core/charger-status.ts';
import { deviceIdOf, idTagCommitment } from '../../core/identity.ts';
import { type MeterReading, meterReadingAt } from '../../core/meter-reading.ts';
import type { SessionAnswer } from '../../core/session-answers.ts';
import { sessionResultAt } from '../../core/session-result.ts';
import { type Uptime, uptimeBetween } from '../../core/uptime.ts';
import { makeLog } from '../../runtime/log.ts';
import { TEST_NETWORK } from '../support/batches.ts';

/** The status names of an answer, short enough to read in a table: `Charging@12 error 3` or `offline@12`. */
export type Told = string;

const NAMES = ['Unknown', 'Available', 'Occupied', 'Charging', 'Suspended', 'Reserved', 'Unavailable', 'Faulted'];

export const TEST_PEPPER = Buffer.from('pepper of the tests');

/** An operator's record in a database of its own, without queue and HTTP. */
export function makeTestRecord(gateways: readonly ListedGateway[], path = ':memory:', isGivingBack = false) {
  const db = openDatabase(path, isGivingBack);
  const outcomes: string[] = [];
  const ingest = makeIngest(db, TEST_NETWORK, makeLog('test', 'silent'), {
    batch: (outcome) => outcomes.push(outcome),
    events: () => {},
    unusable: () => {},
  });
  const reader = makeRecordReader(db);
  const meter = makeMeterReader(db, reader);
  const uptime = makeUptimeReader(db, reader);
  const session = makeSessionReader(db, reader, (idTag) => idTagCommitment(idTag, TEST_PEPPER));
  ingest.listGateways(gateways, 0);
  const commands = makeCommandReader(db, reader, session);
  const answer = (charger: string, connector: number, atSec: number) =>
    chargerStatusAt(reader.at(deviceIdOf(charger), asOfMs(atSec)), connector, asOfMs(atSec));
  return {
    db,
    ingest,
    reader,
    outcomes,
    apply: (...batches: (Batch | string)[]) =>
      ingest.apply(
        batches.map((batch) => (typeof batch === 'string' ? batch : JSON.stringify(batch))),
        0,
      ),
    /** What a question would get at `nowMs`, were the queue drained and listened to since ever. */
    readiness: (atSec: number, nowMs: number) => {
      const accounts = new Set([...ingest.book.active(), ...ingest.book.rows().map((row) => row.account)]);
      const views = [...accounts].map((account) => {
        const row = ingest.book.row(account);
        const isBehind = ingest.parkedOf(account) > 0 || (row.state === 'seeking' && row.isMissed);
        const coverage = reader.coverage(account, asOfMs(atSec));
        return { account, isActive: ingest.book.active().includes(account), coverage, isBehind };
      });
      return readinessAt(views, asOfMs(atSec), nowMs, 0).kind;
    },
    answer,
    meter: (charger: string, connector: number, atSec: number): Known<MeterReading> =>
      meterReadingAt(meter(deviceIdOf(charger), asOfMs(atSec)), connector, asOfMs(atSec)),
    uptime: (charger: string, fromSec: number, toSec: number): Known<Uptime> => {
      const record = uptime(deviceIdOf(charger), fromSec, toSec);
      return record.isKnown ? uptimeBetween(record.answer, fromSec, toSec) : record;
    },
    uptimeReader: uptime,
    commands,
    sessionReader: session,
    session: (charger: string, sessionId: string, atSec: number, meterKey?: KeyObject): Known<SessionAnswer> =>
      sessionResultAt(session(deviceIdOf(charger), sessionId, asOfMs(atSec)), asOfMs(atSec), meterKey),
    /** The answer as text. */
    told: (charger: string, connector: number, atSec: number): Told => {
      const known = answer(charger, connector, atSec);
      if (!known.isKnown) return 'cannot know';
      const { status, errorClass, observedAtSec, online } = known.answer;
      const name = online ? NAMES[status] : 'offline';
      return `${name}@${observedAtSec}${errorClass === 0 ? '' : ` error ${errorClass}`}`;
    },
    count: (table: string) =>
      db.prepare<{ total: number }>(`SELECT count(*) AS total FROM ${table}`).get()?.total ?? -1,
    reasons: () =>
      db
        .prepare<{ reason: string }>('SELECT reason FROM evidence ORDER BY id')
        .all()
        .map((row) => row.reason),
  };
}

export type TestRecord = ReturnType<typeof makeTestRecord>;
