import type { ChargerCall } from '../core/charger-call.ts';
import type { TransactionId } from '../core/charger-fact.ts';
import { type StopCause, stopMessageId } from '../core/session-stop.ts';
import type { Logger } from '../runtime/log.ts';
import type { CommandEnd } from './charger-calls.ts';
import type { Dialect } from './dialect.ts';
import { dueStop, limitExpectedMs, type Progress, type SessionRecord } from './session-rules.ts';
import type { Stations } from './stations.ts';

/** A session, and how the gateway's calls to its charger stand. */
export interface CalledSession extends SessionRecord {
  /** When its progress was put into Redis last, Unix ms. */
  savedAtMs: number;
  isCalling: boolean;
  /** Not stopped again before, Unix ms. */
  stopAtMs: number;
  /** Transactions that were refused are not stopped again before, Unix ms. */
  refusedAtMs: number;
  /** When the charger was asked for its meter last, and when it is to be asked again, Unix ms. */
  askedAtMs: number;
  meterAtMs: number;
  meterAfterMs: number;
}

/** What the gateway has chargers do of its own accord, for the sessions there. */
export interface SessionCalls {
  /** The state of a session for which nothing was asked yet. */
  begin: () => Omit<CalledSession, keyof SessionRecord>;
  /** Asks for what is due now. To be called from time to time, and when something was told. */
  look: (charger: string, connectedAtMs: number, session: CalledSession) => void;
  /** The charger has told its meter by itself, or the session has begun: it is asked no sooner than if it had just been. */
  meterTold: (session: CalledSession) => void;
  /** Ends a transaction that the session's idTag was refused for: not every charger does so by itself. */
  endRefused: (charger: string, session: CalledSession, transactionId: TransactionId) => void;
  /** A transaction has ended. */
  ended: (charger: string, session: CalledSession, transactionId: TransactionId) => void;
}

export interface SessionCallsOptions {
  stations: () => Pick<Stations, 'command'> | undefined;
  /** Undefined if the charger is not connected here. */
  dialectOf: (charger: string) => Dialect | undefined;
  /** Keeps a session's progress. */
  save: (charger: string, session: CalledSession) => void;
  /** A session without energy for so long is ended, ms; 0 if none is. */
  idleMs: number;
  onEnd: (action: string, end: CommandEnd['kind']) => void;
  log: Logger;
  now: () => number;
}

/** So long after a charger was asked to end a transaction it is asked again; from the sixth time on after longer and longer. */
const STOP_AGAIN_MS = 30_000;
const STOP_AT_MOST_MS = 600_000;
/** A charger that has told no meter for so long is asked for it; for longer and longer if it says that it will not. */
const METER_AFTER_MS = 120_000;
const METER_AT_MOST_MS = 3_600_000;
/** One whose session should be at its limit by now is asked as well, and again so long after what it told then. */
const METER_AT_LIMIT_MS = 5_000;
const CALL_WITHIN_MS = 30_000;
/** Of one idTag; a charger that begins more is let be. */
const MOST_REFUSED = 5;

