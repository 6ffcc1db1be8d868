import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChargerAccount, digestOf } from '../../bench/soak/charger-account.ts';
import type { RecordedEvent } from '../../bench/soak/checker.ts';
import { inspect } from '../../bench/soak/inspection.ts';
import { openOperatorRecord } from '../../bench/soak/operator-record.ts';
import { describeReport, type SoakReport } from '../../bench/soak/report.ts';
import { runSoak } from '../../bench/soak/soak.ts';
import { ocpp16 } from '../../simulator/ocpp16.ts';
import { ocpp21, ocpp201 } from '../../simulator/ocpp20.ts';

const MINUTES_MS = 60_000;
const CHARGERS = 12;
const OPERATORS = ['operator-1', 'operator-2', 'operator-3', 'operator-4'];
/** Redis is killed, chargers are offline, then a gateway and an operator are killed at once. */
const SEED = 1531;

describe('a soak of a few seconds', () => {
  const dir = mkdtempSync(join(tmpdir(), 'devsen-soak-test-'));
  const files = OPERATORS.map((name) => ({ name, file: join(dir, `${name}.sqlite`) }));
  let report: SoakReport;
  let accounts: readonly ChargerAccount[];

  beforeAll(async () => {
    report = await runSoak({
      minutes: 0.1,
      chargers: CHARGERS,
      dialects: [ocpp16, ocpp201, ocpp21],
      mishapEverySec: 1,
      seed: SEED,
      withBuild: false,
      isKept: false,
      haste: 20,
      tell: () => {},
      onInspected: (all, records) => {
        accounts = all;
        for (const [n, { file }] of records.entries()) copy(file, files[n]?.file ?? '');
      },
    });
  }, 4 * MINUTES_MS);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** What an operator has of a charger's message that was acknowledged in the middle of it all. */
  function someEvent(account: ChargerAccount): RecordedEvent {
    const record = openOperatorRecord(files[1]?.file ?? '');
    const events = record.eventsOf(account.identity);
    record.close();
    const middle = account.acknowledged[Math.floor(account.acknowledged.length / 2)];
    const found = events.find(({ frame, reply }) => digestOf(frame, reply) === middle);
    if (!found) throw new Error(`${account.identity} has no such event`);
    return found;
  }

  it('finds nothing wrong, and says what happened', () => {
    expect(report).toMatchObject({ isGood: true, findings: {}, troubles: [], rejected: 0, chargers: CHARGERS });
    // the first of them; how many there is time for is up to the machine
    expect(report.mishaps).toMatchObject({ 'Redis killed': expect.any(Number) });
    expect(report.transactions.complete).toBeGreaterThan(0);
    expect(Object.keys(report.recorded)).toEqual(OPERATORS);
    expect(Math.min(...Object.values(report.recorded))).toBeGreaterThan(report.acknowledged);
    expect(report.memory.map(({ name, verdict }) => [name, verdict]).toSorted()).toEqual(
      ['chargers', 'gateway', 'gateway-2', ...OPERATORS, 'redis'].map((name) => [name, 'too short']),
    );
    const lines = describeReport(report).split('\n');
    expect(lines[0]).toBe('Soak of 0.1 minutes: 12 chargers, 2 gateways, 4 operators, seed 1531');
    expect(lines.at(-1)).toBe('Nothing is wrong, but it was too short to judge how all memory goes.');
  });

  it('finds an event that is taken out of one operator’s database', () => {
    const [account] = accounts as [ChargerAccount];
    const { epoch, seq } = someEvent(account);
    const robbed = join(dir, 'robbed.sqlite');
    copy(files[1]?.file ?? '', robbed);
    const database = new DatabaseSync(robbed, { enableForeignKeyConstraints: false });
    const { changes } = database
      .prepare(
        `DELETE FROM events WHERE seq = ? AND connection IN (
           SELECT c.id FROM connections c JOIN chargers g ON g.id = c.charger WHERE g.identity = ? AND c.epoch = ?)`,
      )
      .run(seq, account.identity, epoch);
    database.close();
    expect(changes).toBe(1);
    const found = inspect(
      accounts,
      files.map(({ name, file }, n) => ({ name, file: n === 1 ? robbed : file })),
    );
    expect(found.findings).toMatchObject({ lost: 1, differing: 1 });
    for (const { charger, operator } of found.examples) {
      expect([charger, operator]).toEqual([account.identity, 'operator-2']);
    }
  });

  it('finds a message that a charger’s own account lacks, or has twice', () => {
    const [account, ...others] = accounts as [ChargerAccount];
    const { frame, reply } = someEvent(account);
    const digest = digestOf(frame, reply);
    const changed = (change: (each: string) => string[]) =>
      inspect([{ ...account, acknowledged: account.acknowledged.flatMap(change) }, ...others], files).findings;
    expect(changed((each) => (each === digest ? [] : [each]))).toEqual({ foreign: OPERATORS.length });
    expect(changed((each) => (each === digest ? [each, each] : [each]))).toEqual({ doubled: 1 });
  });
});

function copy(from: string, to: string): void {
  const database = new DatabaseSync(from, { readOnly: true });
  database.prepare('VACUUM INTO ?').run(to);
  database.close();
}
