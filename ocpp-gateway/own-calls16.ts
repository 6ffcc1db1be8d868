import type { Dialect } from './dialect.ts';

/** What the gateway reads of statuses in OCPP 1.6, and asks of a charger of its own accord. */
export const OWN_CALLS_16: Pick<Dialect, 'statusesIn' | 'statusCall' | 'meterCall' | 'stopCall'> = {
  statusesIn: (action, { connectorId: connector, status }) =>
    action === 'StatusNotification' ? [{ connector, part: 1, status }] : [],
  statusCall: (place) => trigger('StatusNotification', place?.connector),
  meterCall: (connector) => trigger('MeterValues', connector),
  stopCall: (transactionId) => ({ action: 'RemoteStopTransaction', payload: JSON.stringify({ transactionId }) }),
};

/** @see OCPP 1.6 §5.17 Trigger Message: without a connector all are told */
function trigger(requestedMessage: string, connectorId: number | undefined) {
  return { action: 'TriggerMessage', payload: JSON.stringify({ requestedMessage, connectorId }) };
}
