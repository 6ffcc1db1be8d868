import { type CarWait, carWaitAfter } from '../core/car-wait.ts';
import type { TransactionId } from '../core/charger-fact.ts';
import { deriveFacts } from '../core/derive-facts.ts';
import type { JsonObject } from '../core/json.ts';
import { decodeSessionParams, type RequestApproval, sessionTag } from '../core/request-approval.ts';
import type { Logger } from '../runtime/log.ts';
import type { Dialect, IdTagFinding } from './dialect.ts';
import type { Live, LiveSessions } from './live-sessions.ts';
import type { SessionCalls } from './session-calls.ts';
import { mayBegin, sessionOf, tagVerdict, withdrawn } from './session-rules.ts';
import { noProgress, type SessionStore } from './session-store.ts';
import type { ToldStart } from './told.ts';

/** How sessions that contracts opened begin, or do not. */
export interface ContractSessions {
  /** Opens the session of a `start-charge`; durable when it settles. Rejects with what Redis says. */
  open: (charger: string, request: RequestApproval) => Promise<void>;
  /**
   * The charger refused to begin the session: no transaction begins it any more, here from this moment on and at every
   * gateway, also after restarts, when it settles. Rejects with what Redis says.
   */
  withdraw: (charger: string, request: RequestApproval) => Promise<void>;
  /** The transaction of the session that a `stop-charge` is about. Rejects with what Redis says. */
  transactionOf: (charger: string, request: RequestApproval) => Promise<TransactionId | undefined>;
  /**
   * What an idTag of a charger's CALL counts for; begins the session if the CALL begins its transaction.
   *
   * @param transactionId - that the gateway gives a StartTransaction
   * @returns undefined if it is no session's at this charger. Rejects with what Redis says
   */
  verdict: (
    charger: string,
    idTag: string,
    call: { action: string; payload: unknown },
    transactionId?: number,
  ) => Promise<IdTagFinding | undefined>;
  /**
   * To be told the exact text of each CALL before it goes on record. Where it gives a promise the record waits for it: nobody
   * plugged in, and no transaction begins the session any more. Rejects with what Redis says; the CALL is then not recorded.
   */
  heard: (charger: string, action: string, text: string) => Promise<void> | undefined;
}

export interface ContractSessionsOptions {
  store: SessionStore;
  live: LiveSessions;
  calls: Pick<SessionCalls, 'meterTold'>;
  dialectOf: (charger: string) => Dialect | undefined;
  /** Whether another idTag was accepted in a transaction before. Rejects with what Redis says. */
  isOthers: (charger: string, transactionId: TransactionId, idTag: string) => Promise<boolean>;
  log: Logger;
  now: () => number;
}

const SESSION_TAG = /^[0-9A-F]{20}$/;
/** How a charger's telling of its connectors' statuses is answered. */
const ACKNOWLEDGED = '[3,"",{}]';

export function makeContractSessions(options: ContractSessionsOptions): ContractSessions {
  const { store, live: sessionsHere, calls, dialectOf, isOthers, log, now } = options;

  const begin = async (charger: string, live: Live, told: ToldStart) => {
    const { session } = live;
    const isFree = live.began !== undefined || !(await isOthers(charger, told.transactionId, session.tag));
    if (isFree && live.began === undefined && mayBegin(live, told, now()) === 'Accepted') {
      const { transactionId, startWh } = told;
      const began = { transactionId, atMs: now(), ...(startWh === undefined ? {} : { startWh }) };
      live.began = await store.begin(charger, session.tag, began);
      if (live.began === undefined) live.session = withdrawn(session);
      calls.meterTold(live);
    }
    const isIts = live.began?.transactionId === told.transactionId;
    const fields = { chargerId: charger, sessionId: session.sessionId, transactionId: told.transactionId };
    log.info({ ...fields, isIts }, isIts ? 'session has begun' : 'transaction cannot begin the session');
    return isFree ? mayBegin(live, told, now()) : 'Invalid';
  };

  const giveUp = (charger: string, live: Live, wait: CarWait) => {
    const { session } = live;
    live.session = withdrawn(session);
    log.info({ chargerId: charger, sessionId: session.sessionId }, 'nobody has plugged in for the session');
    return store.withdraw(charger, session.tag).catch((error) => {
      // It goes on record only where this is kept: the charger may tell it again.
      Object.assign(live, { wait, session });
      throw error;
    });
  };

  return {
    open: async (charger, request) => {
      const sessions = await sessionsHere.load(charger);
      const session = sessionOf(request, now());
      if (sessions.has(session.tag)) return;
      await store.open(charger, session);
      sessions.set(session.tag, sessionsHere.begin({ session, began: undefined, progress: noProgress() }));
      await sessionsHere.forgetOld(charger, sessions);
    },
    withdraw: async (charger, { requestId }) => {
      const tag = sessionTag(requestId);
      const live = sessionsHere.chargers.get(charger)?.sessions.get(tag);
      if (live !== undefined && live.began === undefined) live.session = withdrawn(live.session);
      await store.withdraw(charger, tag);
    },
    transactionOf: async (charger, { params }) => {
      const { sessionId } = decodeSessionParams(params);
      const sessions = [...(await sessionsHere.load(charger)).values()];
      return sessions.find(({ session }) => session.sessionId === sessionId)?.began?.transactionId;
    },
    verdict: async (charger, idTag, { action, payload }, transactionId) => {
      const tag = idTag.toUpperCase();
      if (!SESSION_TAG.test(tag)) return undefined;
      const live = (await sessionsHere.load(charger)).get(tag);
      if (live === undefined) return undefined;
      const told = dialectOf(charger)?.startIn(action, payload as JsonObject, transactionId);
      if (told === undefined) return { status: tagVerdict(live, now()) };
      const status = await begin(charger, live, told);
      const { energyLimitWh } = live.session;
      return status === 'Accepted' && energyLimitWh !== undefined ? { status, energyLimitWh } : { status };
    },
    heard: (charger, action, text) => {
      const dialect = dialectOf(charger);
      if (dialect?.subjects.get(action) !== 'status') return undefined;
      const atMs = now();
      const waiting = [...(sessionsHere.chargers.get(charger)?.sessions.values() ?? [])].filter(
        ({ began, session }) => began === undefined && session.startUntilMs > atMs,
      );
      if (waiting.length === 0) return undefined;
      const told = { kind: 'call', receivedAtMs: atMs, frame: text, reply: ACKNOWLEDGED } as const;
      const facts = deriveFacts(told, dialect.version);
      const withdrawals = waiting.flatMap((live) => {
        const { wait, session } = live;
        live.wait = facts.reduce<CarWait>((before, fact) => carWaitAfter(before, fact, session.connector), wait);
        return live.wait === 'given-up' ? [giveUp(charger, live, wait)] : [];
      });
      return withdrawals.length === 0 ? undefined : Promise.all(withdrawals).then(() => {});
    },
  };
}