export function makeSessionCalls(options: SessionCallsOptions): SessionCalls {
  const { dialectOf, idleMs, save, log, now } = options;

  const call = async (charger: string, { action, payload }: ChargerCall, messageId?: string) => {
    const deadlineMs = now() + CALL_WITHIN_MS;
    const command = { action, payload, deadlineMs, ...(messageId === undefined ? {} : { messageId }) };
    const end = await options.stations()?.command(charger, command);
    if (end !== undefined) options.onEnd(action, end.kind);
    return end;
  };

  const stop = async (charger: string, live: CalledSession, cause: StopCause, transactionId: TransactionId) => {
    const dialect = dialectOf(charger);
    if (dialect === undefined) return;
    const { session, progress } = live;
    live.isCalling = true;
    const messageId = stopMessageId(cause, session.sessionId, progress.attempts);
    progress.cause = cause;
    progress.attempts += 1;
    save(charger, live);
    const end = await call(charger, dialect.stopCall(transactionId), messageId);
    log.info(
      { chargerId: charger, sessionId: session.sessionId, transactionId, cause, end: end?.kind },
      'session to end',
    );
    live.isCalling = false;
    live.stopAtMs = now() + againAfterMs(progress.attempts);
  };

  const setRefused = (charger: string, live: CalledSession, refused: Refused[]) => {
    live.progress = { ...live.progress, refused };
    save(charger, live);
  };
  const letGo = (charger: string, live: CalledSession, transactionId: TransactionId) => {
    const { refused = [] } = live.progress;
    const others = refused.filter((one) => one.transactionId !== transactionId);
    if (others.length < refused.length) setRefused(charger, live, others);
  };

  const stopRefused = async (charger: string, live: CalledSession, { transactionId, attempts }: Refused) => {
    const dialect = dialectOf(charger);
    if (dialect === undefined) return;
    const others = (live.progress.refused ?? []).filter((one) => one.transactionId !== transactionId);
    const { refusedAttempts = 0 } = live.progress;
    live.progress = { ...live.progress, refusedAttempts: refusedAttempts + 1 };
    // The one that was asked for longest ago is the next.
    setRefused(charger, live, [...others, { transactionId, attempts: attempts + 1 }]);
    live.refusedAtMs = now() + againAfterMs(attempts + 1);
    live.isCalling = true;
    const messageId = stopMessageId('late', live.session.sessionId, refusedAttempts);
    const end = await call(charger, dialect.stopCall(transactionId), messageId);
    live.isCalling = false;
    const { sessionId } = live.session;
    log.info({ chargerId: charger, sessionId, transactionId, cause: 'late', end: end?.kind }, 'transaction to end');
    // It has no such transaction any more.
    if (end?.kind === 'result' && end.payload.includes('"Rejected"')) letGo(charger, live, transactionId);
  };

  const askForMeter = async (charger: string, live: CalledSession) => {
    const dialect = dialectOf(charger);
    if (dialect === undefined) return;
    live.isCalling = true;
    const end = await call(charger, dialect.meterCall(live.session.connector));
    live.isCalling = false;
    live.askedAtMs = now();
    const isRefused = end?.kind !== 'result' || !end.payload.includes('"Accepted"');
    live.meterAfterMs = isRefused ? Math.min(live.meterAfterMs * 2, METER_AT_MOST_MS) : METER_AFTER_MS;
    live.meterAtMs = now() + live.meterAfterMs;
  };

  const look: SessionCalls['look'] = (charger, connectedAtMs, live) => {
    if (live.isCalling) return;
    const [refused] = live.progress.refused ?? [];
    if (refused !== undefined && now() >= live.refusedAtMs) {
      void stopRefused(charger, live, refused);
      return;
    }
    if (live.began === undefined || live.progress.endedAtMs !== undefined) return;
    const cause = dueStop(live, idleMs, connectedAtMs, now());
    if (cause !== undefined) {
      if (now() >= live.stopAtMs) void stop(charger, live, cause, live.began.transactionId);
    } else if (now() >= meterDueMs(live)) void askForMeter(charger, live);
  };

  return {
    begin: () => ({
      savedAtMs: now(),
      isCalling: false,
      stopAtMs: 0,
      refusedAtMs: 0,
      askedAtMs: 0,
      meterAtMs: now() + METER_AFTER_MS,
      meterAfterMs: METER_AFTER_MS,
    }),
    look,
    meterTold: (live) => {
      live.meterAtMs = now() + live.meterAfterMs;
    },
    endRefused: (charger, live, transactionId) => {
      const { refused = [] } = live.progress;
      if (refused.length >= MOST_REFUSED || refused.some((one) => one.transactionId === transactionId)) return;
      setRefused(charger, live, [{ transactionId, attempts: 0 }, ...refused]);
      live.refusedAtMs = 0;
      look(charger, 0, live);
    },
    ended: letGo,
  };
}

type Refused = NonNullable<Progress['refused']>[number];

function againAfterMs(attempts: number): number {
  return Math.min(STOP_AGAIN_MS * 2 ** Math.max(0, attempts - 5), STOP_AT_MOST_MS);
}

/** When a session's charger is to be asked for its meter, Unix ms. */
function meterDueMs(live: CalledSession): number {
  const { meterAtMs, meterAfterMs, progress } = live;
  const limitMs = limitExpectedMs(live);
  // One that says no is asked as seldom as ever.
  if (limitMs === undefined || meterAfterMs > METER_AFTER_MS) return meterAtMs;
  const lastMs = Math.max(live.askedAtMs, progress.readAtMs ?? 0);
  return Math.min(meterAtMs, Math.max(limitMs, lastMs + METER_AT_LIMIT_MS));
}
