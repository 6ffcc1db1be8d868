import { type CarWait, carWaitAfter } from '../core/car-wait.ts';
import type { ChargerEvent } from '../core/charger-event.ts';
import type { ChargerFact, TransactionId } from '../core/charger-fact.ts';
import { deriveFacts } from '../core/derive-facts.ts';
import type { JsonObject } from '../core/json.ts';
import { decodeSessionParams, type RequestApproval, sessionTag } from '../core/request-approval.ts';
import { startedTag } from '../core/started-tag.ts';
import type { CardSessions } from './card-sessions.ts';
import type { IdTagFinding } from './dialect.ts';
import { type CalledSession, makeSessionCalls, type SessionCallsOptions } from './session-calls.ts';
import {
  isAbout,
  isFollowed,
  isToldByStatus,
  mayBegin,
  progressAfter,
  type Session,
  type SessionRecord,
  sessionOf,
  tagVerdict,
  withdrawn,
} from './session-rules.ts';
import { noProgress, type SessionStore } from './session-store.ts';
import { isBilled, type ToldStart } from './told.ts';
import type { CardTransaction } from './transaction-book.ts';

/** Sessions at the chargers that are connected here: who may begin those that contracts opened, and when all end. */
export interface SessionDesk {
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
  /** To be called with each CALL of a charger that is on record. */
  recorded: (
    charger: string,
    action: string,
    event: Pick<ChargerEvent, 'frame' | 'reply'>,
    payload: JsonObject,
  ) => void;
  /** To be called once a card has begun a transaction, with what its charger told by that; see `TransactionBookOptions`. */
  cardBegan: (charger: string, transaction: CardTransaction, fact: ChargerFact) => void;
  /** A transaction is over. */
  over: (charger: string, transactionId: TransactionId) => void;
  /** To be called when a charger's connection begins, and when it is gone. */
  connected: (charger: string, epoch: number) => void;
  gone: (charger: string, epoch: number) => void;
  close: () => void;
}

export interface SessionDeskOptions extends Omit<SessionCallsOptions, 'save'> {
  store: SessionStore;
  /** Whether another idTag was accepted in a transaction before. Rejects with what Redis says. */
  isOthers: (charger: string, transactionId: TransactionId, idTag: string) => Promise<boolean>;
  /** Whether a transaction's end is known. Rejects with what Redis says. */
  isOver: (charger: string, transactionId: TransactionId) => Promise<boolean>;
  /** Undefined where sessions that cards opened go on until somebody ends them. */
  cards?: CardSessions;
}

/** A session is kept so long after it was opened: the contract's own deadline is after two days. */
export const SESSION_MEMORY_MS = 4 * 86_400_000;

const SESSION_TAG = /^[0-9A-F]{20}$/;
const LOOK_MS = 1_000;
/** Meter values of one place are read so often, and the last of them at the next look: registers only grow. */
const METER_EVERY_MS = 1_000;
const MOST_PLACES = 100;
/** What Redis did not give when a charger connected is asked for at each look, of so many chargers. */
const MOST_LOADS = 200;
/** Growing energy is put into Redis so often. */
const SAVE_AFTER_MS = 30_000;

/** How a charger's telling of its connectors' statuses is answered. */
const ACKNOWLEDGED = '[3,"",{}]';

interface Live extends CalledSession {
  /** What its charger says over this connection of its wait for somebody to plug in. */
  wait: CarWait;
  /** A card's session: whether its limit is being asked for, and whether Redis has it. */
  isAsking?: boolean;
  isKept?: boolean;
}

/** A charger that is connected here. */
interface Connected {
  epoch: number;
  sinceMs: number;
  /** By tag; settles when what Redis has is there. */
  loaded: Promise<Map<string, Live>> | undefined;
  sessions: Map<string, Live>;
  /** Whether what Redis has is there, and the transactions that ended before. */
  isLoaded: boolean;
  overBefore: Set<TransactionId>;
  /** By connector or EVSE: when its meter values were read last, Unix ms, and the last ones that were not read since. */
  metersReadAtMs: Map<unknown, number>;
  unread: Map<unknown, Unread>;
}

interface Unread {
  event: Pick<ChargerEvent, 'frame' | 'reply'>;
  atMs: number;
}

