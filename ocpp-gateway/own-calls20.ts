import { isObject } from '../core/json.ts';
import type { Dialect, Payload, ToldStatus } from './dialect.ts';

/** What the gateway reads of statuses in OCPP 2.x, and asks of a charger of its own accord. */
export const OWN_CALLS_20: Pick<Dialect, 'statusesIn' | 'statusCall' | 'meterCall' | 'stopCall'> = {
  statusesIn: (action, payload) => {
    if (action === 'NotifyEvent') return availabilityIn(payload);
    const { evseId: connector, connectorId: part, connectorStatus: status } = payload;
    return action === 'StatusNotification' ? [{ connector, part, status }] : [];
  },
  statusCall: (place) => trigger('StatusNotification', place && { id: place.connector, connectorId: place.part }),
  meterCall: (connector) => trigger('MeterValues', { id: connector }),
  stopCall: (transactionId) => ({ action: 'RequestStopTransaction', payload: JSON.stringify({ transactionId }) }),
};

/** @see OCPP 2.0.1 F06: a status is asked for by EVSE and connector */
function trigger(requestedMessage: string, evse: { id: number; connectorId?: number } | undefined) {
  return { action: 'TriggerMessage', payload: JSON.stringify({ requestedMessage, evse }) };
}

/** @see OCPP 2.0.1 part 2, N07; OCPP 2.1 has `AvailabilityState` take the place of StatusNotification */
function availabilityIn({ eventData }: Payload): ToldStatus[] {
  if (!Array.isArray(eventData)) return [];
  return eventData.flatMap((event) => {
    const { component, variable, actualValue: status } = isObject(event) ? event : {};
    const isStatus = isObject(variable) && variable.name === 'AvailabilityState';
    if (!isStatus || !isObject(component)) return [];
    // What names no EVSE is the station.
    const { evse = { id: 0 } } = component;
    return isObject(evse) ? [{ connector: evse.id, part: evse.connectorId ?? 0, status }] : [];
  });
}
