import type { CarWait } from '../core/car-wait.ts';
import type { TransactionId } from '../core/charger-fact.ts';
import type { Logger } from '../runtime/log.ts';
import { type CardSessions, isCardAt, isOneWith } from './card-sessions.ts';
import type { MeterPace } from './meter-pace.ts';
import type { CalledSession, SessionCalls } from './session-calls.ts';
import type { Session, SessionRecord } from './session-rules.ts';
import type { SessionStore } from './session-store.ts';

/** A session at a charger that is connected here. */
export interface Live extends CalledSession {
  /** What its charger says over this connection of its wait for somebody to plug in. */
  wait: CarWait;
  /** A card's session: whether its limit is being asked for, and whether Redis has it. */
  isAsking?: boolean;
  isKept?: boolean;
}

/** A charger that is connected here. */
export interface Connected {
  readonly epoch: number;
  readonly sinceMs: number;
  /** By tag. */
  readonly sessions: Map<string, Live>;
  /** Settles when what Redis has is there; undefined if it did not give it. */
  loaded: Promise<Map<string, Live>> | undefined;
  /** Whether what Redis has is there, and the transactions that ended before. */
  isLoaded: boolean;
  readonly overBefore: Set<TransactionId>;
  /** Of its meter values; undefined until some are read. */
  pace?: MeterPace;
}

/** The sessions at the chargers that are connected here: loaded when a charger connects, kept in Redis, and forgotten. */
export interface LiveSessions {
  chargers: ReadonlyMap<string, Connected>;
  /** By tag, those at a charger; what Redis did not give before is asked for again. Rejects with what Redis says. */
  load: (charger: string) => Promise<Map<string, Live>>;
  /** Asks Redis for what it did not give when chargers connected. */
  loadMissing: () => void;
  /** A session for which nothing was asked or told yet over this connection. */
  begin: (record: SessionRecord) => Live;
  /** Keeps a session's progress. */
  save: (charger: string, live: CalledSession) => void;
  /** Its transaction is over. */
  end: (charger: string, live: Live) => void;
  /** A charger may stay connected for years: what a new connection would not load any more is let go of. Never rejects. */
  forgetOld: (charger: string, sessions: Map<string, Live>) => Promise<void>;
  connected: (charger: string, epoch: number) => void;
  gone: (charger: string, epoch: number) => void;
}

export interface LiveSessionsOptions {
  store: SessionStore;
  cards: CardSessions | undefined;
  calls: Pick<SessionCalls, 'begin'>;
  /** Whether a transaction's end is known. Rejects with what Redis says. */
  isOver: (charger: string, transactionId: TransactionId) => Promise<boolean>;
  /** A session is kept so long after it was opened, ms. */
  memoryMs: number;
  log: Logger;
  now: () => number;
}

/** What Redis did not give is asked for again of so many chargers at once. */
const MOST_LOADS = 200;

export function makeLiveSessions(options: LiveSessionsOptions): LiveSessions {
  const { store, cards, calls, isOver, memoryMs, log, now } = options;
  const chargers = new Map<string, Connected>();

  const begin: LiveSessions['begin'] = (record) => ({ ...record, wait: undefined, ...calls.begin() });

  const save: LiveSessions['save'] = (charger, live) => {
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

  const end: LiveSessions['end'] = (charger, live) => {
    live.progress = { ...live.progress, endedAtMs: now() };
    save(charger, live);
  };

  const recordsOf = async (charger: string): Promise<SessionRecord[]> => {
    const sinceMs = now() - memoryMs;
    if (cards === undefined) return store.load(charger, sinceMs);
    const [contracts, kept] = await Promise.all([store.load(charger, sinceMs), cards.kept(charger)]);
    const goingOn = await cards.goingOn(charger, kept, sinceMs);
    return [...contracts, ...goingOn.filter((record) => !contracts.some((one) => isOneWith(one, record)))];
  };

  const read = async (charger: string): Promise<Live[]> =>
    Promise.all(
      (await recordsOf(charger)).map(async (record) => {
        const live: Live = { ...begin(record), isKept: true };
        const { session, began, progress } = live;
        // A card's goes on, or it would not have been read.
        const goesOn = session.card === undefined && began !== undefined && progress.endedAtMs === undefined;
        // That it ended may have been told where this could not be kept.
        if (goesOn && (await isOver(charger, began.transactionId))) end(charger, live);
        return live;
      }),
    );

  const load: LiveSessions['load'] = (charger) => {
    const connected = chargers.get(charger);
    if (connected === undefined) return Promise.resolve(new Map());
    connected.loaded ??= read(charger).then(
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

  return {
    chargers,
    load,
    loadMissing: () => {
      let loading = 0;
      for (const [charger, { loaded }] of chargers) {
        if (loaded === undefined && loading++ < MOST_LOADS) load(charger).catch(() => undefined);
      }
    },
    begin,
    save,
    end,
    forgetOld: async (charger, sessions) => {
      const sinceMs = now() - memoryMs;
      const isOld = ({ card, openedAtMs }: Session) => card === undefined && openedAtMs < sinceMs;
      const old = [...sessions.values()].flatMap(({ session }) => (isOld(session) ? [session.tag] : []));
      for (const tag of old) sessions.delete(tag);
      await store.forget(charger, old).catch((error) => {
        log.debug({ err: error, chargerId: charger }, 'old sessions not taken from Redis yet');
      });
    },
    connected: (charger, epoch) => {
      chargers.set(charger, {
        epoch,
        sinceMs: now(),
        sessions: new Map(),
        loaded: undefined,
        isLoaded: false,
        overBefore: new Set(),
      });
      load(charger).catch((error) => log.debug({ err: error, chargerId: charger }, 'sessions not loaded yet'));
    },
    gone: (charger, epoch) => {
      if (chargers.get(charger)?.epoch === epoch) chargers.delete(charger);
    },
  };
}

/** Whether a session that Redis has is not here yet, and has not come to its end meanwhile. */
function isNew({ sessions, overBefore }: Connected, record: SessionRecord): boolean {
  const { session, began } = record;
  if (sessions.has(session.tag)) return false;
  if (session.card === undefined || began === undefined) return true;
  return !overBefore.has(began.transactionId) && ![...sessions.values()].some((one) => isCardAt(one, record));
}