export function makeSessionDesk(options: SessionDeskOptions): SessionDesk {
  const { store, cards, dialectOf, log, now } = options;
  const chargers = new Map<string, Connected>();

  const liveOf = (record: SessionRecord): Live => ({
    ...record,
    wait: undefined,
    ...calls.begin(),
  });

  const recordsOf = async (charger: string): Promise<SessionRecord[]> => {
    const sinceMs = now() - SESSION_MEMORY_MS;
    if (cards === undefined) return store.load(charger, sinceMs);
    const [contracts, kept] = await Promise.all([store.load(charger, sinceMs), cards.kept(charger)]);
    const goingOn = await cards.goingOn(charger, kept, sinceMs);
    return [...contracts, ...goingOn.filter((record) => !contracts.some((one) => isOneWith(one, record)))];
  };

  const load = async (charger: string): Promise<Live[]> =>
    Promise.all(
      (await recordsOf(charger)).map(async (record) => {
        const live: Live = { ...liveOf(record), isKept: true };
        const { began, progress } = live;
        const goesOn = began !== undefined && progress.endedAtMs === undefined;
        // That it ended may have been told where this could not be kept.
        if (goesOn && (await options.isOver(charger, began.transactionId))) end(charger, live);
        return live;
      }),
    );

  /** The sessions at a charger; what Redis did not give before is asked for again. */
  const sessionsOf = (charger: string): Promise<Map<string, Live>> => {
    const connected = chargers.get(charger);
    if (connected === undefined) return Promise.resolve(new Map());
    connected.loaded ??= load(charger).then(
      (lives) => {
        for (const live of lives) {
          if (isNew(connected, live)) connected.sessions.set(live.session.tag, live);
        }
        connected.isLoaded = true;
        connected.overBefore.clear();
        return connected.sessions;
      },
      (error) => {
        connected.loaded = undefined;
        throw error;
      },
    );
    return connected.loaded;
  };

  /** A charger may stay connected for years: what a new connection would not load any more is let go of. */
  const forgetOld = async (charger: string, sessions: Map<string, Live>) => {
    const sinceMs = now() - SESSION_MEMORY_MS;
    const isOld = ({ card, openedAtMs }: Session) => card === undefined && openedAtMs < sinceMs;
    const old = [...sessions.values()].flatMap(({ session }) => (isOld(session) ? [session.tag] : []));
    for (const tag of old) sessions.delete(tag);
    await store.forget(charger, old).catch((error) => {
      log.debug({ err: error, chargerId: charger }, 'old sessions not taken from Redis yet');
    });
  };

  const save = (charger: string, live: CalledSession) => {
    live.savedAtMs = now();
    const { session, progress } = live;
    const kept =
      cards === undefined || session.card === undefined
        ? store.save(charger, session.tag, progress)
        : cards.save(charger, Object.assign(live, { isKept: true }));
    kept.catch((error) => {
      log.debug({ err: error, sessionId: session.sessionId }, 'progress of a session not kept');
    });
  };

  const end = (charger: string, live: Live) => {
    live.progress = { ...live.progress, endedAtMs: now() };
    save(charger, live);
  };

  const calls = makeSessionCalls({ ...options, save });

  const letGo = (charger: string, { sessions }: Connected, { session, isKept }: Live) => {
    sessions.delete(session.tag);
    if (!isKept) return;
    cards?.forget(charger, session.tag).catch((error) => {
      log.debug({ err: error, sessionId: session.sessionId }, 'session of a card not taken from Redis yet');
    });
  };

  /** What can be paid for is asked for once: what it is later depends on what the session has cost by then. */
  const fixLimit = async (charger: string, live: Live) => {
    live.isAsking = true;
    const limitWh = await cards?.limitWhOf(charger, live.session);
    live.isAsking = false;
    if (limitWh === 'unknown' || chargers.get(charger)?.sessions.get(live.session.tag) !== live) return;
    const { isLimitOpen: _, ...session } = live.session;
    live.session = limitWh === undefined ? session : { ...session, energyLimitWh: limitWh };
    save(charger, live);
  };

  const readUnread = (charger: string, connected: Connected) => {
    if (connected.unread.size === 0) return;
    const unread = [...connected.unread.values()];
    connected.unread.clear();
    for (const { event, atMs } of unread) takeIn(charger, connected, event, atMs);
  };

  /** Whether meter values are left for the next look, since others of their place were read just now. */
  const isLeft = ({ metersReadAtMs, unread }: Connected, place: unknown, atMs: number, event: Unread['event']) => {
    unread.delete(place);
    if (Math.abs(atMs - (metersReadAtMs.get(place) ?? -Infinity)) < METER_EVERY_MS) {
      unread.set(place, { event, atMs });
      return true;
    }
    if (metersReadAtMs.size >= MOST_PLACES) metersReadAtMs.clear();
    metersReadAtMs.set(place, atMs);
    return false;
  };

  const timer = setInterval(() => {
    let loading = 0;
    for (const [charger, connected] of chargers) {
      if (connected.loaded === undefined && loading++ < MOST_LOADS) sessionsOf(charger).catch(() => undefined);
      readUnread(charger, connected);
      for (const live of connected.sessions.values()) {
        const { isLimitOpen, card, openedAtMs } = live.session;
        if (isLimitOpen && !live.isAsking) void fixLimit(charger, live);
        if (card !== undefined && openedAtMs < now() - SESSION_MEMORY_MS) letGo(charger, connected, live);
        else calls.look(charger, connected.sinceMs, live);
      }
    }
  }, LOOK_MS);

  const begin = async (charger: string, live: Live, told: ToldStart) => {
    const { session } = live;
    const isFree = live.began !== undefined || !(await options.isOthers(charger, told.transactionId, session.tag));
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

  const takeIn = (
    charger: string,
    connected: Connected,
    event: Pick<ChargerEvent, 'frame' | 'reply'>,
    atMs: number,
  ) => {
    const isItsTag = ({ session }: Live) =>
      startedTag({ kind: 'call', frame: event.frame })?.toUpperCase() === session.tag;
    for (const fact of deriveFacts({ kind: 'call', receivedAtMs: atMs, ...event }, dialectOf(charger)?.version)) {
      for (const live of connected.sessions.values()) {
        // A status has told its part of the wait when it was heard.
        if (live.began === undefined && fact.kind !== 'status')
          live.wait = carWaitAfter(live.wait, fact, live.session.connector);
        if (fact.kind === 'transaction-stopped') calls.ended(charger, live, fact.transactionId);
        if (isAbout(fact, live)) {
          const before = live.progress;
          live.progress = progressAfter(before, fact, atMs);
          if (live.progress.readAtMs === atMs) calls.meterTold(live);
          const { endedAtMs, idleSinceMs } = live.progress;
          const isTurn =
            endedAtMs !== before.endedAtMs || (idleSinceMs === undefined) !== (before.idleSinceMs === undefined);
          const isNews = before.readAtMs === undefined || isTurn;
          // What is known of a card's transaction says where it began, and that it is over.
          const isCards = live.session.card !== undefined;
          const isKnown = isCards && (endedAtMs !== undefined || (!isTurn && live.began?.startWh !== undefined));
          if ((isNews && !isKnown) || (endedAtMs === undefined && atMs - live.savedAtMs >= SAVE_AFTER_MS)) {
            save(charger, live);
          }
          calls.look(charger, connected.sinceMs, live);
        } else if (isFollowed(fact, live) && live.progress.endedAtMs === undefined) {
          end(charger, live);
        } else if (isShown(fact) && isRefused(fact) && isItsTag(live)) {
          calls.endRefused(charger, live, fact.transactionId);
        }
      }
    }
  };

  return {
    open: async (charger, request) => {
      const sessions = await sessionsOf(charger);
      const session = sessionOf(request, now());
      if (sessions.has(session.tag)) return;
      await store.open(charger, session);
      sessions.set(session.tag, liveOf({ session, began: undefined, progress: noProgress() }));
      await forgetOld(charger, sessions);
    },
    withdraw: async (charger, { requestId }) => {
      const tag = sessionTag(requestId);
      const live = chargers.get(charger)?.sessions.get(tag);
      if (live !== undefined && live.began === undefined) live.session = withdrawn(live.session);
      await store.withdraw(charger, tag);
    },
    transactionOf: async (charger, { params }) => {
      const { sessionId } = decodeSessionParams(params);
      return [...(await sessionsOf(charger)).values()].find(({ session }) => session.sessionId === sessionId)?.began
        ?.transactionId;
    },
    verdict: async (charger, idTag, { action, payload }, transactionId) => {
      const tag = idTag.toUpperCase();
      if (!SESSION_TAG.test(tag)) return undefined;
      const live = (await sessionsOf(charger)).get(tag);
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
      const waiting = [...(chargers.get(charger)?.sessions.values() ?? [])].filter(
        ({ began, session }) => began === undefined && session.startUntilMs > atMs,
      );
      if (waiting.length === 0) return undefined;
      const told = { kind: 'call', receivedAtMs: atMs, frame: text, reply: ACKNOWLEDGED } as const;
      const facts = deriveFacts(told, dialect.version);
      const withdrawals = waiting.flatMap((live) => {
        const { wait, session } = live;
        live.wait = facts.reduce<CarWait>((before, fact) => carWaitAfter(before, fact, session.connector), wait);
        if (live.wait !== 'given-up') return [];
        live.session = withdrawn(session);
        log.info({ chargerId: charger, sessionId: session.sessionId }, 'nobody has plugged in for the session');
        return store.withdraw(charger, session.tag).catch((error) => {
          // It goes on record only where this is kept: the charger may tell it again.
          Object.assign(live, { wait, session });
          throw error;
        });
      });
      return withdrawals.length === 0 ? undefined : Promise.all(withdrawals).then(() => {});
    },
    recorded: (charger, action, event, payload) => {
      const dialect = dialectOf(charger);
      const subject = dialect?.subjects.get(action);
      const isStatus = subject === 'status';
      if (!isStatus && !isBilled(subject)) return;
      const connected = chargers.get(charger);
      if (dialect === undefined || connected === undefined) return;
      const atMs = now();
      const take = () => {
        const { sessions } = connected;
        if (isStatus ? ![...sessions.values()].some(isToldByStatus) : sessions.size === 0) return;
        if (subject !== 'meter') readUnread(charger, connected);
        else if (isLeft(connected, dialect.meterPlaceIn(payload), atMs, event)) return;
        takeIn(charger, connected, event, atMs);
      };
      if (connected.isLoaded) take();
      else sessionsOf(charger).then(take, () => undefined);
    },
    cardBegan: (charger, transaction, fact) => {
      const connected = chargers.get(charger);
      const record = cards?.of(charger, transaction);
      if (connected === undefined || record === undefined) return;
      const others = [...connected.sessions.values()];
      if (others.some((other) => isOneWith(other, record))) return;
      // Two cars do not charge at one connector: the end of the earlier one was lost.
      for (const other of others) {
        if (transaction.isCertain && isCardAt(other, record)) letGo(charger, connected, other);
      }
      const live = liveOf({ ...record, progress: progressAfter(noProgress(), fact, now()) });
      connected.sessions.set(record.session.tag, live);
      if (live.session.isLimitOpen) void fixLimit(charger, live);
    },
    over: (charger, transactionId) => {
      const connected = chargers.get(charger);
      if (connected === undefined) return;
      if (!connected.isLoaded) connected.overBefore.add(transactionId);
      for (const live of connected.sessions.values()) {
        const isCards = live.session.card !== undefined;
        if (isCards && live.began?.transactionId === transactionId) letGo(charger, connected, live);
      }
    },
    connected: (charger, epoch) => {
      const [loaded, sessions] = [undefined, new Map<string, Live>()];
      chargers.set(charger, {
        epoch,
        sinceMs: now(),
        loaded,
        sessions,
        isLoaded: false,
        overBefore: new Set(),
        metersReadAtMs: new Map(),
        unread: new Map(),
      });
      sessionsOf(charger).catch((error) => log.debug({ err: error, chargerId: charger }, 'sessions not loaded yet'));
    },
    gone: (charger, epoch) => {
      if (chargers.get(charger)?.epoch === epoch) chargers.delete(charger);
    },
    close: () => clearInterval(timer),
  };
}

/** Whether a contract's session, and not a card's, has begun by the same transaction. */
function isOneWith({ session, began }: SessionRecord, other: SessionRecord): boolean {
  return session.card === undefined && began !== undefined && began.transactionId === other.began?.transactionId;
}

/** Whether a card's session is at the same connector. */
function isCardAt({ session }: SessionRecord, other: SessionRecord): boolean {
  return session.card !== undefined && session.connector === other.session.connector;
}

/** Whether a session that Redis has is not here yet, and has not come to its end meanwhile. */
function isNew({ sessions, overBefore }: Connected, record: SessionRecord): boolean {
  const { session, began } = record;
  if (sessions.has(session.tag)) return false;
  if (session.card === undefined || began === undefined) return true;
  return !overBefore.has(began.transactionId) && ![...sessions.values()].some((one) => isCardAt(one, record));
}

type Shown = Extract<ChargerFact, { kind: 'transaction-started' | 'transaction-updated' }>;

function isShown(fact: ChargerFact): fact is Shown {
  return fact.kind === 'transaction-started' || fact.kind === 'transaction-updated';
}

function isRefused({ outcome }: Shown): boolean {
  return outcome !== undefined && outcome !== 'Accepted';
}
