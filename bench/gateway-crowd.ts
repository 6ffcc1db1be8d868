import { setTimeout as sleep } from 'node:timers/promises';
import { readEvents } from '../test/gateway/support.ts';
import { type Kind, withServers } from './gateway-throughput.ts';
import { ask } from './processes.ts';

export const CROWD = 5_000;
/** Until what a connection needed only at its start is let go of. */
const SETTLE_MS = 2_000;

export interface Crowd {
  /** Memory of the server for each connected charger, bytes. */
  bytesPerConnection: number;
}

/** Memory of one connection among thousands, each of which has said something. */
export function measureMemory(kind: Kind): Promise<Crowd> {
  return withServers(kind, CROWD, async ({ servers: [server], urls, load }) => {
    if (server === undefined) throw new RangeError('no server');
    const rss = async () => (await ask<{ rssBytes: number }>(server, { do: 'memory' })).rssBytes;
    const before = await rss();
    await ask(load, { do: 'connect', urls, chargers: CROWD });
    await ask(load, { do: 'pace', perSec: CROWD / 4, forMs: 5_000 });
    await sleep(SETTLE_MS);
    return { bytesPerConnection: ((await rss()) - before) / CROWD };
  });
}

export interface Storm {
  /** Chargers that are not back, and messages that were acknowledged and are not on record. */
  lost: number;
  tookMs: number;
}

/** All chargers lose their connection and come back at once, each with a message from the time it was away. */
export function measureStorm(): Promise<Storm> {
  return withServers({ server: 'ours', operators: 4, gateways: 1 }, CROWD, async ({ urls, load, redisUrl }) => {
    await ask(load, { do: 'connect', urls, chargers: CROWD });
    const { acknowledged, tookMs } = await ask<{ acknowledged: number; tookMs: number }>(load, { do: 'storm' });
    const events = await readEvents(redisUrl);
    const recorded = new Set(events.flatMap(({ charger, frame }) => (frame.startsWith('[2,"storm"') ? [charger] : [])));
    return { lost: CROWD - acknowledged + Math.max(0, acknowledged - recorded.size), tookMs };
  });
}
