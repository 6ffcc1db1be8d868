import { type CardSessionDesk, makeCardSessionDesk } from './card-session-desk.ts';
import type { CardSessions } from './card-sessions.ts';
import { type ContractSessions, type ContractSessionsOptions, makeContractSessions } from './contract-sessions.ts';
import { type LiveSessions, type LiveSessionsOptions, makeLiveSessions } from './live-sessions.ts';
import { makeSessionCalls, type SessionCallsOptions } from './session-calls.ts';
import { makeSessionReading, type SessionReading } from './session-reading.ts';
import type { SessionStore } from './session-store.ts';

/** Sessions at the chargers that are connected here: who may begin those that contracts opened, and when all end. */
export interface SessionDesk
  extends ContractSessions,
    Pick<SessionReading, 'recorded'>,
    Pick<CardSessionDesk, 'cardBegan' | 'over'> {
  /** To be called when a charger's connection begins, and when it is gone. */
  connected: (charger: string, epoch: number) => void;
  gone: (charger: string, epoch: number) => void;
  close: () => void;
}

export interface SessionDeskOptions extends Omit<SessionCallsOptions, 'save'> {
  store: SessionStore;
  /** Whether another idTag was accepted in a transaction before. Rejects with what Redis says. */
  isOthers: ContractSessionsOptions['isOthers'];
  /** Whether a transaction's end is known. Rejects with what Redis says. */
  isOver: LiveSessionsOptions['isOver'];
  /** Undefined where sessions that cards opened go on until somebody ends them. */
  cards?: CardSessions;
}

/** A session is kept so long after it was opened: the contract's own deadline is after two days. */
export const SESSION_MEMORY_MS = 4 * 86_400_000;

const LOOK_MS = 1_000;

export function makeSessionDesk(options: SessionDeskOptions): SessionDesk {
  const { store, cards, dialectOf, isOthers, isOver, log, now } = options;
  const kept = { cards, memoryMs: SESSION_MEMORY_MS, log, now };
  const calls = makeSessionCalls({ ...options, save: (...progress) => live.save(...progress) });
  const live: LiveSessions = makeLiveSessions({ ...kept, store, calls, isOver });
  const contracts = makeContractSessions({ store, live, calls, dialectOf, isOthers, log, now });
  const byCard = makeCardSessionDesk({ ...kept, live });
  const reading = makeSessionReading({ live, calls, log });

  const timer = setInterval(() => {
    live.loadMissing();
    for (const [charger, connected] of live.chargers) {
      reading.readLeft(charger, connected);
      for (const session of connected.sessions.values()) {
        if (byCard.lookAfter(charger, connected, session)) calls.look(charger, connected.sinceMs, session);
      }
    }
  }, LOOK_MS);

  return {
    ...contracts,
    recorded: reading.recorded,
    cardBegan: byCard.cardBegan,
    over: byCard.over,
    connected: live.connected,
    gone: live.gone,
    close: () => clearInterval(timer),
  };
}
