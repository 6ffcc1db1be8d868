import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { makeKeepAlive } from '../../ocpp-gateway/keep-alive.ts';

const INTERVAL_MS = 64_000;

/** A connection that counts its pings, and answers them or not. */
class Peer extends EventEmitter {
  pings = 0;
  isCut = false;
  isPaused = false;
  isSilent = false;
  readonly answers: boolean;
  constructor(answers: boolean) {
    super();
    this.answers = answers;
  }
  ping() {
    this.pings++;
    if (this.answers) this.emit('pong');
  }
  terminate() {
    this.isCut = true;
    this.emit('close');
  }
}

describe('keeping connections alive', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('pings each once in an interval, and cuts off who has not answered when the next ping is due', () => {
    const keepAlive = makeKeepAlive(INTERVAL_MS, () => 0.5);
    const [mute, alive] = [new Peer(false), new Peer(true)];
    keepAlive.add(mute);
    keepAlive.add(alive);
    jest.advanceTimersByTime(INTERVAL_MS);
    expect([mute.pings, mute.isCut, alive.pings, alive.isCut]).toEqual([1, false, 1, false]);
    jest.advanceTimersByTime(2 * INTERVAL_MS);
    expect([mute.pings, mute.isCut, alive.pings, alive.isCut]).toEqual([1, true, 3, false]);
    keepAlive.close();
  });

  it('takes whatever comes from a connection for an answer', () => {
    const keepAlive = makeKeepAlive(INTERVAL_MS, () => 0.5);
    const talker = new Peer(false);
    keepAlive.add(talker);
    for (let n = 1; n <= 3; n++) {
      jest.advanceTimersByTime(INTERVAL_MS);
      talker.isSilent = false;
    }
    expect([talker.pings, talker.isCut]).toEqual([3, false]);
    jest.advanceTimersByTime(2 * INTERVAL_MS);
    expect([talker.pings, talker.isCut]).toEqual([4, true]);
    keepAlive.close();
  });

  it('lets one be that is not read, and forgets its silence', () => {
    const keepAlive = makeKeepAlive(INTERVAL_MS, () => 0.5);
    const paused = new Peer(false);
    keepAlive.add(paused);
    jest.advanceTimersByTime(INTERVAL_MS);
    paused.isPaused = true;
    jest.advanceTimersByTime(5 * INTERVAL_MS);
    paused.isPaused = false;
    jest.advanceTimersByTime(INTERVAL_MS);
    expect([paused.pings, paused.isCut]).toEqual([2, false]);
    jest.advanceTimersByTime(INTERVAL_MS);
    expect([paused.pings, paused.isCut]).toEqual([2, true]);
    keepAlive.close();
  });

  it('spreads connections that came at once over the interval', () => {
    const places = [0, 0.25, 0.5, 0.75];
    const keepAlive = makeKeepAlive(INTERVAL_MS, () => places.shift() ?? 0);
    const peers = places.map(() => new Peer(true));
    for (const peer of peers) keepAlive.add(peer);
    const pinged = [0, 1, 2, 3].map(() => {
      jest.advanceTimersByTime(INTERVAL_MS / 4);
      return peers.reduce((sum, { pings }) => sum + pings, 0);
    });
    expect(pinged).toEqual([1, 2, 3, 4]);
    keepAlive.close();
  });

  it('does nothing more to a connection that is gone, nor to any once it is closed or where no pings are wanted', () => {
    const keepAlive = makeKeepAlive(INTERVAL_MS, Math.random);
    const [gone, left] = [new Peer(true), new Peer(true)];
    keepAlive.add(gone);
    keepAlive.add(left);
    gone.emit('close');
    jest.advanceTimersByTime(INTERVAL_MS);
    keepAlive.close();
    const none = makeKeepAlive(0, Math.random);
    none.add(left);
    jest.advanceTimersByTime(10 * INTERVAL_MS);
    expect([gone.pings, left.pings]).toEqual([0, 1]);
    none.close();
  });
});
