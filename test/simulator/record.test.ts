import { afterEach, describe, expect, it } from '@jest/globals';
import type { ChargerFact } from '../../core/charger-fact.ts';
import { deriveFacts } from '../../core/derive-facts.ts';
import { versionOf } from '../../core/ocpp-version.ts';
import { STATUS_NAMES } from '../../core/status.ts';
import { startCharger } from '../../simulator/charger.ts';
import type { Dialect } from '../../simulator/dialect.ts';
import { ocpp16 } from '../../simulator/ocpp16.ts';
import { ocpp21, ocpp201 } from '../../simulator/ocpp20.ts';
import { makeManualClock } from './manual-clock.ts';
import type { Version } from './schemas.ts';
import { startStrictCsms } from './strict-csms.ts';

const START_MS = Date.parse('2026-03-01T12:00:00Z');
const HOUR_MS = 3_600_000;
const car = { battery: { capacityWh: 80_000, levelWh: 0 }, maxPowerW: 10_000 };

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** One afternoon at a charger, as those who read its record understand it. */
async function afternoon(dialect: Dialect): Promise<ChargerFact[]> {
  const csms = await startStrictCsms(dialect.subprotocol as Version);
  open.push(csms);
  const clock = makeManualClock(START_MS);
  const facts: ChargerFact[] = [];
  const charger = startCharger({
    url: csms.url,
    identity: 'CP-1',
    key: undefined,
    connectors: 1,
    dialect,
    clock,
    meterIntervalMs: HOUR_MS,
    watch: (happening) => {
      if (happening.kind !== 'acknowledged') return;
      const { frame, reply } = happening;
      const event = { kind: 'call' as const, frame, reply, receivedAtMs: clock.nowMs() };
      facts.push(...deriveFacts(event, versionOf(dialect.subprotocol)));
    },
  });
  open.push(charger);
  await charger.settled();
  charger.plug(1, car);
  await charger.present(1, 'DRIVER-ADA');
  clock.advance(HOUR_MS);
  charger.act(1, { kind: 'pause', by: 'EV' });
  charger.act(1, { kind: 'resume' });
  await charger.present(1, 'DRIVER-ADA');
  charger.unplug(1);
  charger.plug(1, car);
  await charger.present(1, 'DRIVER-BEN');
  clock.advance(HOUR_MS / 2);
  charger.act(1, { kind: 'fault', errorCode: 'GroundFailure' });
  charger.unplug(1);
  charger.act(1, { kind: 'repair' });
  await charger.settled();
  expect(csms.broken).toEqual([]);
  return facts;
}

/** What no version may tell differently. */
function essence(facts: readonly ChargerFact[]): string[] {
  return facts.flatMap((fact) => {
    switch (fact.kind) {
      case 'boot':
        return [`boot ${fact.vendor} ${fact.model} ${fact.serial} ${fact.firmware} ${fact.registration}`];
      case 'transaction-started':
        return [`started at ${fact.connector}, ${fact.meterStartWh} Wh`];
      case 'transaction-stopped':
        return [`stopped ${fact.reason}, ${fact.meterStopWh} Wh`];
      case 'unusable':
        return [`unusable ${fact.action} ${fact.reason}`];
      default:
        return [];
    }
  });
}

describe.each([ocpp16, ocpp201, ocpp21])('the record of a virtual charger of $subprotocol', (dialect) => {
  it('says what happened, whatever the version', async () => {
    const facts = await afternoon(dialect);
    expect(essence(facts)).toEqual([
      'boot DEVSEN Virtual V-0001 0.1.0 Accepted',
      'started at 1, 0 Wh',
      // 10 kW for an hour
      'stopped Local, 10000 Wh',
      'started at 1, 10000 Wh',
      'stopped Other, 15000 Wh',
    ]);
    const faulted = facts.filter((fact) => fact.kind === 'status' && STATUS_NAMES[fact.status] === 'Faulted');
    expect(faulted).toHaveLength(1);
    const last = facts.findLast((fact) => fact.kind === 'status');
    expect(last).toMatchObject({ connector: 1, reported: 'Available' });
  });
});
