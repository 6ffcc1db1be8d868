import type { ChargerEvent } from './charger-event.ts';
import { isObject, parseText } from './json.ts';
import { textIn } from './meant-value.ts';

/** The idTag or idToken that a transaction's message shows. */
export interface ShownTag {
  /** As the charger wrote it. */
  tag: string;
  /** Whether it stands for nobody: the charger lets everybody charge. */
  isFree: boolean;
}

/**
 * The idTag that a transaction began with, as the charger wrote it; undefined of any other event. It stands in no charger
 * fact: who needs it reads it out of the frame, and keeps a commitment or a hash of it at most.
 *
 * @see OCPP 1.6 §4.8 StartTransaction; OCPP 2.0.1 TransactionEventRequest
 */
export function startedTag(event: Pick<ChargerEvent, 'kind' | 'frame'>): string | undefined {
  return shownTag(event)?.tag;
}

/** The same, with whom it stands for. */
export function shownTag({ kind, frame }: Pick<ChargerEvent, 'kind' | 'frame'>): ShownTag | undefined {
  if (kind !== 'call') return undefined;
  let parts: unknown;
  try {
    parts = parseText(frame);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || !isObject(parts[3])) return undefined;
  const [, , action, payload] = parts;
  if (action === 'StartTransaction') return shown(payload.idTag, false);
  if (action !== 'TransactionEvent' || !isObject(payload.idToken)) return undefined;
  return shown(payload.idToken.idToken, isFree(payload.idToken));
}

/** Whether an idToken stands for nobody: charging begins by a button, without authorization (OCPP 2.0.1 C02). */
export function isFree(idToken: unknown): boolean {
  return isObject(idToken) && idToken.type === 'NoAuthorization';
}

function shown(value: unknown, isFree: boolean): ShownTag | undefined {
  const tag = textIn(value);
  return tag === undefined ? undefined : { tag, isFree };
}
