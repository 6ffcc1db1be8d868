import { expect, it } from '@jest/globals';
import { makeApprovals } from '../../adapter/approvals.ts';
import { makeAvailabilityList } from '../../adapter/availability-list.ts';
import { makeBatchExport } from '../../adapter/batch-export.ts';
import { makeCardIndex } from '../../adapter/card-index.ts';
import { makeCommandReader } from '../../adapter/command-reader.ts';
import { type Database, openDatabase } from '../../adapter/database.ts';
import { makeEndedReader } from '../../adapter/ended-reader.ts';
import { makeEventReader } from '../../adapter/event-reader.ts';
import { makeEvidence } from '../../adapter/evidence.ts';
import { makeIngest } from '../../adapter/ingest.ts';
import { makeLaterStore } from '../../adapter/later-store.ts';
import { makeMeterReader } from '../../adapter/meter-reader.ts';
import { makePublicRecord } from '../../adapter/public-record.ts';
import { makeRecordReader } from '../../adapter/record-reader.ts';
import { makeRetention } from '../../adapter/retention.ts';
import { makeSessionReader } from '../../adapter/session-reader.ts';
import { makeSessionRecord } from '../../adapter/session-record.ts';
import { makeStationRecord } from '../../adapter/station-record.ts';
import { makeThinning } from '../../adapter/thinning.ts';
import { makeTransactionRecord } from '../../adapter/transaction-record.ts';
import { makeUptimeReader } from '../../adapter/uptime-reader.ts';
import { makeLog } from '../../runtime/log.ts';
import { TEST_NETWORK } from '../support/batches.ts';

/** Tables that hold a row for each gateway, key or break, or whose rows are bounded; and what a statement calls them. */
const SMALL = ['gateways', 'gateway_keys', 'chapters', 'convictions', 'emptied', 'parked', 'later_answers'];
const isSmall = (name: string, sql: string) =>
  SMALL.some((table) => name === table || sql.includes(` ${table} ${name} `)) || sql.includes(`LIMIT ?3) ${name}`);

/** What is done once for a key that is convicted, or for a pepper that is another. */
const RARE = /^DELETE FROM \w+ WHERE \(connection, seq\) IN|^UPDATE card_tags SET commitment = NULL$/;

/** Every statement that the adapter prepares. */
function statements(): { db: Database; all: string[] } {
  const db = openDatabase(':memory:');
  const all: string[] = [];
  const noting: Database = {
    ...db,
    prepare: (sql) => {
      all.push(sql);
      return db.prepare(sql);
    },
  };
  const never = () => {
    throw new Error('nothing is asked here');
  };
  const log = makeLog('test', 'silent');
  const ingest = makeIngest(noting, TEST_NETWORK, log, { batch: never, events: never, unusable: never });
  const reader = makeRecordReader(noting);
  const meter = makeMeterReader(noting, reader);
  const session = makeSessionReader(noting, reader, never);
  const events = makeEventReader(noting);
  const knowing = { untilKnown: never };
  const uptime = makeUptimeReader(noting, reader);
  const command = makeCommandReader(noting, reader, session);
  makeEndedReader(noting, session);
  makeTransactionRecord(noting, events);
  makeSessionRecord(noting, { reader, session, meterKeyOf: never });
  makeStationRecord(noting, events);
  makePublicRecord(noting, reader, meter);
  makeCardIndex(noting, () => undefined);
  makeRetention(noting, never);
  makeThinning(noting);
  makeBatchExport(noting, ingest.batchText);
  makeLaterStore(noting);
  makeAvailabilityList({ db: noting, knowing, reader, chargersInCell: never, now: never });
  const following = { knowing, command, meterKeyOf: never, waitMs: 0 };
  makeEvidence({ ...following, db: noting, reader, meter, uptime, session, batches: never });
  const queue = { add: never };
  makeApprovals({ db: noting, asked: { find: never }, queue, signingKey: undefined, operator: '', log, now: never });
  return { db, all };
}

it('looks nothing up by reading a table from end to end that grows with the record', () => {
  const { db, all } = statements();
  expect(all.length).toBeGreaterThan(100);
  const often = all.filter((sql) => !RARE.test(sql));
  const scanning = often.flatMap((sql) => {
    const plan = db.prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all();
    const scans = plan.filter(({ detail }) => {
      const table = /^SCAN (\w+)/.exec(detail)?.[1];
      return table !== undefined && !isSmall(table, sql);
    });
    return scans.map(({ detail }) => `${detail}: ${sql.replaceAll(/\s+/g, ' ').slice(0, 160)}`);
  });
  expect(scanning).toEqual([]);
  db.close();
});
