import { isObject, isWhole, type JsonObject } from '../core/json.ts';
import type { Told, ToldStart, ToldStatus } from './told.ts';

/** What the gateway reads of messages of OCPP 2.x. */
export const TOLD_20: Told = {
  subjects: new Map([
    ['Authorize', 'card'],
    ['BootNotification', 'boot'],
    ['Heartbeat', 'heartbeat'],
    ['MeterValues', 'meter'],
    ['NotifyEvent', 'status'],
    ['StatusNotification', 'status'],
    ['TransactionEvent', 'transaction'],
  ]),
  startIn: (action, { eventType, transactionInfo, evse, timestamp, offline }) => {
    if (action !== 'TransactionEvent') return undefined;
    if (!isObject(transactionInfo) || typeof transactionInfo.transactionId !== 'string') return undefined;
    const { transactionId } = transactionInfo;
    const connector = isObject(evse) && isWhole(evse.id) ? evse.id : undefined;
    return { transactionId, connector, stage: stageOf(eventType), timestamp, isOffline: offline === true };
  },
  endIn: (_action, payload) => {
    const { eventType, transactionInfo } = isObject(payload) ? payload : {};
    if (eventType !== 'Ended') return undefined;
    return { transactionId: isObject(transactionInfo) ? transactionInfo.transactionId : undefined };
  },
  meterPlaceIn: ({ evseId }) => evseId,
  statusesIn: (action, payload) => {
    if (action === 'NotifyEvent') return availabilityIn(payload);
    const { evseId: connector, connectorId: part, connectorStatus: status } = payload;
    return action === 'StatusNotification' ? [{ connector, part, status }] : [];
  },
};

function stageOf(eventType: unknown): ToldStart['stage'] {
  if (eventType === 'Started') return 'begins';
  return eventType === 'Ended' ? 'ends' : 'goes-on';
}

/** @see OCPP 2.0.1 part 2, N07; OCPP 2.1 has `AvailabilityState` take the place of StatusNotification */
function availabilityIn({ eventData }: JsonObject): ToldStatus[] {
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
