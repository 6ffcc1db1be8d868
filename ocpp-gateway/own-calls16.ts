import type { OwnCalls } from './dialect.ts';

/** What the gateway asks of a charger of its own accord in OCPP 1.6. */
export const OWN_CALLS_16: OwnCalls = {
  statusCall: (place) => trigger('StatusNotification', place?.connector),
  meterCall: (connector) => trigger('MeterValues', connector),
  stopCall: (transactionId) => ({ action: 'RemoteStopTransaction', payload: JSON.stringify({ transactionId }) }),
};

/** @see OCPP 1.6 §5.17 Trigger Message: without a connector all are told */
function trigger(requestedMessage: string, connectorId: number | undefined) {
  return { action: 'TriggerMessage', payload: JSON.stringify({ requestedMessage, connectorId }) };
}
