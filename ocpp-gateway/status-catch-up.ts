import { isObject, isWhole } from '../core/json.ts';
import type { Logger } from '../runtime/log.ts';
import type { Command, CommandEnd } from './charger-calls.ts';
import type { Dialect } from './dialect.ts';
import type { StatusPlace, ToldStatus } from './told.ts';

/** Asks a charger for the statuses that it has not told by itself since it connected. */
export interface StatusCatchUp {
  /** To be called with each CALL of the charger that is on record, but for those that break their schema. */
  reported: (action: string, payload: unknown) => void;
  close: () => void;
}

/** What chargers are known to be made of, from earlier connections, too. */
export interface ConnectorMemory {
  /**
   * What connectors a charger has, in order: for each EVSE of OCPP 2.x how many, in 1.6 one for each connector; undefined
   * if it never told.
   */
  load: (charger: string) => Promise<readonly number[] | undefined>;
  save: (charger: string, parts: readonly number[]) => Promise<void>;
  /** Whether a charger as a whole cannot be used, by what it told last. */
  isOut: (charger: string) => Promise<boolean>;
  setOut: (charger: string, isOut: boolean) => Promise<void>;
}

export interface StatusCatchUpOptions {
  charger: string;
  dialect: Pick<Dialect, 'statusesIn' | 'statusCall'>;
  /** How long the charger has to tell by itself, ms; 0: it is never asked. */
  settleMs: number;
  memory: ConnectorMemory;
  command: (command: Command) => Promise<CommandEnd>;
  log: Logger;
  now: () => number;
}

/** A charger of more connectors than that is asked for all of them at once. */
const MOST_CONNECTORS = 64;
/** No EVSE is believed to have more. */
const MOST_PARTS = 16;
const DEADLINE_MS = 120_000;

/**
 * A charger that lost its connection and not its power comes back without a BootNotification and need not tell any
 * status, though one may have changed meanwhile and its message been lost. So each connector that has told nothing for a
 * while after the connection opened is asked for it. So is the charger as a whole where that was last told to be out of
 * use, which goes for all its connectors until it tells otherwise. No message asks for that alone: it is asked for all.
 *
 * @see OCPP 1.6 §4.2, §5.17 Trigger Message; OCPP 2.0.1 F06, which has each connector of an EVSE asked for by itself
 */
export function makeStatusCatchUp(options: StatusCatchUpOptions): StatusCatchUp {
  const { charger, dialect, settleMs, memory, command, log, now } = options;
  /** Places that were told: an EVSE (1.6: a connector) and a part of it, 0 for it as a whole. */
  const told = new Map<string, StatusPlace>();
  /** Undefined until the charger told its status as a whole. */
  let isOut: boolean | undefined;
  let isClosed = false;

  const ask = async (place?: StatusPlace): Promise<boolean> => {
    const end = await command({ ...dialect.statusCall(place), deadlineMs: now() + DEADLINE_MS });
    return end.kind === 'result';
  };

  const catchUp = async () => {
    const known = (await memory.load(charger)) ?? [];
    const parts = widened(known, [...told.values()]);
    if (parts.join() !== known.join()) await memory.save(charger, parts);
    const isStationDue = isOut === undefined && (await memory.isOut(charger));
    const isUnknown = parts.length === 0 || parts.length > MOST_CONNECTORS;
    if (isStationDue || (isUnknown && told.size === 0)) await ask();
    if (isUnknown) return;
    for (const place of placesOf(parts)) {
      if (isClosed) return;
      if (told.has(keyOf(place)) || told.has(keyOf({ ...place, part: 0 }))) continue;
      // One that does not know the message, or is silent, is left alone.
      if (!(await ask(place))) return;
    }
  };

  const timer =
    settleMs === 0
      ? undefined
      : setTimeout(() => {
          catchUp().catch((error) => log.warn({ err: error }, 'statuses not asked for'));
        }, settleMs);

  return {
    reported: (action, payload) => {
      const statuses = isObject(payload) ? dialect.statusesIn(action, payload) : [];
      const isOutNow = isStationOut(statuses) ?? isOut;
      if (isOutNow !== undefined && isOutNow !== isOut) {
        isOut = isOutNow;
        memory.setOut(charger, isOut).catch((error) => log.warn({ err: error }, 'status of the charger not kept'));
      }
      for (const place of statuses.flatMap(placeOf)) {
        if (told.size < 2 * MOST_CONNECTORS) told.set(keyOf(place), place);
      }
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

const keyOf = ({ connector, part }: StatusPlace) => `${connector}/${part}`;

const INOPERATIVE: ReadonlySet<unknown> = new Set(['Unavailable', 'Faulted']);

/** Whether the whole station cannot be used; undefined if its status is not among those. */
function isStationOut(statuses: readonly ToldStatus[]): boolean | undefined {
  const status = statuses.findLast(({ connector }) => connector === 0)?.status;
  return status === undefined ? undefined : INOPERATIVE.has(status);
}

/** None if it is the whole station's. */
function placeOf({ connector, part }: ToldStatus): StatusPlace[] {
  const isPlace = isWhole(connector) && connector > 0 && isWhole(part) && part >= 0 && part <= MOST_PARTS;
  return isPlace ? [{ connector, part }] : [];
}

/** What connectors there are after some more were told of; at most one more than are asked for one by one. */
function widened(known: readonly number[], told: readonly StatusPlace[]): number[] {
  const highest = Math.min(Math.max(known.length, ...told.map(({ connector }) => connector)), MOST_CONNECTORS + 1);
  return Array.from({ length: highest }, (_, n) => {
    const parts = told.filter(({ connector }) => connector === n + 1).map(({ part }) => part);
    return Math.max(known[n] ?? 1, ...parts);
  });
}

function placesOf(parts: readonly number[]): StatusPlace[] {
  return parts.flatMap((count, n) => Array.from({ length: count }, (_, k) => ({ connector: n + 1, part: k + 1 })));
}
