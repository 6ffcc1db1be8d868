import type { ChargerFact } from './charger-fact.ts';
import { readChargerTime } from './charger-time.ts';
import { isConnector, unusable } from './fact-reader.ts';
import { isObject, isWhole, type JsonObject, optionalText } from './json.ts';
import type { ReportPart } from './station-fact.ts';
import { optionalRequest } from './station-messages.ts';
import { variableOf20 } from './station-variables.ts';
import { variableText } from './variable-key.ts';

/** What chargers of OCPP 2.x tell of themselves, unasked or in parts of a report; see `StationFact`. */

const NO_PART = 'requestId or seqNo is no whole number';

export function readVariables(call: JsonObject, _result: JsonObject, receivedAtMs: number): ChargerFact {
  const report = partOf(call);
  if (report === undefined) return unusable(NO_PART);
  const variables = rowsOf(call.reportData).flatMap((row) =>
    rowsOf(row.variableAttribute).flatMap(({ type, value, mutability }) => {
      const variable = variableOf20(row, { attribute: type, value, mutability: mutability ?? 'ReadWrite' });
      return variable === undefined ? [] : [variable];
    }),
  );
  return { kind: 'variables', variables, report, reportedAt: readChargerTime(call.generatedAt, receivedAtMs) };
}

export function readMonitors(call: JsonObject, _result: JsonObject, receivedAtMs: number): ChargerFact {
  const report = partOf(call);
  if (report === undefined) return unusable(NO_PART);
  const monitors = rowsOf(call.monitor).flatMap((row) => {
    const key = variableText(row);
    return rowsOf(row.variableMonitoring).flatMap(({ id, type: monitor, value, severity }) => {
      const isMonitor = isWhole(id) && typeof monitor === 'string' && typeof value === 'number' && isWhole(severity);
      return key !== undefined && isMonitor ? [{ id, key, monitor, value, severity }] : [];
    });
  });
  return { kind: 'monitors', monitors, report, reportedAt: readChargerTime(call.generatedAt, receivedAtMs) };
}

export function readCustomerInformation(call: JsonObject, _result: JsonObject, receivedAtMs: number): ChargerFact {
  const report = partOf(call);
  if (report === undefined) return unusable(NO_PART);
  return { kind: 'customer-information', report, reportedAt: readChargerTime(call.generatedAt, receivedAtMs) };
}

export function readDisplayMessages(call: JsonObject): ChargerFact {
  const report = partOf({ seqNo: 0, ...call });
  if (report === undefined) return unusable('requestId is no whole number');
  const messages = rowsOf(call.messageInfo).flatMap(({ id, priority, state }) =>
    isWhole(id) && typeof priority === 'string' ? [{ id, priority, ...optionalText('state', state) }] : [],
  );
  return { kind: 'display-messages', messages, report };
}

export function readFirmwarePublication(call: JsonObject): ChargerFact {
  const { status } = call;
  if (typeof status !== 'string') return unusable('status is no text');
  return { kind: 'firmware-publication', status, ...optionalRequest(call) };
}

export function readReservationUpdate({ reservationId, reservationUpdateStatus: reason }: JsonObject): ChargerFact {
  if (!isWhole(reservationId)) return unusable('reservationId is no whole number');
  if (reason !== 'Expired' && reason !== 'Removed' && reason !== 'NoTransaction') {
    return unusable('reservationUpdateStatus is none of OCPP 2.x');
  }
  return { kind: 'reservation-ended', reservationId, reason };
}

export function readChargingLimit({ chargingLimit, evseId }: JsonObject): ChargerFact {
  return limitFact(isObject(chargingLimit) ? chargingLimit.chargingLimitSource : undefined, evseId, false);
}

export function readClearedLimit({ chargingLimitSource, evseId }: JsonObject): ChargerFact {
  return limitFact(chargingLimitSource, evseId, true);
}

function limitFact(source: unknown, connector: unknown = 0, isCleared: boolean): ChargerFact {
  if (typeof source !== 'string') return unusable('chargingLimitSource is no text');
  if (!isConnector(connector)) return unusable('evseId is no EVSE');
  return { kind: 'charging-limit', connector, source, isCleared };
}

export function readChargingProfiles(call: JsonObject): ChargerFact {
  const { evseId: connector, chargingLimitSource: source } = call;
  const report = partOf({ seqNo: 0, ...call });
  if (report === undefined) return unusable('requestId is no whole number');
  if (!isConnector(connector)) return unusable('evseId is no EVSE');
  if (typeof source !== 'string') return unusable('chargingLimitSource is no text');
  const profiles = rowsOf(call.chargingProfile).flatMap(
    ({ id, stackLevel, chargingProfilePurpose: purpose, chargingProfileKind: profileKind }) => {
      const isProfile = isWhole(id) && isWhole(stackLevel);
      const isNamed = typeof purpose === 'string' && typeof profileKind === 'string';
      return isProfile && isNamed ? [{ id, stackLevel, purpose, profileKind }] : [];
    },
  );
  return { kind: 'charging-profiles', connector, source, profiles, report };
}

/** The energy is the one that is asked for at AC, else at DC. */
export function readChargingNeeds({ evseId: connector, chargingNeeds }: JsonObject): ChargerFact {
  if (!isConnector(connector) || connector === 0) return unusable('evseId is no EVSE');
  const {
    requestedEnergyTransfer: transfer,
    acChargingParameters: ac,
    dcChargingParameters: dc,
  } = isObject(chargingNeeds) ? chargingNeeds : {};
  if (typeof transfer !== 'string') return unusable('requestedEnergyTransfer is no text');
  const wanted = isObject(ac) ? ac.energyAmount : isObject(dc) ? dc.energyAmount : undefined;
  const isEnergy = typeof wanted === 'number' && wanted >= 0 && wanted <= Number.MAX_SAFE_INTEGER;
  return { kind: 'charging-needs', connector, transfer, ...(isEnergy ? { energyWh: Math.floor(wanted) } : {}) };
}

function partOf({ requestId, seqNo, tbc }: JsonObject): ReportPart | undefined {
  return isWhole(requestId) && isWhole(seqNo) ? { requestId, part: seqNo, isLast: tbc !== true } : undefined;
}

function rowsOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
