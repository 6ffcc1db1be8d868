import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deviceIdOf } from '../../core/identity.ts';
import { encodeUptime } from '../../core/queries.ts';
import { uptimeBetween } from '../../core/uptime.ts';
import { makeTestGateway } from '../support/batches.ts';
import { BEGIN_MS, CHARGERS, play, REGISTERED, STEP, type Step } from './play.ts';
import { makeTestRecord } from './record.ts';

/** Every charger is there, and its first connector available. */
const CONNECTED: Step[] = CHARGERS.flatMap((_, charger) =>
  (['open', 'status'] as const).map((what) => ({
    afterMs: 1,
    gateway: charger % 2,
    charger,
    what,
    connector: 1,
    status: 0,
  })),
);

const ms = (sec: number) => sec * 1000;

function begin() {
  const gateway = makeTestGateway({ bootedAtMs: ms(1_000) });
  const record = makeTestRecord([gateway.listed()]);
  record.apply(gateway.flush(ms(1_000)));
  const idle = (fromSec: number, toSec: number) => {
    for (let sec = fromSec; sec <= toSec; sec += 5) record.apply(gateway.flush(ms(sec)));
  };
  /** `<usable>+<excluded>` seconds. */
  const told = (fromSec: number, toSec: number) => {
    const known = record.uptime('CH-1', fromSec, toSec);
    return known.isKnown ? `${known.answer.usableSec}+${known.answer.excludedSec}` : 'cannot know';
  };
  return { gateway, record, idle, told };
}

