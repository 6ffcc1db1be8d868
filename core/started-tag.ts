import type { ChargerEvent } from './charger-event.ts';
import { isObject, parseText } from './json.ts';
import { textIn } from './meant-value.ts';

/**
 * The idTag that a transaction began with, as the charger wrote it; undefined of any other event. It stands in no charger
 * fact: who needs it reads it out of the frame, and keeps a commitment or a hash of it at most.
 *
 * @see OCPP 1.6 §4.8 StartTransaction; OCPP 2.0.1 TransactionEventRequest
 */
export function startedTag({ kind, frame }: Pick<ChargerEvent, 'kind' | 'frame'>): string | undefined {
  if (kind !== 'call') return undefined;
  let parts: unknown;
  try {
    parts = parseText(frame);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || !isObject(parts[3])) return undefined;
  const [, , action, payload] = parts;
  if (action === 'StartTransaction') return textIn(payload.idTag);
  if (action !== 'TransactionEvent' || !isObject(payload.idToken)) return undefined;
  return textIn(payload.idToken.idToken);
}
