import { AbiCoder } from 'ethers';
import type { MeterReading } from './meter-reading.ts';
import type { ChargerStatus, Status } from './status.ts';
import type { Uptime } from './uptime.ts';

/**
 * What a contract can ask about a charger. The number is `IOracleDEVSEN.Query`; the name is the adapter's endpoint and
 * the job spec's file name; the UUID is the spec's `externalJobID`, the same at every operator.
 */
export const QUERIES = [
  { name: 'charger-status', number: 1, externalJobId: '0de75e00-c4a9-4e57-8a70-000000000001' },
  { name: 'meter-reading', number: 2, externalJobId: '0de75e00-c4a9-4e57-8a70-000000000002' },
  { name: 'uptime', number: 3, externalJobId: '0de75e00-c4a9-4e57-8a70-000000000003' },
  { name: 'session-result', number: 4, externalJobId: '0de75e00-c4a9-4e57-8a70-000000000004' },
  { name: 'start-charge', number: 5, externalJobId: '0de75e00-c4a9-4e57-8a70-000000000005' },
  { name: 'stop-charge', number: 6, externalJobId: '0de75e00-c4a9-4e57-8a70-000000000006' },
  { name: 'get-configuration', number: 7, externalJobId: '0de75e00-c4a9-4e57-8a70-000000000007' },
  { name: 'set-configuration', number: 8, externalJobId: '0de75e00-c4a9-4e57-8a70-000000000008' },
  { name: 'command', number: 9, externalJobId: '0de75e00-c4a9-4e57-8a70-000000000009' },
] as const;

export type QueryName = (typeof QUERIES)[number]['name'];

/** A job's id as the chain carries it: the 32 ASCII hex digits of its UUID without dashes, as 0x-prefixed hex. */
export function specIdOf(externalJobId: string): string {
  return `0x${Buffer.from(externalJobId.replaceAll('-', ''), 'ascii').toString('hex')}`;
}

const abi = AbiCoder.defaultAbiCoder();

const CHARGER_STATUS_ANSWER = ['uint8', 'uint8', 'uint64', 'bool'];

/** Parameters of `charger-status` as the ledger carries them: `abi.encode(uint16 connector)`. */
export function encodeChargerStatusParams(connector: number): string {
  return abi.encode(['uint16'], [connector]);
}

/** `abi.encode(uint8 status, uint8 errorClass, uint64 observedAt, bool online)`, 0x-prefixed hex. */
export function encodeChargerStatus(answer: ChargerStatus): string {
  return abi.encode(CHARGER_STATUS_ANSWER, [answer.status, answer.errorClass, answer.observedAtSec, answer.online]);
}

/** The reverse of `encodeChargerStatus`; throws what ethers throws if the bytes are of another shape. */
export function decodeChargerStatus(answer: string): ChargerStatus {
  const [status, errorClass, observedAt, online] = abi.decode(CHARGER_STATUS_ANSWER, answer);
  return {
    status: Number(status) as Status,
    errorClass: Number(errorClass),
    observedAtSec: Number(observedAt),
    online: Boolean(online),
  };
}

/** Parameters of `meter-reading`: `abi.encode(uint16 connector)`. */
export function encodeMeterReadingParams(connector: number): string {
  return abi.encode(['uint16'], [connector]);
}

/** `abi.encode(uint64 registerWh, uint32 powerW, uint64 observedAt, bool signed)`, 0x-prefixed hex. */
export function encodeMeterReading({ registerWh, powerW, observedAtSec, isSigned }: MeterReading): string {
  return abi.encode(['uint64', 'uint32', 'uint64', 'bool'], [registerWh, powerW, observedAtSec, isSigned]);
}

/** Parameters of `uptime`: `abi.encode(uint64 from, uint64 to)`, Unix seconds; `to` does not count. */
export function encodeUptimeParams(fromSec: number, toSec: number): string {
  return abi.encode(['uint64', 'uint64'], [fromSec, toSec]);
}

/** `abi.encode(uint64 usable, uint64 excluded)`, seconds, 0x-prefixed hex. */
export function encodeUptime({ usableSec, excludedSec }: Uptime): string {
  return abi.encode(['uint64', 'uint64'], [usableSec, excludedSec]);
}
