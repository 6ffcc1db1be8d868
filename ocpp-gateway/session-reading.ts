import { carWaitAfter } from '../core/car-wait.ts';
import type { ChargerFact } from '../core/charger-fact.ts';
import { startedTag } from '../core/started-tag.ts';
import type { Logger } from '../runtime/log.ts';
import type { Connected, Live, LiveSessions } from './live-sessions.ts';
import { type MeterSeries, makeMeterPace } from './meter-pace.ts';
import type { RecordedMessage } from './recorded-message.ts';
import type { SessionCalls } from './session-calls.ts';
import { isAbout, isFollowed, isToldByStatus, type Progress, progressAfter } from './session-rules.ts';
import { isBilled, type Subject } from './told.ts';

/** Reads out of what chargers tell how their sessions go on. */
export interface SessionReading {
  /**
   * To be called with each CALL of a charger that is on record and from which more follows.
   *
   * @param series - from `meterSeries`, of meter values
   */
  recorded: (
    charger: string,
    subject: Subject | undefined,
    message: RecordedMessage,
    series: MeterSeries | undefined,
  ) => void;
  /** Reads the meter values that were left for later. */
  readLeft: (charger: string, connected: Connected) => void;
}

export interface SessionReadingOptions {
  live: LiveSessions;
  calls: Pick<SessionCalls, 'ended' | 'endRefused' | 'look' | 'meterTold'>;
  log: Logger;
}

/** Growing energy is put into Redis so often. */
const SAVE_AFTER_MS = 30_000;

export function makeSessionReading({ live: sessionsHere, calls, log }: SessionReadingOptions): SessionReading {
  const goOn = (charger: string, { sinceMs }: Connected, live: Live, fact: ChargerFact, atMs: number) => {
    const before = live.progress;
    live.progress = progressAfter(before, fact, atMs);
    if (live.progress.readAtMs === atMs) calls.meterTold(live);
    if (isToBeKept(live, before, atMs)) sessionsHere.save(charger, live);
    calls.look(charger, sinceMs, live);
  };

  const takeIn = (charger: string, connected: Connected, message: RecordedMessage) => {
    const { atMs, facts } = message;
    const isItsTag = ({ session }: Live) => startedTag(message)?.toUpperCase() === session.tag;
    for (const fact of facts) {
      for (const live of connected.sessions.values()) {
        // A status has told its part of the wait when it was heard.
        if (live.began === undefined && fact.kind !== 'status')
          live.wait = carWaitAfter(live.wait, fact, live.session.connector);
        if (fact.kind === 'transaction-stopped') calls.ended(charger, live, fact.transactionId);
        if (isAbout(fact, live)) {
          goOn(charger, connected, live, fact, atMs);
        } else if (isFollowed(fact, live) && live.progress.endedAtMs === undefined) {
          sessionsHere.end(charger, live);
        } else if (isShown(fact) && isRefused(fact) && isItsTag(live)) {
          calls.endRefused(charger, live, fact.transactionId);
        }
      }
    }
  };

  const readLeft: SessionReading['readLeft'] = (charger, connected) => {
    for (const message of connected.pace?.takeLeft() ?? []) takeIn(charger, connected, message);
  };

  const take = (
    charger: string,
    connected: Connected,
    subject: Subject | undefined,
    message: RecordedMessage,
    series: MeterSeries | undefined,
  ) => {
    const { sessions } = connected;
    if (subject === 'status' ? ![...sessions.values()].some(isToldByStatus) : sessions.size === 0) return;
    if (series !== undefined) {
      connected.pace ??= makeMeterPace((of) => readAtMs(connected, of));
      if (connected.pace.isLeft(series, message)) return;
    } else if (connected.pace !== undefined) {
      // What meter values told before its end says nothing any more.
      for (const fact of message.facts) {
        if (fact.kind === 'transaction-stopped') connected.pace.drop(fact.transactionId);
      }
    }
    readLeft(charger, connected);
    takeIn(charger, connected, message);
  };

  return {
    readLeft,
    recorded: (charger, subject, message, series) => {
      if (subject !== 'status' && !isBilled(subject)) return;
      const connected = sessionsHere.chargers.get(charger);
      if (connected === undefined) return;
      if (connected.isLoaded) take(charger, connected, subject, message, series);
      else {
        sessionsHere
          .load(charger)
          .then(
            () => take(charger, connected, subject, message, series),
            () => undefined,
          )
          .catch((error) =>
            log.error({ err: error, chargerId: charger, subject }, 'message of a session not taken in'),
          );
      }
    },
  };
}

/** When a register was told last of a transaction that is a session's, Unix ms. */
function readAtMs({ sessions }: Connected, { transactionId }: MeterSeries): number | undefined {
  for (const { began, progress } of sessions.values()) {
    if (began?.transactionId === transactionId) return progress.readAtMs;
  }
  return undefined;
}

/** Whether a session's progress is to be put into Redis now. */
function isToBeKept({ session, began, progress, savedAtMs }: Live, before: Progress, atMs: number): boolean {
  const { endedAtMs, idleSinceMs } = progress;
  const isTurn = endedAtMs !== before.endedAtMs || (idleSinceMs === undefined) !== (before.idleSinceMs === undefined);
  const isNews = before.readAtMs === undefined || isTurn;
  // What is known of a card's transaction says where it began, and that it is over.
  const isCards = session.card !== undefined;
  const isKnown = isCards && (endedAtMs !== undefined || (!isTurn && began?.startWh !== undefined));
  return (isNews && !isKnown) || (endedAtMs === undefined && atMs - savedAtMs >= SAVE_AFTER_MS);
}

type Shown = Extract<ChargerFact, { kind: 'transaction-started' | 'transaction-updated' }>;

function isShown(fact: ChargerFact): fact is Shown {
  return fact.kind === 'transaction-started' || fact.kind === 'transaction-updated';
}

function isRefused({ outcome }: Shown): boolean {
  return outcome !== undefined && outcome !== 'Accepted';
}
