import { describe, expect, it } from '@jest/globals';
import { DevsenError } from '../../core/errors.ts';
import { deviceIdOf, parentIdTag } from '../../core/identity.ts';
import { type Credential, makeChargerDirectory } from '../../ocpp-gateway/charger-directory.ts';
import { makeIdTagDirectory } from '../../ocpp-gateway/id-tag-directory.ts';
import { makeTokenBucket } from '../../ocpp-gateway/token-bucket.ts';
import { silentLog } from './support.ts';

const credential = (hash: string): Credential => ({
  device: '0xd',
  authorizationKeyHash: hash,
  certificateFingerprint: '0x0',
});
const away = () => new DevsenError('CHAIN_UNAVAILABLE', 'away');

function makeChargers(saved: Record<string, string> = {}) {
  const world = {
    nowMs: 1_000_000,
    isAway: false,
    reads: 0,
    changed: [] as string[],
    chain: new Map<string, Credential>(),
    saved: new Map(Object.entries(saved)),
  };
  const directory = makeChargerDirectory({
    read: async (deviceId) => {
      world.reads += 1;
      if (world.isAway) throw away();
      return world.chain.get(deviceId);
    },
    save: async (identity, text) => void world.saved.set(identity, text),
    onChanged: (identity) => void world.changed.push(identity),
    saved: new Map(world.saved),
    log: silentLog,
    now: () => world.nowMs,
  });
  return { world, directory };
}

describe('the directory of chargers', () => {
  it('asks the chain once, however many ask at the same time and after', async () => {
    const { world, directory } = makeChargers();
    world.chain.set(deviceIdOf('CP1'), credential('0x1'));
    const found = await Promise.all([directory.find('CP1'), directory.find('CP1'), directory.find('CP1')]);
    expect(found).toEqual([credential('0x1'), credential('0x1'), credential('0x1')]);
    await directory.find('CP1');
    expect(world.reads).toBe(1);
    expect(world.saved.get('CP1')).toBe(JSON.stringify(credential('0x1')));
  });

  it('tells which charger has other credentials than before, or none any more, and no other', async () => {
    const { world, directory } = makeChargers();
    for (const identity of ['CP1', 'CP2']) world.chain.set(deviceIdOf(identity), credential('0x1'));
    await Promise.all([directory.find('CP1'), directory.find('CP2')]);
    await directory.credentialsChanged(deviceIdOf('CP1'));
    expect(world.changed).toEqual([]);
    world.chain.set(deviceIdOf('CP1'), credential('0x2'));
    await directory.credentialsChanged(deviceIdOf('CP1'));
    expect(world.changed).toEqual(['CP1']);
    world.chain.delete(deviceIdOf('CP2'));
    await directory.credentialsChanged(deviceIdOf('CP2'));
    expect(world.changed).toEqual(['CP1', 'CP2']);
  });

  it('prefers the chain to what an earlier process saved', async () => {
    const { world, directory } = makeChargers({ CP1: JSON.stringify(credential('0x1')) });
    world.chain.set(deviceIdOf('CP1'), credential('0x2'));
    expect(await directory.find('CP1')).toEqual(credential('0x2'));
    expect(world.saved.get('CP1')).toBe(JSON.stringify(credential('0x2')));
  });

  it('falls back to what was saved while the chain is away, and asks again after a pause', async () => {
    const { world, directory } = makeChargers({ CP1: JSON.stringify(credential('0x1')) });
    world.isAway = true;
    expect(await directory.find('CP1')).toEqual(credential('0x1'));
    expect(await directory.find('CP2')).toBe('unavailable');
    expect(world.reads).toBe(1);
    world.isAway = false;
    world.chain.set(deviceIdOf('CP1'), credential('0x2'));
    world.nowMs += 2_000;
    expect(await directory.find('CP1')).toEqual(credential('0x2'));
    expect(await directory.find('CP2')).toBe('unknown');
  });

  it('asks the chain again where the clock was set back since it failed, knew none, or told', async () => {
    const { world, directory } = makeChargers();
    const setBack = () => {
      world.nowMs -= 100_000;
    };
    world.isAway = true;
    expect(await directory.find('CP1')).toBe('unavailable');
    setBack();
    world.isAway = false;
    expect(await directory.find('CP1')).toBe('unknown');
    world.chain.set(deviceIdOf('CP1'), credential('0x1'));
    setBack();
    expect(await directory.find('CP1')).toEqual(credential('0x1'));
    world.chain.set(deviceIdOf('CP1'), credential('0x2'));
    setBack();
    expect(await directory.find('CP1')).toEqual(credential('0x2'));
  });

  it('forgets a charger that the chain no longer knows', async () => {
    const { world, directory } = makeChargers({ CP1: JSON.stringify(credential('0x1')) });
    expect(await directory.find('CP1')).toBe('unknown');
    expect(world.saved.get('CP1')).toBe('');
    const { world: later, directory: next } = makeChargers({ CP1: '' });
    later.isAway = true;
    expect(await next.find('CP1')).toBe('unavailable');
  });

  it('remembers for three seconds that a charger is unknown, or until the chain tells of a new one', async () => {
    const { world, directory } = makeChargers();
    expect(await directory.find('CP1')).toBe('unknown');
    world.chain.set(deviceIdOf('CP1'), credential('0x1'));
    expect(await directory.find('CP1')).toBe('unknown');
    directory.deviceCreated();
    expect(await directory.find('CP1')).toEqual(credential('0x1'));
    expect(await directory.find('CP2')).toBe('unknown');
    world.chain.set(deviceIdOf('CP2'), credential('0x2'));
    world.nowMs += 3_000;
    expect(await directory.find('CP2')).toEqual(credential('0x2'));
  });

  it('puts strangers off when it has asked for too many in vain, and nobody who was seen before', async () => {
    const { world, directory } = makeChargers({ CPsaved: JSON.stringify(credential('0x1')) });
    for (const identity of ['CPsaved', 'CPnew']) world.chain.set(deviceIdOf(identity), credential('0x1'));
    for (let n = 0; n < 400; n++) await directory.find(`CPstranger${n}`);
    expect(world.reads).toBe(300);
    expect(await directory.find('CPnew')).toBe('unavailable');
    expect(await directory.find('CPsaved')).toEqual(credential('0x1'));
    expect(world.reads).toBe(301);
    world.nowMs += 100;
    expect(await directory.find('CPnew')).toEqual(credential('0x1'));
  });

  it('reads new credentials when the chain tells of them, and rejects if it cannot', async () => {
    const { world, directory } = makeChargers();
    world.chain.set(deviceIdOf('CP1'), credential('0x1'));
    await directory.find('CP1');
    world.chain.set(deviceIdOf('CP1'), credential('0x2'));
    world.isAway = true;
    await expect(directory.credentialsChanged(deviceIdOf('CP1'))).rejects.toThrow('away');
    world.isAway = false;
    await directory.credentialsChanged(deviceIdOf('CP1'));
    await directory.credentialsChanged(deviceIdOf('stranger'));
    expect(await directory.find('CP1')).toEqual(credential('0x2'));
  });
});

