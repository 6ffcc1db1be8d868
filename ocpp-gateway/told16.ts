import { isObject, isWhole } from '../core/json.ts';
import type { Told } from './told.ts';

/** What the gateway reads of messages of OCPP 1.6. */
export const TOLD_16: Told = {
  subjects: new Map([
    ['Authorize', 'card'],
    ['BootNotification', 'boot'],
    ['Heartbeat', 'heartbeat'],
    ['MeterValues', 'meter'],
    ['StartTransaction', 'transaction'],
    ['StatusNotification', 'status'],
    ['StopTransaction', 'transaction'],
  ]),
  startIn: (action, { connectorId, meterStart, timestamp }, transactionId) => {
    if (action !== 'StartTransaction' || transactionId === undefined) return undefined;
    const connector = isWhole(connectorId) ? connectorId : undefined;
    const startWh = isWhole(meterStart) && meterStart >= 0 ? { startWh: meterStart } : {};
    return { transactionId, connector, ...startWh, stage: 'begins', timestamp, isOffline: false };
  },
  endIn: (action, payload) =>
    action === 'StopTransaction' ? { transactionId: isObject(payload) ? payload.transactionId : undefined } : undefined,
  meterPlaceIn: ({ connectorId }) => connectorId,
  statusesIn: (action, { connectorId: connector, status }) =>
    action === 'StatusNotification' ? [{ connector, part: 1, status }] : [],
};
