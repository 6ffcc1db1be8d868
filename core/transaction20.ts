import type { ChargerFact, IdTagStatus, MeterSample, TransactionDetail } from './charger-fact.ts';
import { readChargerTime } from './charger-time.ts';
import { isConnector, unusable } from './fact-reader.ts';
import { isObject, type JsonObject } from './json.ts';
import { isAbsent, textIn, wholeIn } from './meant-value.ts';
import { readMeterValues20 } from './meter20.ts';
import { STATUS, type Status } from './status.ts';

/** OCPP 2.x `ChargingStateEnumType` as contracts see it. */
const STATE_OF_20: Readonly<Record<string, Status>> = {
  Charging: STATUS.Charging,
  EVConnected: STATUS.Occupied,
  SuspendedEV: STATUS.Suspended,
  SuspendedEVSE: STATUS.Suspended,
  Idle: STATUS.Occupied,
};

/** OCPP 2.x `ReasonEnumType` in the words of OCPP 1.6 `Reason`, and `EnergyLimit`; the others are the same or `Other`. */
const REASON_IN_16: Readonly<Record<string, string>> = {
  DeAuthorized: 'DeAuthorized',
  EmergencyStop: 'EmergencyStop',
  EnergyLimitReached: 'EnergyLimit',
  EVDisconnected: 'EVDisconnected',
  ImmediateReset: 'HardReset',
  Local: 'Local',
  LocalOutOfCredit: 'Local',
  MasterPass: 'Local',
  PowerLoss: 'PowerLoss',
  Reboot: 'Reboot',
  Remote: 'Remote',
};

const LONGEST_TRANSACTION_ID = 36;
const REGISTER = 'Energy.Active.Import.Register';

/**
 * What a TransactionEvent says.
 *
 * The registers at start and stop are those that the charger marks as such (`Transaction.Begin`, `Transaction.End`), of
 * the whole connector at its outlet; else the first of Started and the last of Ended.
 *
 * @param outcome - what its idToken was answered; undefined if it showed none
 * @see OCPP 2.0.1 part 2, block E
 */
export function readTransactionEvent(
  call: JsonObject,
  receivedAtMs: number,
  outcome: IdTagStatus | undefined,
): ChargerFact {
  const { eventType, triggerReason: trigger, offline, evse, timestamp } = call;
  const seqNo = wholeIn(call.seqNo);
  const reservationId = wholeIn(call.reservationId);
  const info = isObject(call.transactionInfo) ? call.transactionInfo : {};
  const { chargingState } = info;
  const transactionId = textIn(info.transactionId);
  const remoteStartId = wholeIn(info.remoteStartId);
  if (transactionId === undefined || transactionId === '' || transactionId.length > LONGEST_TRANSACTION_ID) {
    return unusable('transactionId is no text of 1 to 36 characters');
  }
  if (seqNo === undefined || seqNo < 0) return unusable('seqNo is no whole number');
  if (typeof trigger !== 'string') return unusable('triggerReason is no text');
  const evseId = isObject(evse) && !isAbsent(evse.id) ? evse.id : undefined;
  const connector = wholeIn(evseId) ?? evseId;
  if (connector !== undefined && (!isConnector(connector) || connector === 0)) return unusable('evse is no EVSE');
  const isState = typeof chargingState === 'string' && Object.hasOwn(STATE_OF_20, chargingState);
  const detail: TransactionDetail = {
    seqNo,
    trigger,
    isOffline: offline === true,
    ...(remoteStartId === undefined ? {} : { remoteStartId }),
    ...(isState ? { state: STATE_OF_20[chargingState] as Status, chargingState } : {}),
  };
  const at = readChargerTime(timestamp, receivedAtMs);
  const samples = readMeterValues20(call.meterValue, receivedAtMs);
  const place = connector === undefined ? {} : { connector };
  const reservation = reservationId === undefined ? {} : { reservationId };
  if (eventType === 'Started') {
    const meterStartWh = registerOf(samples, 'Transaction.Begin', 'first');
    const meter = meterStartWh === undefined ? {} : { meterStartWh };
    const head = { kind: 'transaction-started', ...place, transactionId, ...meter } as const;
    return { ...head, startedAt: at, outcome, ...reservation, samples, detail };
  }
  if (eventType === 'Updated') {
    const head = { kind: 'transaction-updated', ...place, transactionId, outcome } as const;
    return { ...head, ...reservation, samples, updatedAt: at, detail };
  }
  if (eventType !== 'Ended') return unusable('eventType is none of OCPP 2.x');
  const meterStopWh = registerOf(samples, 'Transaction.End', 'last');
  const meter = meterStopWh === undefined ? {} : { meterStopWh };
  const reason = reasonOf(info.stoppedReason);
  const shown = outcome === undefined ? {} : { outcome };
  const head = { kind: 'transaction-stopped', ...place, transactionId, ...shown, ...meter } as const;
  return { ...head, stoppedAt: at, reason, samples, detail };
}

function reasonOf(stopped: unknown): string {
  if (typeof stopped !== 'string') return 'Local';
  return Object.hasOwn(REASON_IN_16, stopped) ? (REASON_IN_16[stopped] as string) : 'Other';
}

/** The register with which a transaction began, as a message tells it: marked as such, or the first; and its time. */
export function beginRegister(samples: readonly MeterSample[]) {
  const register = registerIn(samples, 'Transaction.Begin', 'first');
  return register && { registerWh: register.reading.value, takenAt: register.takenAt };
}

/** The register of the whole connector that is marked with a context, or that stands at one end of the samples; Wh. */
function registerOf(samples: readonly MeterSample[], context: string, end: 'first' | 'last'): number | undefined {
  return registerIn(samples, context, end)?.reading.value;
}

function registerIn(samples: readonly MeterSample[], context: string, end: 'first' | 'last'): Register | undefined {
  const registers = samples.filter(isRegister);
  return registers.find((sample) => sample.context === context) ?? registers.at(end === 'first' ? 0 : -1);
}

type Register = MeterSample & { reading: { kind: 'value'; value: number } };

function isRegister(sample: MeterSample): sample is Register {
  const { measurand, location, phase, reading } = sample;
  return measurand === REGISTER && location === 'Outlet' && phase === undefined && reading.kind === 'value';
}