describe('the directory of idTags', () => {
  const make = (whenAway: 'Accepted' | 'Invalid' = 'Invalid') => {
    const world = {
      nowMs: 1_000_000,
      isAway: false,
      reads: 0,
      state: 'Active' as const as 'Active' | 'Blocked',
      user: undefined as string | undefined,
    };
    const directory = makeIdTagDirectory({
      read: async () => {
        world.reads += 1;
        if (world.isAway) throw away();
        return { state: world.state, user: world.user };
      },
      pepper: Buffer.alloc(16, 1),
      whenAway,
      log: silentLog,
      now: () => world.nowMs,
    });
    return { world, directory };
  };

  it('asks again after a minute, or when users have changed, and takes a card’s letters in any case', async () => {
    const { world, directory } = make();
    expect((await directory.verdict('abc')).status).toBe('Accepted');
    world.state = 'Blocked';
    expect((await directory.verdict('ABC')).status).toBe('Accepted');
    expect(world.reads).toBe(1);
    world.nowMs += 60_000;
    expect((await directory.verdict('abc')).status).toBe('Blocked');
    world.state = 'Active';
    directory.usersChanged();
    expect((await directory.verdict('abc')).status).toBe('Accepted');
  });

  it('asks again where the clock was set back', async () => {
    const { world, directory } = make();
    expect((await directory.verdict('abc')).status).toBe('Accepted');
    world.state = 'Blocked';
    world.nowMs -= 100_000;
    expect((await directory.verdict('abc')).status).toBe('Blocked');
    world.isAway = true;
    expect((await directory.verdict('new')).status).toBe('Invalid');
    world.isAway = false;
    world.nowMs -= 100_000;
    expect((await directory.verdict('new')).status).toBe('Blocked');
  });

  it('gives all cards of one user the same parent, which is nobody else’s and shows nothing', async () => {
    const { world, directory } = make();
    const ada = `0x${'ad'.repeat(20)}`;
    world.user = ada;
    const parents = [(await directory.verdict('one')).parent, (await directory.verdict('two')).parent];
    expect(parents[0]).toMatch(/^P[0-9A-F]{19}$/);
    expect(parents[1]).toBe(parents[0]);
    expect(parentIdTag(ada, Buffer.alloc(16, 2))).not.toBe(parents[0]);
    world.user = `0x${'bb'.repeat(20)}`;
    expect((await directory.verdict('three')).parent).not.toBe(parents[0]);
    world.user = undefined;
    expect(await directory.verdict('four')).toEqual({ status: 'Accepted' });
  });

  it('keeps to what it knew while the chain is away, and to its settings for what it never knew', async () => {
    for (const whenAway of ['Accepted', 'Invalid'] as const) {
      const { world, directory } = make(whenAway);
      world.state = 'Blocked';
      await directory.verdict('abc');
      directory.usersChanged();
      world.isAway = true;
      expect((await directory.verdict('abc')).status).toBe('Blocked');
      expect((await directory.verdict('new')).status).toBe(whenAway);
      expect(world.reads).toBe(2);
    }
  });
});

describe('a rate limit', () => {
  it('lets a burst pass and then so many per second', () => {
    const bucket = makeTokenBucket(2, 3, 0);
    expect([0, 0, 0, 0].map((at) => bucket.take(at))).toEqual([true, true, true, false]);
    expect([500, 500, 1_000].map((at) => bucket.take(at))).toEqual([true, false, true]);
    expect([60_000, 60_000, 60_000, 60_000].map((at) => bucket.take(at))).toEqual([true, true, true, false]);
  });

  it('is given nothing by a clock that is set back, and goes on filling from there', () => {
    const bucket = makeTokenBucket(1, 1, 10_000);
    expect(bucket.take(10_000)).toBe(true);
    expect([0, 999, 1_000].map((at) => bucket.take(at))).toEqual([false, false, true]);
  });

  it('takes many at once or none', () => {
    const bucket = makeTokenBucket(10, 100, 0);
    expect([60, 50, 40].map((count) => bucket.take(0, count))).toEqual([true, false, true]);
    expect([51, 50].map((count) => bucket.take(5_000, count))).toEqual([false, true]);
  });
});
