import { DevsenError } from '../core/errors.ts';
import { resultText } from '../core/result-text.ts';
import type { Logger } from '../runtime/log.ts';
import type { ChargerLink, SentCall } from './charger-link.ts';
import type { Answer } from './frame.ts';
import { recordedCall } from './recorded-call.ts';

/** A CALL to a charger. */
export interface Command {
  action: string;
  /** JSON text of an object that has passed the action's schema; goes on the wire as it is. */
  payload: string;
  /** Not sent any more from then on, Unix ms. */
  deadlineMs: number;
  /** Message id of the CALL, at most 36 characters; a random one if not given. */
  messageId?: string;
  /** By what its log lines are found: the nonce of a manager's command, the id of an approved request. */
  ids?: { nonce: string } | { requestId: string };
  /** Asked just before it is sent: false if it is not to be sent any more. While it rejects, it is as if it said so. */
  mayGo?: () => Promise<boolean>;
  /** Told when it is on the wire. One that ends without that was surely not sent. */
  onSent?: () => void;
  /**
   * Told the exact text of the charger's answer before that goes on record. Where it gives a promise the record waits for
   * it: what follows from the answer is then as durable as the answer itself. If it rejects, the answer is not recorded.
   */
  heard?: (text: string) => Promise<void> | undefined;
}

/**
 * How a command ended.
 *
 * - `result`, `error`: the charger's CALLRESULT (its payload as the charger wrote it) or CALLERROR; on record
 * - `malformed`: the charger's answer was neither; on record
 * - `unrecorded`: the charger answered, but the answer is not on record
 * - `silent`: no answer in time; `lost`: the connection ended first. It may have been carried out
 * - `expired`, `full`, `leaving`, `withheld`: never sent: its deadline passed while it waited, too many wait, the gateway
 *   stops, `mayGo` did not let it
 */
export type CommandEnd =
  | { kind: 'result'; payload: string }
  | { kind: 'error'; code: string; description: string }
  | { kind: 'malformed' | 'unrecorded' | 'silent' | 'lost' | 'expired' | 'full' | 'leaving' | 'withheld' };

/** The calls to one charger, on one connection. */
export interface ChargerCalls {
  /** Sends the command when those before it are over: one is in flight at a time, as OCPP-J asks. Never rejects. */
  send: (command: Command) => Promise<CommandEnd>;
  /** Takes a CALLRESULT or CALLERROR in; returns whether ocpp-rpc waits for it. */
  takeAnswer: (messageId: unknown, answer: Answer, text: string) => boolean;
  /** Whether none is in flight, and every answer is durably on record, or will never be. */
  isIdle: () => boolean;
  /** Sends no more; the one in flight may still be answered. */
  stop: () => void;
  /** Ends all: the connection is gone. */
  close: () => void;
}

export interface ChargerCallsOptions {
  link: Pick<ChargerLink, 'call'>;
  /** How long the charger may take for its answer. */
  timeoutMs: number;
  /** Commands that may wait behind the one in flight. */
  maxWaiting: number;
  /** Keeps call and answer; settles when they are durable. The event has its place in order when this returns. */
  record: (call: string, answer: string) => Promise<void>;
  /** Called each time the last one is over. */
  onIdle: () => void;
  log: Logger;
  now: () => number;
}

/** Message ids of calls that were given up are remembered, so that a late answer counts as late, not as nonsense. */
const MOST_LATE = 16;

interface Turn {
  command: Command;
  settle: (end: CommandEnd) => void;
  /** Ends it at its deadline while it waits. */
  timer: NodeJS.Timeout | undefined;
}

