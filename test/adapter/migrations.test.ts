import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from '@jest/globals';
import { EMPTYING_VERSION, MIGRATIONS } from '../../adapter/migrations.ts';
import { makeTestGateway } from '../support/batches.ts';
import { makeTestRecord } from './record.ts';

it('fills the tables that are new from the events of a record that an earlier version made', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'devsen-record-'));
  try {
    const path = join(folder, 'adapter.sqlite');
    const gateway = makeTestGateway({ bootedAtMs: 1_000_000 });
    const record = makeTestRecord([gateway.listed()], path);
    record.apply(gateway.flush(1_000_000));
    gateway.open('CH-1', 1_001_000);
    const start = { connectorId: 1, idTag: 'ADA', meterStart: 100 };
    gateway.call('CH-1', 1_002_000, 'StartTransaction', start, { transactionId: 7 });
    gateway.call('CH-1', 1_003_000, 'MeterValues', {
      connectorId: 2,
      meterValue: [{ sampledValue: [{ value: '50' }] }],
    });
    gateway.status('CH-1', 1_003_500, 1, 'Charging');
    gateway.call('CH-1', 1_004_000, 'StopTransaction', { transactionId: 7, meterStop: 900 });
    record.apply(gateway.flush(1_005_000));
    record.db.close();
    // The file as version 1 left it.
    const old = new DatabaseSync(path);
    old.exec(`DROP TRIGGER transaction_placed; DROP TRIGGER transaction_connector_told; DROP TRIGGER transaction_end_told;
      DROP TABLE readings; DROP TABLE transaction_starts; DROP TABLE transaction_stops;
      DROP TABLE transaction_events; DROP TABLE command_answers; DROP TABLE transaction_messages; DROP TABLE boots;
      DROP TABLE faults; DROP TABLE signed_values; DROP TABLE approvals; DROP TABLE station_facts; DROP TABLE variables;
      DROP TABLE reservation_messages; DROP TABLE card_tags; DROP TABLE later_answers; DROP TABLE statuses; CREATE TABLE statuses (charger INTEGER) STRICT;
      ALTER TABLE connections DROP COLUMN subprotocol; DROP INDEX batches_late; DROP TABLE emptied; DROP TABLE kept_messages; DROP TABLE transaction_connectors;
      DROP TABLE connector_ends;
      ALTER TABLE events DROP COLUMN is_emptied; PRAGMA user_version = 1;`);
    old.close();

    const again = makeTestRecord([gateway.listed()], path);
    const told = [1, 2].map((connector) => again.meter('CH-1', connector, 1_004));
    expect(told).toEqual([
      { isKnown: true, answer: { registerWh: 900, powerW: 0, observedAtSec: 1_004, isSigned: false } },
      { isKnown: true, answer: { registerWh: 50, powerW: 0, observedAtSec: 1_003, isSigned: false } },
    ]);
    expect([again.count('readings'), again.count('transaction_starts'), again.count('statuses')]).toEqual([2, 1, 1]);
    expect([again.count('transaction_events'), again.count('card_tags')]).toEqual([2, 1]);
    again.db.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('fills no table once messages may be emptied, since what they said is gone', () => {
  for (const { sql, fills = [] } of MIGRATIONS.slice(EMPTYING_VERSION)) {
    expect(fills).toEqual([]);
    expect(sql).not.toMatch(/DROP TABLE|DELETE FROM/);
  }
  expect(MIGRATIONS[EMPTYING_VERSION - 1]?.sql).toContain('is_emptied');
});
