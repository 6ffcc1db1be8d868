import { type Backoff, backoffMs } from './backoff.ts';
import { type BootReason, type ChargerMessage, isTransactionMessage, type ReplyFacts } from './charger-message.ts';
import type { Clock, Random } from './clock.ts';
import type { Dialect, Wording } from './dialect.ts';
import { afterPowerCut, enqueue, type MessageQueue, thinned } from './message-queue.ts';
import { type Link, type LinkSettings, openLink } from './ocpp-link.ts';

/** How patient a charger is. */
export interface Timings {
  connectTimeoutMs: number;
  /** How long it waits for an answer before it takes the CALL for lost. */
  answerTimeoutMs: number;
  /** Unanswered CALLs in a row after which it takes the connection for dead. */
  unansweredLimit: number;
  /** Wait before a refused transaction message is sent again, times the attempt (`TransactionMessageRetryInterval`). */
  retryMs: number;
  /** How often a transaction message that gets a CALLERROR is sent in all (`TransactionMessageAttempts`). */
  attempts: number;
  backoff: Backoff;
}

/** What a charger goes through, for whoever watches. */
export type Happening =
  | { kind: 'connected' }
  | { kind: 'refused'; status: number | undefined; why: string }
  | { kind: 'disconnected'; code: number; reason: string }
  | { kind: 'registered'; registration: 'Accepted' | 'Pending' | 'Rejected'; intervalSec: number }
  /** The CSMS answered with a CALLRESULT: from here on the message is its care. */
  | { kind: 'acknowledged'; message: ChargerMessage; frame: string; reply: string }
  /** The CSMS answered with a CALLERROR. */
  | { kind: 'rejected'; message: ChargerMessage; code: string; description: string; frame: string }
  /** No answer came in time, or the connection went before; it may have arrived or not. */
  | { kind: 'unanswered' | 'lost'; message: ChargerMessage; frame: string };

export interface ConversationSettings {
  link: Pick<LinkSettings, 'url' | 'identity' | 'command'> & {
    /** Asked for at each connection. */
    credentials: () => Pick<LinkSettings, 'key' | 'tls'>;
  };
  dialect: Dialect;
  clock: Clock;
  random: Random;
  timings: () => Timings;
  /** How long the charger may be quiet, ms. */
  heartbeatMs: () => number;
  notify: (happening: Happening) => void;
  wording: () => Wording;
  /** The CSMS's answer to a message, told before the next message goes out. */
  onReply: (message: ChargerMessage, facts: ReplyFacts) => void;
  /** What a charger says first on a new connection, once it may talk. */
  greeting: () => ChargerMessage[];
}

/** A charger's talk with its CSMS over all its connections: registers, keeps order, sends again, comes back. */
export interface Conversation {
  say: (message: ChargerMessage) => void;
  /** Says and waits for the answer; undefined if there is none. It is not kept for a later connection. */
  ask: (message: ChargerMessage) => Promise<ReplyFacts | undefined>;
  /** Whether the charger is connected and registered. */
  isOnline: () => boolean;
  /** What is still to be told, oldest first. */
  queue: () => MessageQueue;
  /** Goes, and registers anew on a new connection. */
  reboot: (reason: BootReason) => void;
  /** Goes in good order and comes back at once. */
  reconnect: () => void;
  /** Drops the connection without a word. */
  powerCut: () => void;
  /** Stays away from the CSMS, or comes back. */
  setOffline: (isOffline: boolean) => void;
  /** Settles when everything said so far is answered. */
  settled: () => Promise<void>;
  close: () => Promise<void>;
}

type Verdict = { kind: 'answered'; facts: ReplyFacts } | { kind: 'rejected' | 'silent' | 'gone' };

const LASTING: ReadonlySet<ChargerMessage['kind']> = new Set([
  'status',
  'problem',
  'security',
  'firmware',
  'log',
  'reservationEnded',
]);

/** Messages that a charger has room for while nobody listens. */
const MOST_QUEUED = 5_000;

/** Kept through a lost connection; all else is asked of the CSMS that is there now, or not at all. */
const outlivesConnection = (message: ChargerMessage) => isTransactionMessage(message) || LASTING.has(message.kind);

