import { describe, expect, it } from '@jest/globals';
import { backoffMs } from '../../simulator/backoff.ts';
import type { ChargerMessage, ConnectorStatus } from '../../simulator/charger-message.ts';
import { afterPowerCut, enqueue, type MessageQueue, thinned } from '../../simulator/message-queue.ts';

const status = (connector: number, name: ConnectorStatus): ChargerMessage => ({
  kind: 'status',
  connector,
  status: name,
  errorCode: 'NoError',
  atMs: 0,
});
const start: ChargerMessage = { kind: 'start', transaction: 't', connector: 1, idTag: 'TAG', registerWh: 0, atMs: 0 };
const reading = { registerWh: 1, powerW: 1 };
const meter: ChargerMessage = { kind: 'meter', transaction: 't', connector: 1, reading, occasion: 'Periodic', atMs: 1 };

const offline = (...messages: ChargerMessage[]) =>
  messages.reduce<MessageQueue>((queue, message) => enqueue(queue, message, false), []);

describe('the queue of a charger', () => {
  it('keeps every transaction message in order while offline, and of each status only the last', () => {
    const queue = offline(status(1, 'Preparing'), start, status(1, 'Charging'), status(2, 'Faulted'), meter, meter);
    expect(queue).toEqual([start, status(1, 'Charging'), status(2, 'Faulted'), meter, meter]);
  });

  it('keeps every status while online', () => {
    const queue = enqueue(enqueue([], status(1, 'Preparing'), true), status(1, 'Charging'), true);
    expect(queue).toEqual([status(1, 'Preparing'), status(1, 'Charging')]);
  });

  it('loses every other meter value when it has become too long, and never a start or a stop', () => {
    const meters = [1, 2, 3, 4].map((atMs): ChargerMessage => ({ ...meter, atMs }) as ChargerMessage);
    const queue = [start, ...meters, status(1, 'Charging')];
    expect(thinned(queue, 6)).toBe(queue);
    expect(thinned(queue, 5)).toEqual([start, meters[1], meters[3], status(1, 'Charging')]);
  });

  it('loses in a power cut what is not about a transaction', () => {
    expect(afterPowerCut([status(1, 'Charging'), start, { kind: 'heartbeat' }, meter])).toEqual([start, meter]);
  });
});

describe('the wait before the next connection', () => {
  it('doubles up to the longest and is spread over its upper half', () => {
    const backoff = { firstMs: 1_000, longestMs: 5_000 };
    expect([0, 1, 2, 3, 99].map((attempt) => backoffMs(backoff, attempt, () => 0))).toEqual([
      500, 1_000, 2_000, 2_500, 2_500,
    ]);
    expect(backoffMs(backoff, 1, () => 0.5)).toBe(1_500);
  });
});