/** @see OCPP-J 1.6 §4.1.1 a message only after the one before it was answered or has timed out; in each direction */
export function makeChargerCalls(options: ChargerCallsOptions): ChargerCalls {
  const { link, timeoutMs, maxWaiting, record, onIdle, log, now } = options;
  const waiting: Turn[] = [];
  const late: string[] = [];
  let inFlight: (Turn & { sent: SentCall; isAnswered: boolean }) | undefined;
  /** Whether the next one is asked for whether it may go. */
  let isAsking = false;
  /** Answers that are not durably on record yet. */
  let unkept = 0;
  let stopped: 'leaving' | 'lost' | undefined;

  const next = () => {
    for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) {
      clearTimeout(turn.timer);
      if (turn.command.mayGo !== undefined) {
        isAsking = true;
        void ask(turn, turn.command.mayGo);
        return;
      }
      if (go(turn)) return;
    }
  };

  const ask = async (turn: Turn, mayGo: () => Promise<boolean>) => {
    // What it asks may take the last of the time there is: the deadline is looked at before and after.
    const isLet = now() < turn.command.deadlineMs ? await mayGo().catch(() => false) : true;
    isAsking = false;
    if (!isLet) turn.settle({ kind: 'withheld' });
    else if (stopped === 'lost') turn.settle({ kind: 'lost' });
    else if (go(turn)) return;
    next();
    if (isIdle()) onIdle();
  };

  /** Sends a command; false if it was not sent. */
  const go = (turn: Turn): boolean => {
    const { command, settle } = turn;
    if (now() >= command.deadlineMs) {
      settle({ kind: 'expired' });
      return false;
    }
    const sent = link.call(command.action, command.payload, timeoutMs, command.messageId);
    if (sent === undefined) {
      settle({ kind: 'lost' });
      return false;
    }
    log.info({ messageId: sent.messageId, action: command.action, ...command.ids }, 'command sent');
    inFlight = { ...turn, sent, isAnswered: false };
    command.onSent?.();
    void sent.over.then(pass);
    return true;
  };

  const isFree = () => inFlight === undefined && !isAsking;
  const isIdle = () => isFree() && unkept === 0;

  const recordAfter = async (following: Promise<void>, call: string, text: string) => {
    await following;
    // After the end of the connection nothing may be recorded of it.
    if (stopped === 'lost') throw new DevsenError('NOT_YET', 'the connection was lost before what follows was done');
    await record(call, text);
  };

  /** Puts an answer on record, once what follows from it is done; it takes its place at once if nothing does. */
  const keep = async (call: string, text: string, following: Promise<void> | undefined) => {
    unkept += 1;
    try {
      await (following === undefined ? record(call, text) : recordAfter(following, call, text));
    } finally {
      unkept -= 1;
    }
  };

  /** The one in flight is over. */
  const pass = () => {
    const { sent, settle, isAnswered, command } = inFlight as NonNullable<typeof inFlight>;
    inFlight = undefined;
    if (!isAnswered) {
      if (late.push(sent.messageId) > MOST_LATE) late.shift();
      const facts = { messageId: sent.messageId, action: command.action, ...command.ids };
      if (stopped !== 'lost') log.warn(facts, 'command not answered');
      settle({ kind: stopped === 'lost' ? 'lost' : 'silent' });
    }
    next();
    if (isIdle()) onIdle();
  };

  const endWaiting = (kind: 'leaving' | 'lost') => {
    for (const { settle } of waiting.splice(0)) settle({ kind });
  };

  return {
    send: (command) => {
      if (stopped !== undefined) return Promise.resolve({ kind: stopped });
      if (!isFree() && waiting.length >= maxWaiting) return Promise.resolve({ kind: 'full' });
      const { promise, resolve } = Promise.withResolvers<CommandEnd>();
      const expire = () => {
        const place = waiting.indexOf(turn);
        if (place < 0 || now() < command.deadlineMs) return;
        waiting.splice(place, 1);
        turn.settle({ kind: 'expired' });
      };
      const settle = (end: CommandEnd) => {
        clearTimeout(turn.timer);
        resolve(end);
      };
      const turn: Turn = { command, settle, timer: undefined };
      waiting.push(turn);
      if (isFree()) next();
      else turn.timer = setTimeout(expire, command.deadlineMs - now() + 1);
      return promise;
    },
    takeAnswer: (messageId, answer, text) => {
      if (inFlight === undefined || inFlight.sent.messageId !== messageId || inFlight.isAnswered) {
        const at = late.indexOf(messageId as string);
        if (at >= 0) log.info({ messageId }, 'late answer ignored');
        return at < 0;
      }
      const { command, sent, settle } = inFlight;
      const end: CommandEnd = answer.kind === 'result' ? { kind: 'result', payload: resultText(text) } : answer;
      log.info({ messageId, action: command.action, answer: answer.kind, ...command.ids }, 'command answered');
      const call = recordedCall(sent.messageId, sent.text, command.action, command.payload);
      const following = command.heard?.(text);
      // Whatever throws before this leaves the call to end with the connection.
      inFlight.isAnswered = true;
      keep(call, text, following)
        .then(
          () => settle(end),
          (error) => {
            log.warn({ err: error, messageId, ...command.ids }, 'answer not recorded');
            settle({ kind: 'unrecorded' });
          },
        )
        .finally(() => isIdle() && onIdle());
      return true;
    },
    isIdle,
    stop: () => {
      stopped ??= 'leaving';
      endWaiting('leaving');
    },
    close: () => {
      stopped = 'lost';
      endWaiting('lost');
      if (inFlight !== undefined && !inFlight.isAnswered) inFlight.settle({ kind: 'lost' });
    },
  };
}