export function startConversation(settings: ConversationSettings): Conversation {
  const { dialect, clock, random, notify } = settings;
  let queue: MessageQueue = [];
  let link: Link | undefined;
  let isRegistered = false;
  let isTalking = false;
  let isClosing = false;
  let isHurrying = false;
  let isOffline = false;
  let bootReason: BootReason = 'PowerUp';
  let lastSaidMs = 0;
  let failures = 0;
  let silences = 0;
  let attempts = 0;
  let wake = () => {};
  const asked = new Map<ChargerMessage, (facts: ReplyFacts | undefined) => void>();
  const settledWaiters: (() => void)[] = [];

  /**
   * Waits a time, or until `isOver` when something has happened. One waits at a time, and leaves nothing behind: a
   * race of promises would hang another reaction on those that last as long as the charger, at each wait.
   */
  function pause(delayMs: number, isOver: () => boolean): Promise<void> {
    if (isOver()) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        wake = () => {};
        resolve();
      };
      const cancel = clock.after(delayMs, end);
      wake = () => {
        if (isOver()) end();
      };
    });
  }

  async function live(): Promise<void> {
    while (!isClosing) {
      await pause(Number.POSITIVE_INFINITY, () => isClosing || !isOffline);
      if (isClosing) return;
      const { credentials, ...link } = settings.link;
      const opened = await openLink({
        ...link,
        ...credentials(),
        subprotocol: dialect.subprotocol,
        connectTimeoutMs: settings.timings().connectTimeoutMs,
        onClosed: () => wake(),
      });
      if ('kind' in opened) notify(opened);
      else await talk(opened);
      if (!isHurrying) await pause(backoffMs(settings.timings().backoff, failures++, random), () => isClosing);
      isHurrying = false;
    }
  }

  async function talk(opened: Link): Promise<void> {
    link = opened;
    silences = 0;
    notify({ kind: 'connected' });
    if (await register(opened)) {
      for (const message of settings.greeting()) queue = enqueue(queue, message, false);
      isTalking = true;
      while (!isClosing && isRegistered && (await sayNext(opened)));
      isTalking = false;
    }
    link = undefined;
    if (isClosing || !isRegistered) await opened.close('going');
    else opened.drop();
    notify({ kind: 'disconnected', ...(await opened.closed) });
    for (const message of queue) if (!outlivesConnection(message)) remove(message, undefined);
  }

  /** @returns whether the charger may talk on this connection */
  async function register(opened: Link): Promise<boolean> {
    while (!isRegistered && !isClosing) {
      const verdict = await send(opened, { kind: 'boot', reason: bootReason });
      if (verdict.kind !== 'answered' || !verdict.facts.registration) return false;
      const { registration, intervalSec = 0 } = verdict.facts;
      notify({ kind: 'registered', registration, intervalSec });
      isRegistered = registration === 'Accepted';
      if (!isRegistered) await pause(settings.heartbeatMs(), () => isClosing || opened.isClosed());
    }
    return isRegistered;
  }

  /** Sends what is first in the queue, or a heartbeat when it is time. @returns false to leave the connection */
  async function sayNext(opened: Link): Promise<boolean> {
    const message = queue[0];
    if (!message) {
      for (const done of settledWaiters.splice(0)) done();
      const leftMs = lastSaidMs + settings.heartbeatMs() - clock.nowMs();
      if (leftMs > 0) {
        await pause(leftMs, () => isClosing || !isRegistered || queue.length > 0 || opened.isClosed());
        return !opened.isClosed();
      }
      queue = [{ kind: 'heartbeat' }];
      return true;
    }
    const timings = settings.timings();
    const verdict = await send(opened, message);
    if (verdict.kind === 'gone') return false;
    if (verdict.kind === 'silent') {
      if (!outlivesConnection(message)) remove(message, undefined);
      return ++silences < timings.unansweredLimit;
    }
    silences = 0;
    failures = 0;
    if (verdict.kind === 'rejected' && isTransactionMessage(message) && ++attempts < timings.attempts) {
      await pause(timings.retryMs * attempts, () => isClosing || opened.isClosed());
      return true;
    }
    attempts = 0;
    remove(message, verdict.kind === 'answered' ? verdict.facts : undefined);
    return true;
  }

  function remove(message: ChargerMessage, facts: ReplyFacts | undefined): void {
    queue = queue.filter((other) => other !== message);
    asked.get(message)?.(facts);
    asked.delete(message);
  }

  async function send(opened: Link, message: ChargerMessage): Promise<Verdict> {
    const { action, payload } = dialect.encode(message, settings.wording());
    const outcome = await opened.call(action, payload, settings.timings().answerTimeoutMs);
    lastSaidMs = clock.nowMs();
    switch (outcome.kind) {
      case 'result': {
        const { frame, reply } = outcome;
        const facts = dialect.readReply(message, outcome.payload);
        notify({ kind: 'acknowledged', message, frame, reply });
        settings.onReply(message, facts);
        return { kind: 'answered', facts };
      }
      case 'error':
        notify({
          kind: 'rejected',
          message,
          code: outcome.code,
          description: outcome.description,
          frame: outcome.frame,
        });
        return { kind: 'rejected' };
      case 'unanswered':
        notify({ kind: 'unanswered', message, frame: outcome.frame });
        return { kind: 'silent' };
      case 'lost':
        notify({ kind: 'lost', message, frame: outcome.frame });
        return { kind: 'gone' };
    }
  }

  function say(message: ChargerMessage): void {
    queue = enqueue(queue, message, isTalking);
    // the message on its way stays: it may have arrived
    if (!isTalking) queue = thinned(queue, MOST_QUEUED);
    wake();
  }

  const ended = live();

  return {
    say,
    ask: (message) => {
      if (!isTalking) return Promise.resolve(undefined);
      const answer = Promise.withResolvers<ReplyFacts | undefined>();
      asked.set(message, answer.resolve);
      say(message);
      return answer.promise;
    },
    isOnline: () => isTalking,
    queue: () => queue,
    reconnect: () => {
      isHurrying = link !== undefined;
      void link?.close('reconnecting');
    },
    reboot: (reason) => {
      isRegistered = false;
      bootReason = reason;
      const kept = new Set(afterPowerCut(queue));
      for (const message of queue) if (!kept.has(message)) remove(message, undefined);
      void link?.close('rebooting');
      wake();
    },
    powerCut: () => link?.drop(),
    setOffline: (wanted) => {
      isOffline = wanted;
      isHurrying = wanted;
      if (wanted) link?.drop();
      wake();
    },
    settled: () =>
      isTalking && queue.length === 0 ? Promise.resolve() : new Promise((done) => settledWaiters.push(done)),
    close: async () => {
      isClosing = true;
      void link?.close('going');
      wake();
      await ended;
      for (const done of settledWaiters.splice(0)) done();
    },
  };
}
