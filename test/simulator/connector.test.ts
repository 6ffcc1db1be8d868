import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { chargedWh, chargePowerW } from '../../simulator/battery.ts';
import { act, type ConnectorAction } from '../../simulator/connector.ts';
import { type Connector, makeConnector, readMeter } from '../../simulator/connector-state.ts';

const HOUR_MS = 3_600_000;
const car = { battery: { capacityWh: 50_000, levelWh: 10_000 }, maxPowerW: 10_000 };

function play(connector: Connector, ...actions: [atMs: number, action: ConnectorAction][]) {
  const messages = [];
  let state = connector;
  for (const [atMs, action] of actions) {
    const step = act(state, action, atMs);
    state = step.connector;
    messages.push(...step.messages);
  }
  return { connector: state, messages };
}

describe('a connector', () => {
  it('tells a whole charge in the order in which it happens', () => {
    const { messages } = play(
      makeConnector(2, 1_000, 0),
      [10, { kind: 'plug', car }],
      [20, { kind: 'start', transaction: 't1', idTag: 'TAG' }],
      [20 + HOUR_MS, { kind: 'meter' }],
      [20 + 2 * HOUR_MS, { kind: 'stop', reason: 'Local' }],
      [30 + 2 * HOUR_MS, { kind: 'unplug' }],
    );
    const status = (status: string, atMs: number) => ({
      kind: 'status',
      connector: 2,
      status,
      errorCode: 'NoError',
      atMs,
    });
    const transaction = 't1';
    expect(messages).toEqual([
      status('Preparing', 10),
      { kind: 'start', transaction, connector: 2, idTag: 'TAG', registerWh: 1_000, atMs: 20 },
      status('Charging', 20),
      // 10 kW for an hour
      {
        kind: 'meter',
        transaction,
        connector: 2,
        reading: { registerWh: 11_000, powerW: 10_000 },
        occasion: 'Periodic',
        atMs: 20 + HOUR_MS,
      },
      {
        kind: 'stop',
        transaction,
        connector: 2,
        idTag: 'TAG',
        registerWh: 21_000,
        atMs: 20 + 2 * HOUR_MS,
        reason: 'Local',
      },
      status('Finishing', 20 + 2 * HOUR_MS),
      status('Available', 30 + 2 * HOUR_MS),
    ]);
  });

  it('is SuspendedEV once the battery is full, and delivers no more', () => {
    const { connector, messages } = play(
      makeConnector(1, 0, 0),
      [0, { kind: 'plug', car: { ...car, battery: { capacityWh: 50_000, levelWh: 49_990 } } }],
      [0, { kind: 'start', transaction: 't1', idTag: 'TAG' }],
      [HOUR_MS, { kind: 'meter' }],
      [2 * HOUR_MS, { kind: 'meter' }],
    );
    expect(connector.status).toBe('SuspendedEV');
    expect(readMeter(connector)).toEqual({ registerWh: 10, powerW: 0 });
    expect(messages.filter((message) => message.kind === 'meter').map((message) => message.reading.registerWh)).toEqual(
      [10, 10],
    );
  });

  it('ends the transaction when the car is pulled away or something breaks', () => {
    const charging = play(
      makeConnector(1, 0, 0),
      [0, { kind: 'plug', car }],
      [0, { kind: 'start', transaction: 't1', idTag: 'TAG' }],
    ).connector;
    expect(act(charging, { kind: 'unplug' }, HOUR_MS).messages[0]).toMatchObject({
      kind: 'stop',
      registerWh: 10_000,
      reason: 'EVDisconnected',
    });
    const broken = act(charging, { kind: 'fault', errorCode: 'GroundFailure' }, HOUR_MS);
    expect(broken.messages).toEqual([
      expect.objectContaining({ kind: 'stop', reason: 'Other' }),
      { kind: 'status', connector: 1, status: 'Faulted', errorCode: 'GroundFailure', atMs: HOUR_MS },
      { kind: 'problem', connector: 1, errorCode: 'GroundFailure', isCleared: false, atMs: HOUR_MS },
    ]);
    expect(act(broken.connector, { kind: 'repair' }, HOUR_MS).connector).toMatchObject({
      status: 'Finishing',
      errorCode: 'NoError',
    });
  });

  it('says why an action does nothing', () => {
    const idle = makeConnector(1, 0, 0);
    expect(act(idle, { kind: 'start', transaction: 't', idTag: 'TAG' }, 1).refused).toBe('the connector is Available');
    expect(act(idle, { kind: 'stop', reason: 'Local' }, 1).refused).toBe('no transaction is running');
    expect(act(idle, { kind: 'unplug' }, 1).refused).toBe('no car is plugged in');
    expect(act(idle, { kind: 'repair' }, 1).refused).toBe('the connector has no fault');
  });

  it('becomes Unavailable when it is idle, and after the car has gone when it is not', () => {
    const inoperative: ConnectorAction = { kind: 'setOperative', isOperative: false };
    expect(act(makeConnector(1, 0, 0), inoperative, 1).connector.status).toBe('Unavailable');
    const { connector } = play(
      makeConnector(1, 0, 0),
      [0, { kind: 'plug', car }],
      [1, inoperative],
      [2, { kind: 'unplug' }],
    );
    expect(connector.status).toBe('Unavailable');
  });

  it('is held for somebody who was let in, and goes back to what it was when nobody plugs in', () => {
    const status = (one: string, atMs: number) => ({
      kind: 'status',
      connector: 1,
      status: one,
      errorCode: 'NoError',
      atMs,
    });
    const [idle, wait] = [makeConnector(1, 0, 0), { kind: 'await', idTag: 'TAG' } as const];
    const held = play(idle, [1, wait], [2, { kind: 'setOperative', isOperative: false }], [3, { kind: 'giveUp' }]);
    expect(held.messages).toEqual([status('Preparing', 1), status('Unavailable', 3)]);
    const reservation = { id: 4, idTag: 'tag', expiresAtMs: HOUR_MS };
    const reserved = play(idle, [1, { kind: 'reserve', reservation }], [2, wait], [3, { kind: 'giveUp' }]);
    expect(reserved.messages.map((message) => 'status' in message && message.status)).toEqual([
      'Reserved',
      'Preparing',
      'Reserved',
    ]);
    const others = play(idle, [1, { kind: 'reserve', reservation: { ...reservation, idTag: 'OTHER' } }]).connector;
    expect(act(others, wait, 2).refused).toBe('the connector is Reserved');
    const broken = play(idle, [1, wait], [2, { kind: 'fault', errorCode: 'OtherError' }]).connector;
    expect(act(broken, { kind: 'giveUp' }, 3).refused).toBe('nobody is waited for');
  });

  it('has a register that never falls, and one start for each stop, whatever is done to it', () => {
    const action = fc.oneof(
      fc.constant<ConnectorAction>({ kind: 'plug', car }),
      fc.constant<ConnectorAction>({ kind: 'unplug' }),
      fc.nat(1_000).map((n): ConnectorAction => ({ kind: 'start', transaction: `t${n}`, idTag: 'TAG' })),
      fc.constant<ConnectorAction>({ kind: 'stop', reason: 'Local' }),
      fc.constant<ConnectorAction>({ kind: 'meter' }),
      fc.nat(1_000).map((n): ConnectorAction => ({ kind: 'await', transaction: `w${n}`, idTag: 'TAG' })),
      fc.constant<ConnectorAction>({ kind: 'await', idTag: 'TAG' }),
      fc.constant<ConnectorAction>({ kind: 'giveUp' }),
      fc.constant<ConnectorAction>({ kind: 'fault', errorCode: 'OtherError' }),
      fc.constant<ConnectorAction>({ kind: 'repair' }),
      fc.boolean().map((isOperative): ConnectorAction => ({ kind: 'setOperative', isOperative })),
    );
    const steps = fc.array(fc.tuple(fc.integer({ min: -1_000, max: HOUR_MS }), action), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (sequence) => {
        let connector = makeConnector(1, 0, 0);
        let nowMs = 0;
        let registerWh = 0;
        let open: string | undefined;
        for (const [spanMs, next] of sequence) {
          nowMs += spanMs;
          const step = act(connector, next, nowMs);
          connector = step.connector;
          for (const message of step.messages) {
            if (message.kind === 'start') {
              expect(open).toBeUndefined();
              open = message.transaction;
            } else if (message.kind === 'stop') {
              expect(message.transaction).toBe(open);
              open = undefined;
            }
          }
          expect(readMeter(connector).registerWh).toBeGreaterThanOrEqual(registerWh);
          ({ registerWh } = readMeter(connector));
        }
      }),
    );
  });
});

describe('a battery', () => {
  it('takes full power up to four fifths, then less, none when full', () => {
    const at = (levelWh: number) => chargePowerW({ capacityWh: 50_000, levelWh }, 10_000);
    expect(at(0)).toBe(10_000);
    expect(at(40_000)).toBe(10_000);
    // half way from 80 % to 100 %: 5 % and half of the other 95 %
    expect(at(45_000)).toBeCloseTo(5_250, 6);
    expect(at(50_000)).toBe(0);
  });

  it('never takes more than it has room for', () => {
    expect(chargedWh({ capacityWh: 50_000, levelWh: 49_000 }, 10_000, 100 * HOUR_MS)).toBeCloseTo(1_000, 6);
  });
});
