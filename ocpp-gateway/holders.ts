import type { Redis } from 'ioredis';
import { deviceIdOf } from '../core/identity.ts';
import type { Logger } from '../runtime/log.ts';
import type { GatewayWire } from './gateway-wire.ts';
import type { Stations } from './stations.ts';

/** Which gateway holds which charger's socket, on record in Redis for all gateways of the network. */
export interface Holders {
  /** To be called when a charger's connection begins, and when it ends. */
  connected: (identity: string, epoch: number) => void;
  gone: (identity: string, epoch: number) => void;
  /** The identity of a charger that is connected here; undefined if it is not. */
  here: (deviceId: string) => string | undefined;
  /** The other gateway that holds the charger; undefined if none does. Rejects with what Redis says. */
  elsewhere: (deviceId: string) => Promise<string | undefined>;
  /** Whether this connection of a charger is the one that a gateway holds. Rejects with what Redis says. */
  isHeld: (identity: string, epoch: number) => Promise<boolean>;
  close: () => void;
}

export interface HoldersOptions {
  redis: Redis;
  wire: GatewayWire;
  network: string;
  prefix: string;
  stations: () => Pick<Stations, 'endOlder'> | undefined;
  log: Logger;
  /** Between two looks at whether the record is as it should be, ms. */
  checkMs?: number;
}

/** `<epoch> <gateway>` by device id; the newer connection wins. Gives what stood there before. */
const HOLD = `
local last = redis.call('HGET', KEYS[1], ARGV[1])
if not last or tonumber(string.match(last, '^%d+')) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
end
return last or ''`;

const RELEASE = `
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] .. ' ' .. ARGV[3] then redis.call('HDEL', KEYS[1], ARGV[1]) end`;

const CHECK_MS = 30_000;
const CHECKED_AT_ONCE = 500;
const EVICT = 'evict';

/**
 * Keeps the record, and ends a connection here once the charger has a newer one, wherever that is. What Redis or the wire
 * loses on the way is found at the next look.
 */
export function openHolders(options: HoldersOptions): Holders {
  const { redis, wire, log } = options;
  const key = `${options.prefix}:holders:${options.network}`;
  const local = new Map<string, { identity: string; epoch: number }>();

  const evict = (identity: string, epoch: number) => {
    options.stations()?.endOlder(identity, epoch, 1008, 'replaced by a newer connection');
  };
  wire.on(EVICT, (body) => {
    const { identity, epoch } = JSON.parse(body) as { identity: string; epoch: number };
    evict(identity, epoch);
    return undefined;
  });

  const hold = async (deviceId: string, identity: string, epoch: number) => {
    const before = String(await redis.eval(HOLD, 1, key, deviceId, epoch, wire.name));
    const { epoch: otherEpoch, gateway } = readHolder(before);
    if (otherEpoch > epoch) evict(identity, otherEpoch);
    else if (gateway !== undefined && gateway !== wire.name) {
      log.info({ chargerId: identity, epoch }, 'charger has come from another gateway');
      await wire.tell(gateway, EVICT, JSON.stringify({ identity, epoch }));
    }
  };
  const holdSoon = (deviceId: string, identity: string, epoch: number) => {
    hold(deviceId, identity, epoch).catch((error) => {
      log.debug({ err: error, chargerId: identity }, 'holder not put on record yet');
    });
  };

  const check = async () => {
    const all = [...local];
    for (let from = 0; from < all.length; from += CHECKED_AT_ONCE) {
      const some = all.slice(from, from + CHECKED_AT_ONCE);
      const found = await redis.hmget(key, ...some.map(([deviceId]) => deviceId));
      for (const [n, [deviceId, { identity, epoch }]] of some.entries()) {
        const isAsItShouldBe = found[n] === `${epoch} ${wire.name}`;
        if (!isAsItShouldBe && local.get(deviceId)?.epoch === epoch) holdSoon(deviceId, identity, epoch);
      }
    }
  };
  const checkSoon = () => void check().catch((error) => log.debug({ err: error }, 'holders not looked at'));
  wire.onGap(checkSoon);
  const timer = setInterval(checkSoon, options.checkMs ?? CHECK_MS);

  return {
    connected: (identity, epoch) => {
      const deviceId = deviceIdOf(identity);
      local.set(deviceId, { identity, epoch });
      holdSoon(deviceId, identity, epoch);
    },
    gone: (identity, epoch) => {
      const deviceId = deviceIdOf(identity);
      if (local.get(deviceId)?.epoch === epoch) local.delete(deviceId);
      // If it stays on record, whoever looks for the charger here is told that it is not.
      redis.eval(RELEASE, 1, key, deviceId, epoch, wire.name).catch(() => undefined);
    },
    here: (deviceId) => local.get(deviceId)?.identity,
    elsewhere: async (deviceId) => {
      const { gateway } = readHolder((await redis.hget(key, deviceId)) ?? '');
      return gateway === wire.name ? undefined : gateway;
    },
    isHeld: async (identity, epoch) => {
      const held = readHolder((await redis.hget(key, deviceIdOf(identity))) ?? '');
      return held.gateway !== undefined && held.epoch === epoch;
    },
    close: () => clearInterval(timer),
  };
}

function readHolder(text: string): { epoch: number; gateway: string | undefined } {
  const [epoch = '', gateway] = text.split(' ');
  return { epoch: Number(epoch), gateway: gateway === '' ? undefined : gateway };
}
