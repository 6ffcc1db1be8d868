import { isObject, isWhole } from '../core/json.ts';
import type { Logger } from '../runtime/log.ts';
import type { Command, CommandEnd } from './charger-calls.ts';

/** Asks a charger for the statuses that it has not told by itself since it connected. */
export interface StatusCatchUp {
  /** A StatusNotification came. */
  reported: (payload: unknown) => void;
  close: () => void;
}

/** How many connectors (EVSEs in OCPP 2.x) a charger is known to have; undefined if it never told. */
export interface ConnectorMemory {
  load: (charger: string) => Promise<number | undefined>;
  save: (charger: string, connectors: number) => Promise<void>;
}

export interface StatusCatchUpOptions {
  charger: string;
  subprotocol: string;
  /** How long the charger has to tell by itself, ms; 0: it is never asked. */
  settleMs: number;
  memory: ConnectorMemory;
  command: (command: Command) => Promise<CommandEnd>;
  log: Logger;
  now: () => number;
}

/** A charger of more connectors than that is asked for all of them at once. */
const MOST_CONNECTORS = 64;
const DEADLINE_MS = 120_000;

/**
 * A charger that lost its connection and not its power comes back without a BootNotification and need not tell any
 * status, though one may have changed meanwhile and its message been lost. So each connector that has told nothing for a
 * while after the connection opened is asked for it.
 *
 * @see OCPP 1.6 §4.2, §5.17 Trigger Message; OCPP 2.0.1 F06
 */
export function makeStatusCatchUp(options: StatusCatchUpOptions): StatusCatchUp {
  const { charger, subprotocol, settleMs, memory, command, log, now } = options;
  const told = new Set<number>();
  let isClosed = false;

  const ask = async (connector: number | undefined): Promise<boolean> => {
    const payload = JSON.stringify(statusTrigger(subprotocol, connector));
    const end = await command({ action: 'TriggerMessage', payload, deadlineMs: now() + DEADLINE_MS });
    return end.kind === 'result';
  };

  const catchUp = async () => {
    const known = await memory.load(charger);
    const highest = Math.max(known ?? 0, ...told);
    if (highest > (known ?? 0)) await memory.save(charger, highest);
    if (highest === 0 || highest > MOST_CONNECTORS) {
      if (told.size === 0) await ask(undefined);
      return;
    }
    for (let connector = 1; connector <= highest && !isClosed; connector++) {
      // One that does not know the message, or is silent, is left alone.
      if (!told.has(connector) && !(await ask(connector))) return;
    }
  };

  const timer =
    settleMs === 0
      ? undefined
      : setTimeout(() => {
          catchUp().catch((error) => log.warn({ err: error }, 'statuses not asked for'));
        }, settleMs);

  return {
    reported: (payload) => {
      const { evseId, connectorId } = isObject(payload) ? payload : {};
      const connector = evseId ?? connectorId;
      if (isWhole(connector) && connector > 0 && told.size < 2 * MOST_CONNECTORS) told.add(connector);
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** The payload of TriggerMessage that asks for one connector's (or EVSE's) status, or for all. */
function statusTrigger(subprotocol: string, connector: number | undefined): object {
  const requestedMessage = 'StatusNotification';
  if (connector === undefined) return { requestedMessage };
  return subprotocol === 'ocpp1.6'
    ? { requestedMessage, connectorId: connector }
    : { requestedMessage, evse: { id: connector, connectorId: 1 } };
}
