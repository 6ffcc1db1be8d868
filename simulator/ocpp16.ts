import type { ChargerMessage, ReplyFacts } from './charger-message.ts';
import { carryOut16 } from './commands16.ts';
import type { ChargerModel, Dialect } from './dialect.ts';

/** Stands for a transaction to which the CSMS gave no number (OCPP 1.6 errata 3.18). */
const NO_TRANSACTION_ID = -1;

/** OCPP 1.6J. */
export const ocpp16: Dialect = {
  subprotocol: 'ocpp1.6',
  encode: encode16,
  readReply: readReply16,
  command: carryOut16,
};

function encode16(message: ChargerMessage, model: ChargerModel, transactionIdOf: (key: string) => number | undefined) {
  switch (message.kind) {
    case 'boot':
      return {
        action: 'BootNotification',
        payload: {
          chargePointVendor: model.vendor,
          chargePointModel: model.model,
          chargePointSerialNumber: model.serialNumber,
          firmwareVersion: model.firmwareVersion,
        },
      };
    case 'heartbeat':
      return { action: 'Heartbeat', payload: {} };
    case 'status': {
      const { connector, status, errorCode } = message;
      const payload = { connectorId: connector, errorCode, status, timestamp: time(message.atMs) };
      return { action: 'StatusNotification', payload };
    }
    case 'authorize':
      return { action: 'Authorize', payload: { idTag: message.idTag } };
    case 'start': {
      const { connector, idTag, registerWh } = message;
      const payload = { connectorId: connector, idTag, meterStart: registerWh, timestamp: time(message.atMs) };
      return { action: 'StartTransaction', payload };
    }
    case 'meter': {
      const transactionId = transactionIdOf(message.transaction) ?? NO_TRANSACTION_ID;
      const meterValue = [{ timestamp: time(message.atMs), sampledValue: sampledValues(message.reading) }];
      return { action: 'MeterValues', payload: { connectorId: message.connector, transactionId, meterValue } };
    }
    case 'stop': {
      const transactionId = transactionIdOf(message.transaction) ?? NO_TRANSACTION_ID;
      const { idTag, registerWh, reason } = message;
      const payload = { transactionId, idTag, meterStop: registerWh, timestamp: time(message.atMs), reason };
      return { action: 'StopTransaction', payload };
    }
  }
}

function sampledValues(reading: { registerWh: number; powerW: number }) {
  const common = { context: 'Sample.Periodic', location: 'Outlet' };
  return [
    { value: String(reading.registerWh), measurand: 'Energy.Active.Import.Register', unit: 'Wh', ...common },
    { value: String(reading.powerW), measurand: 'Power.Active.Import', unit: 'W', ...common },
  ];
}

function readReply16(message: ChargerMessage, payload: unknown): ReplyFacts {
  const fields = asFields(payload);
  const facts: ReplyFacts = {};
  if (message.kind === 'boot') {
    const { status, interval } = fields;
    if (status === 'Accepted' || status === 'Pending' || status === 'Rejected') facts.registration = status;
    if (typeof interval === 'number') facts.intervalSec = interval;
  }
  const { status } = asFields(fields.idTagInfo);
  if (typeof status === 'string') facts.authorization = status;
  if (message.kind === 'start' && Number.isInteger(fields.transactionId)) {
    facts.transactionId = fields.transactionId as number;
  }
  return facts;
}

/** The members of a JSON object; none if it is something else. */
export function asFields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function time(atMs: number): string {
  return new Date(atMs).toISOString();
}
