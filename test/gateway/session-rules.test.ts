import { describe, expect, it } from '@jest/globals';
import type { ChargerFact } from '../../core/charger-fact.ts';
import {
  dueStop,
  isAbout,
  limitExpectedMs,
  type Progress,
  progressAfter,
  type SessionRecord,
} from '../../ocpp-gateway/session-rules.ts';
import { factsOf, register, TIME, transactionEvent } from '../core/samples20.ts';

const IDLE_MS = 600_000;

const record = (progress: Progress, startWh?: number): SessionRecord => ({
  session: {
    sessionId: `0x${'5e'.repeat(32)}`,
    tag: '5E5E5E5E5E5E5E5E5E5E',
    connector: 1,
    energyLimitWh: 5_000,
    startUntilMs: 0,
    openedAtMs: 0,
  },
  began: { transactionId: 'tx-1', atMs: 1_000, ...(startWh === undefined ? {} : { startWh }) },
  progress,
});

/** An Updated of OCPP 2.x that tells a state, a register, or both. */
function updated(chargingState?: string, registerWh?: number, more: object = {}): ChargerFact {
  const sampledValue = registerWh === undefined ? [] : [register(registerWh)];
  const change = {
    transactionInfo: { transactionId: 'tx-1', chargingState },
    meterValue: [{ timestamp: TIME, sampledValue }],
    ...more,
  };
  return factsOf('TransactionEvent', transactionEvent('Updated', 1, change))[0] as ChargerFact;
}

/** Progress after messages of OCPP 2.x, each told at a time, Unix ms. */
function toldAfter(...told: [atMs: number, fact: ChargerFact][]): Progress {
  return told.reduce<Progress>((progress, [atMs, fact]) => progressAfter(progress, fact, atMs), { attempts: 0 });
}

