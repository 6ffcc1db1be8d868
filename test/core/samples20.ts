import type { ChargerFact } from '../../core/charger-fact.ts';
import { deriveFacts } from '../../core/derive-facts.ts';
import type { OcppVersion } from '../../core/ocpp-version.ts';

export const RECEIVED_MS = Date.UTC(2026, 5, 15, 12, 0, 0);
export const TIME = '2026-06-15T12:00:00Z';
export const SOUND = { atSec: RECEIVED_MS / 1000, clock: 'sound' } as const;

/** What a CALL says that was answered with a CALLRESULT. */
export function factsOf(
  action: string,
  payload: unknown,
  result: unknown = {},
  version: OcppVersion | 'not told' = 'ocpp2.0.1',
  receivedAtMs = RECEIVED_MS,
): readonly ChargerFact[] {
  const frame = JSON.stringify([2, 'id', action, payload]);
  const reply = JSON.stringify([3, 'id', result]);
  return deriveFacts({ kind: 'call', receivedAtMs, frame, reply }, version === 'not told' ? undefined : version);
}

/** A register of the whole connector, Wh. */
export function register(value: number, context = 'Sample.Periodic') {
  return { value, context, measurand: 'Energy.Active.Import.Register', unitOfMeasure: { unit: 'Wh' } };
}

/** A TransactionEvent of transaction `tx-1` on EVSE 1; what is given replaces a field. */
export function transactionEvent(eventType: 'Started' | 'Updated' | 'Ended', seqNo: number, change: object = {}) {
  return {
    eventType,
    seqNo,
    timestamp: TIME,
    triggerReason: 'ChargingStateChanged',
    transactionInfo: { transactionId: 'tx-1' },
    ...change,
  };
}

/** A NotifyEvent with one datum for each of its parts. */
export function notifyEvent(...data: { component: object; variable: string; value: string; more?: object }[]) {
  const eventData = data.map(({ component, variable, value, more = {} }, eventId) => ({
    eventId,
    timestamp: TIME,
    trigger: 'Delta',
    actualValue: value,
    eventNotificationType: 'HardWiredNotification',
    component,
    variable: { name: variable },
    ...more,
  }));
  return { generatedAt: TIME, seqNo: 0, eventData };
}
