import { describe, expect, it } from '@jest/globals';
import type { ChargerFact } from '../../core/charger-fact.ts';
import { dueStop, type Progress, progressAfter, type SessionRecord } from '../../ocpp-gateway/session-rules.ts';
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
function updated(chargingState?: string, registerWh?: number): ChargerFact {
  const sampledValue = registerWh === undefined ? [] : [register(registerWh)];
  const change = {
    transactionInfo: { transactionId: 'tx-1', chargingState },
    meterValue: [{ timestamp: TIME, sampledValue }],
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
});