describe('a session at an OCPP 2.x charger', () => {
  it('is idle so long after the charger said that the car takes no energy, without any register', () => {
    const progress = toldAfter(
      [1_000, updated('Charging')],
      [2_000, updated('SuspendedEV')],
      [3_000, updated('EVConnected')],
    );
    expect(progress.idleSinceMs).toBe(2_000);
    expect(dueStop(record(progress), IDLE_MS, 0, 2_000 + IDLE_MS - 1)).toBeUndefined();
    expect(dueStop(record(progress), IDLE_MS, 0, 2_000 + IDLE_MS)).toBe('idle');
    expect(dueStop(record(progress), 0, 0, 2_000 + IDLE_MS)).toBeUndefined();
  });

  it('is not idle for the time in which its charger was offline', () => {
    const progress = toldAfter([2_000, updated('SuspendedEV')]);
    expect(dueStop(record(progress), IDLE_MS, 5_000, 4_000 + IDLE_MS)).toBeUndefined();
    expect(dueStop(record(progress), IDLE_MS, 5_000, 5_000 + IDLE_MS)).toBe('idle');
  });

  it.each<[string, [number, ChargerFact][]]>([
    ['before the car has charged', [[1_000, updated('EVConnected')]]],
    [
      'while the charger itself pauses',
      [
        [1_000, updated('Charging')],
        [2_000, updated('SuspendedEVSE')],
      ],
    ],
    [
      'once the car charges again',
      [
        [1_000, updated('SuspendedEV')],
        [2_000, updated('Charging')],
      ],
    ],
    [
      'while its register goes on growing',
      [
        [1_000, updated('SuspendedEV', 100)],
        [IDLE_MS, updated('SuspendedEV', 200)],
      ],
    ],
  ])('is not idle %s', (_when, told) => {
    expect(dueStop(record(toldAfter(...told)), IDLE_MS, 0, 1_000 + IDLE_MS)).toBeUndefined();
  });

  it('is ended at its limit of energy rather than for being idle', () => {
    const progress = toldAfter([1_000, updated('Charging', 1_000)], [2_000, updated('SuspendedEV', 6_000)]);
    expect(dueStop(record(progress), IDLE_MS, 0, 2_000 + IDLE_MS)).toBe('limit');
    expect(dueStop(record(progress, 1_001), IDLE_MS, 0, 2_000)).toBeUndefined();
  });

  it('is ended at its limit of energy where the charger stopped there by itself, a little below it', () => {
    const reached = { triggerReason: 'EnergyLimitReached' };
    for (const state of ['EVConnected', 'SuspendedEVSE', undefined]) {
      const progress = toldAfter([1_000, updated('Charging', 1_000)], [2_000, updated(state, 5_990, reached)]);
      expect([state, dueStop(record(progress), IDLE_MS, 0, 2_000)]).toEqual([state, 'limit']);
    }
    for (const last of [updated('Charging', 5_990, reached), updated('SuspendedEVSE', 5_990)]) {
      const progress = toldAfter([1_000, updated('Charging', 1_000)], [2_000, last]);
      expect(dueStop(record(progress), IDLE_MS, 0, 2_000)).toBeUndefined();
    }
  });

  describe('by its registers alone', () => {
    const T0_MS = Date.parse(TIME);
    const MIN_MS = 60_000;
    /** A register read so many minutes after the first one, told as many or more after it. */
    const read = (min: number, registerWh: number, toldMin = min, behindMs = 0): [number, ChargerFact] => {
      const timestamp = new Date(T0_MS + min * MIN_MS - behindMs).toISOString();
      const event = transactionEvent('Updated', 1, {
        timestamp,
        meterValue: [{ timestamp, sampledValue: [register(registerWh)] }],
      });
      const atMs = T0_MS + toldMin * MIN_MS;
      return [atMs, factsOf('TransactionEvent', event, {}, 'ocpp2.0.1', atMs)[0] as ChargerFact];
    };
    /** With its charger connected since the last reading, looked at a minute later. */
    const due = (...told: [number, ChargerFact][]) => {
      const lastMs = told.at(-1)?.[0] ?? 0;
      return dueStop(record(toldAfter(...told)), IDLE_MS, lastMs - 1, lastMs + MIN_MS);
    };

    it('is idle though its charger connects again within the time, over and over', () => {
      expect(due(read(0, 100), read(4, 100), read(9, 100))).toBeUndefined();
      expect(due(read(0, 100), read(4, 100), read(9, 100), read(10, 100))).toBe('idle');
    });

    it('is idle by a clock that is hours behind as by one that is right', () => {
      const behindMs = 5 * 3_600_000;
      expect(due(read(0, 100, 0, behindMs), read(9, 100, 9, behindMs))).toBeUndefined();
      expect(due(read(0, 100, 0, behindMs), read(10, 100, 10, behindMs))).toBe('idle');
      // It was set right meanwhile.
      expect(due(read(0, 100, 0, behindMs), read(9, 100))).toBeUndefined();
    });

    it('is not idle after a long time offline in which it charged, whatever the charger tells of it first', () => {
      expect(due(read(0, 100), read(300, 4_000))).toBeUndefined();
      // Kept since the connection was lost, when the car had stood still for a while.
      expect(due(read(0, 100), read(9, 100, 300))).toBeUndefined();
      expect(due(read(0, 100), read(300, 4_000), read(9, 100, 301))).toBeUndefined();
      // Nothing was told yet.
      const progress = toldAfter(read(0, 100), read(9, 100));
      expect(dueStop(record(progress), IDLE_MS, T0_MS + 300 * MIN_MS, T0_MS + 301 * MIN_MS)).toBeUndefined();
    });
  });

  describe('should reach its limit', () => {
    const T0_MS = Date.parse(TIME);
    /** A register read so many seconds after the first one, and the power that was told with it. */
    const read = (sec: number, registerWh: number, powerW?: number): [number, ChargerFact] => {
      const atMs = T0_MS + sec * 1_000;
      const power = { value: powerW, measurand: 'Power.Active.Import', unitOfMeasure: { unit: 'W' } };
      const sampledValue = [register(registerWh), ...(powerW === undefined ? [] : [power])];
      const meterValue = [{ timestamp: new Date(atMs).toISOString(), sampledValue }];
      // It comes a minute late; what counts is when it was read.
      return [
        atMs + 60_000,
        factsOf(
          'TransactionEvent',
          transactionEvent('Updated', 1, { meterValue }),
          {},
          'ocpp2.0.1',
          atMs,
        )[0] as ChargerFact,
      ];
    };
    const expectedSec = (...told: [number, ChargerFact][]) => {
      const atMs = limitExpectedMs(record(toldAfter(...told), 1_000));
      return atMs === undefined ? undefined : (atMs - T0_MS) / 1_000;
    };

    it('by the power that flowed between its last two registers, or that was told with the last', () => {
      // 1,000 Wh in 600 s are 6 kW; 4,000 Wh are left, 2,400 s at 6 kW, 1,200 s at 12 kW.
      expect(expectedSec(read(0, 1_000), read(600, 2_000))).toBe(3_000);
      expect(expectedSec(read(0, 1_000), read(600, 2_000, 12_000))).toBe(1_800);
      expect(expectedSec(read(0, 1_000), read(600, 7_000))).toBe(600);
    });

    it('by the power before where two registers are too close to tell one', () => {
      // 3,900 Wh at 6 kW are 2,340 s.
      expect(expectedSec(read(0, 1_000), read(600, 2_000), read(605, 2_100))).toBe(605 + 2_340);
    });

    it('at no time that is known where no power flowed or was told, or the register fell', () => {
      expect(expectedSec(read(0, 1_000))).toBeUndefined();
      expect(expectedSec(read(0, 2_000), read(600, 2_000))).toBeUndefined();
      expect(expectedSec(read(0, 2_000), read(600, 1_000))).toBeUndefined();
    });
  });
});

