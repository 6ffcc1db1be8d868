import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { DevsenError } from '../core/errors.ts';
import type { Logger } from '../runtime/log.ts';

/** What a gateway answers to another's message; undefined for none. */
export type WireHandler = (body: string) => Promise<string | undefined> | undefined;

export type WireAnswer = { text: string } | 'gone' | 'silent';

/**
 * Short messages between the gateways of a network, over Redis: each at most once, and none is kept. Whoever can write to
 * this Redis can send them, so a message never carries an authority of its own: its receiver checks what it asks for.
 */
export interface GatewayWire {
  /** This process among all gateways: another at each start. */
  readonly name: string;
  /** What is done with messages of a kind; set once. */
  on: (kind: string, handler: WireHandler) => void;
  /** Called each time messages may have been missed. */
  onGap: (listener: () => void) => void;
  /** @returns false if that gateway is gone, or cannot be told */
  tell: (gateway: string, kind: string, body: string) => Promise<boolean>;
  /**
   * @returns its answer; `gone` if it is; `silent` if it gives none in time
   * @throws DevsenError `REDIS_UNAVAILABLE` if it is not known to have been told; it may have been
   */
  ask: (gateway: string, kind: string, body: string, timeoutMs: number) => Promise<WireAnswer>;
  close: () => void;
}

interface Message {
  kind: string;
  body: string;
  /** Which gateway waits for an answer, and by which id it knows it. */
  from?: string;
  id?: string;
}

const ANSWER = 'answer';
/** Questions whose ids are remembered: one that is sent again after a break of the connection comes soon or never. */
const MOST_TAKEN = 1_000;

/**
 * @param redis - sends; stays open at `close`
 * @param prefix - key prefix, the same as the outbox's
 */
export async function openGatewayWire(
  redis: Redis,
  network: string,
  prefix: string,
  log: Logger,
): Promise<GatewayWire> {
  const name = randomUUID();
  const channel = (gateway: string) => `${prefix}:gateway:${network}:${gateway}`;
  const handlers = new Map<string, WireHandler>();
  const waiting = new Map<string, (answer: WireAnswer) => void>();
  const listener = redis.duplicate({
    connectionName: 'devsen-gateway-wire',
    enableOfflineQueue: true,
    maxRetriesPerRequest: null,
  });
  let onGap = () => {};
  listener.on('error', (error) => log.debug({ reason: error.message }, 'Redis connection of the wire failed'));

  const taken = new Set<string>();

  const send = async (gateway: string, message: Message): Promise<boolean> =>
    (await redis.publish(channel(gateway), JSON.stringify(message))) > 0;
  const tell = (gateway: string, message: Message): Promise<boolean> =>
    send(gateway, message).catch((error) => {
      log.debug({ err: error, kind: message.kind }, 'another gateway not told');
      return false;
    });
  /** Whether a question has come before. */
  const isTaken = (id: string): boolean => {
    if (taken.has(id)) return true;
    taken.add(id);
    if (taken.size > MOST_TAKEN) taken.delete(taken.values().next().value as string);
    return false;
  };

  const take = async (text: string) => {
    const { kind, body, from, id } = JSON.parse(text) as Message;
    if (kind === ANSWER) {
      waiting.get(id ?? '')?.({ text: body });
      return;
    }
    if (id !== undefined && isTaken(id)) return;
    const answer = await handlers.get(kind)?.(body);
    if (answer !== undefined && from !== undefined && id !== undefined) {
      await tell(from, { kind: ANSWER, body: answer, id });
    }
  };
  listener.on('message', (_channel, text) => {
    take(text).catch((error) => log.warn({ err: error }, 'message of another gateway not understood'));
  });
  await listener.subscribe(channel(name));
  listener.on('ready', () => onGap());

  return {
    name,
    on: (kind, handler) => void handlers.set(kind, handler),
    onGap: (told) => {
      onGap = told;
    },
    tell: (gateway, kind, body) => tell(gateway, { kind, body }),
    ask: async (gateway, kind, body, timeoutMs) => {
      const id = randomUUID();
      const { promise, resolve, reject } = Promise.withResolvers<WireAnswer>();
      const timer = setTimeout(() => resolve('silent'), timeoutMs);
      waiting.set(id, resolve);
      send(gateway, { kind, body, from: name, id }).then(
        (isHeard) => isHeard || resolve('gone'),
        (cause) => {
          const message = 'Redis is away; the gateway that holds the charger may have been told before';
          reject(new DevsenError('REDIS_UNAVAILABLE', message, { cause }));
        },
      );
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        waiting.delete(id);
      }
    },
    close: () => {
      for (const resolve of waiting.values()) resolve('silent');
      listener.disconnect();
    },
  };
}
