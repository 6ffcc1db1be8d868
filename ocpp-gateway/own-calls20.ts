import type { OwnCalls } from './dialect.ts';

/** What the gateway asks of a charger of its own accord in OCPP 2.x. */
export const OWN_CALLS_20: OwnCalls = {
  statusCall: (place) => trigger('StatusNotification', place && { id: place.connector, connectorId: place.part }),
  meterCall: (connector) => trigger('MeterValues', { id: connector }),
  stopCall: (transactionId) => ({ action: 'RequestStopTransaction', payload: JSON.stringify({ transactionId }) }),
};

/** @see OCPP 2.0.1 F06: a status is asked for by EVSE and connector */
function trigger(requestedMessage: string, evse: { id: number; connectorId?: number } | undefined) {
  return { action: 'TriggerMessage', payload: JSON.stringify({ requestedMessage, evse }) };
}