describe('uptime of a period', () => {
  it('counts the seconds in which a connector was operative, in use or not', () => {
    const { gateway, idle, told } = begin();
    gateway.open('CH-1', ms(1_001));
    idle(1_005, 1_005);
    gateway.status('CH-1', ms(1_010), 1, 'Available');
    gateway.status('CH-1', ms(1_012), 1, 'Charging');
    idle(1_014, 1_014);
    gateway.status('CH-1', ms(1_015), 1, 'Faulted');
    gateway.status('CH-1', ms(1_018), 2, 'Preparing');
    gateway.status('CH-1', ms(1_020), 0, 'Unavailable');
    idle(1_021, 1_021);
    gateway.status('CH-1', ms(1_023), 0, 'Available');
    idle(1_025, 1_025);
    gateway.close('CH-1', ms(1_030));
    idle(1_035, 1_045);
    // 1,010 to 1,015; 1,018 to 1,020; 1,023 to 1,030
    expect(told(1_000, 1_040)).toBe('14+0');
    expect([told(1_000, 1_010), told(1_012, 1_019), told(1_030, 1_040)]).toEqual(['0+0', '4+0', '0+0']);
  });

  it('does not count a charger that is connected and says nothing of its connectors', () => {
    const { gateway, idle, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002), 0, 'Available');
    idle(1_005, 1_020);
    expect(told(1_000, 1_020)).toBe('0+0');
  });

  it('counts up to 900 s after the last frame, and not beyond', () => {
    const { gateway, idle, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002), 1, 'Available');
    idle(1_005, 2_000);
    gateway.call('CH-1', ms(2_002), 'Heartbeat', {});
    idle(2_005, 2_020);
    // 1,002 to 1,902; the moment at 1,902.999 lies beyond
    expect(told(1_000, 2_000)).toBe('900+0');
    expect(told(1_000, 2_010)).toBe('908+0');
  });

  it("excludes its gateway's silence", () => {
    const { gateway, idle, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002), 1, 'Available');
    idle(1_005, 1_010);
    idle(1_040, 1_060);
    // From after 1,010 to 1,040: the moment of 1,010 lies in it, that of 1,040 does not
    expect(told(1_000, 1_060)).toBe('28+30');
  });

  it('excludes the time until a charger is back after a restart, but for 300 s at most', () => {
    const { gateway, idle, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002), 1, 'Available');
    idle(1_005, 1_010);
    gateway.restart(ms(1_012));
    idle(1_015, 1_400);
    gateway.open('CH-1', ms(1_402));
    idle(1_405, 1_420);
    // Usable 1,002 to 1,010; excluded from 1,010 to the restart's first word at 1,015 and 300 s more
    expect(told(1_000, 1_400)).toBe('8+305');
    expect(told(1_400, 1_410)).toBe('8+0');
  });

  it('excludes nothing for a charger that was out before', () => {
    const { gateway, idle, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002), 1, 'Faulted');
    idle(1_005, 1_010);
    idle(1_040, 1_060);
    expect(told(1_000, 1_060)).toBe('0+0');
  });

  it('does not answer for a time before its record', () => {
    const { idle, told } = begin();
    idle(1_005, 1_020);
    expect([told(999, 1_010), told(1_000, 1_010), told(1_010, 1_010)]).toEqual(['cannot know', '0+0', '0+0']);
  });

  it('goes on chain as usable and excluded seconds', () => {
    const word = (value: number) => value.toString(16).padStart(64, '0');
    expect(encodeUptime({ usableSec: 14, excludedSec: 3 })).toBe(`0x${word(14)}${word(3)}`);
  });

  it('is the sum of its seconds, each judged by itself, however it is split, and never more than the period', () => {
    let usable = 0;
    let excluded = 0;
    const fromSec = BEGIN_MS / 1000;
    fc.assert(
      fc.property(
        fc.array(STEP, { minLength: 15, maxLength: 40 }),
        fc.array(fc.nat(60), { minLength: 1, maxLength: 5 }),
        (steps, cuts) => {
          // A gateway that speaks now and then, or most silences are so long that nothing is usable
          const spoken = steps.flatMap((step, n) => {
            const flush = (gateway: number) => ({ ...step, afterMs: 1, gateway, what: 'flush' as const });
            return n % 3 === 0 ? [step, flush(0), flush(1)] : [step];
          });
          const { sent, endMs } = play([...CONNECTED, ...spoken]);
          const record = makeTestRecord(REGISTERED);
          try {
            record.apply(...sent.map(({ batch }) => batch));
            const toSec = Math.floor(endMs / 1000);
            for (const charger of CHARGERS) {
              const read = record.uptimeReader(deviceIdOf(charger), fromSec, toSec);
              if (!read.isKnown) throw new Error(read.reason);
              const between = (from: number, to: number, changes?: number[]) => {
                const view = changes === undefined ? read.answer : { ...read.answer, changes: () => changes };
                const known = uptimeBetween(view, from, to);
                if (!known.isKnown) throw new Error(known.reason);
                return known.answer;
              };
              const whole = between(fromSec, toSec);
              const seconds = Array.from({ length: toSec - fromSec }, (_, n) => ms(fromSec + n));
              expect(between(fromSec, toSec, seconds)).toEqual(whole);
              const edges = [fromSec, ...cuts.map((cut) => Math.min(fromSec + cut, toSec)), toSec].sort(
                (a, b) => a - b,
              );
              const parts = edges.slice(1).map((to, n) => between(edges[n] as number, to));
              expect(parts.reduce((sum, part) => sum + part.usableSec, 0)).toBe(whole.usableSec);
              expect(parts.reduce((sum, part) => sum + part.excludedSec, 0)).toBe(whole.excludedSec);
              expect(whole.usableSec).toBeGreaterThanOrEqual(0);
              expect(whole.excludedSec).toBeGreaterThanOrEqual(0);
              expect(whole.usableSec + whole.excludedSec).toBeLessThanOrEqual(toSec - fromSec);
              usable += whole.usableSec;
              excluded += whole.excludedSec;
            }
          } finally {
            record.db.close();
          }
        },
      ),
      { numRuns: 25 },
    );
    expect(usable).toBeGreaterThan(100);
    expect(excluded).toBeGreaterThan(20);
  });
});