describe('a session at an OCPP 1.6 charger', () => {
  const began = (progress: Progress): SessionRecord => ({
    ...record(progress),
    began: { transactionId: 7, atMs: 1_000, startWh: 100 },
  });
  const tell = (action: string, payload: object, result: object = {}) =>
    factsOf(action, payload, result, 'ocpp1.6')[0] as ChargerFact;
  const status = (reported: string, connectorId = 1) =>
    tell('StatusNotification', { connectorId, status: reported, errorCode: 'NoError' });
  const meter = (value: string) =>
    tell('MeterValues', {
      connectorId: 1,
      transactionId: 7,
      meterValue: [{ timestamp: TIME, sampledValue: [{ value }] }],
    });
  /** Told at 1 s, 2 s, ... those facts alone that are about the session. */
  const told = (...facts: ChargerFact[]) =>
    facts
      .map((fact, n): [number, ChargerFact] => [(n + 1) * 1_000, fact])
      .filter(([, fact]) => isAbout(fact, began({ attempts: 0 })));
  const due = (...facts: ChargerFact[]) => dueStop(began(toldAfter(...told(...facts))), IDLE_MS, 0, 2_000 + IDLE_MS);

  it.each<[string, 'idle' | undefined, ChargerFact[]]>([
    ['the car takes no energy', 'idle', [status('Charging'), status('SuspendedEV')]],
    [
      'the car has taken all and stands there',
      'idle',
      [status('SuspendedEV'), status('Finishing'), status('SuspendedEV')],
    ],
    ['the car has charged again since', undefined, [status('SuspendedEV'), status('Charging')]],
    ['the charger itself pauses', undefined, [status('SuspendedEV'), status('SuspendedEVSE')]],
    ['another connector is held', undefined, [status('Charging'), status('SuspendedEV', 2), status('Finishing', 0)]],
    ['its register has grown since', undefined, [status('SuspendedEV'), meter('200'), meter('300')]],
    ['its register has stood still since', 'idle', [meter('200'), status('SuspendedEV'), meter('200')]],
  ])('by its connector’s status, where %s: %s', (_when, expected, facts) => {
    expect(due(...facts)).toBe(expected);
  });

  it('is told nothing by statuses once it has ended, nor in OCPP 2.x, which tells its state otherwise', () => {
    expect(isAbout(status('SuspendedEV'), began({ attempts: 0, endedAtMs: 1 }))).toBe(false);
    expect(isAbout(status('SuspendedEV'), record({ attempts: 0 }))).toBe(false);
  });
});

describe('a session whose charger tells its meter values in kWh and calls them Wh', () => {
  const START_WH = 12_345_678;
  const at = (registerWh: number) => toldAfter([1_000, updated('Charging', registerWh)]);

  it('is ended at its limit', () => {
    expect(dueStop(record(at(12_350), START_WH), 0, 0, 2_000)).toBeUndefined();
    expect(dueStop(record(at(12_351), START_WH), 0, 0, 2_000)).toBe('limit');
  });

  it('is not taken for one whose meter was reset, nor where a thousandth says little', () => {
    expect(dueStop(record(at(14_000), START_WH), 0, 0, 2_000)).toBeUndefined();
    expect(dueStop(record(at(16), 9_000), 0, 0, 2_000)).toBeUndefined();
  });
});
