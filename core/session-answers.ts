import { AbiCoder, keccak256 } from 'ethers';

const abi = AbiCoder.defaultAbiCoder();

/**
 * Verdicts, reasons and stops, as `contracts/libraries/Answers.sol` has them: every answer about a session or a command
 * begins with a verdict and a reason, and 'I cannot know' is an answer that operators can agree on.
 */
export const VERDICTS = ['None', 'Done', 'Refused', 'Running', 'CannotKnow', 'Unusable'] as const;
export type Verdict = (typeof VERDICTS)[number];

export const REASONS = [
  'None',
  'Offline',
  'NoReply',
  'NoRecord',
  'Rejected',
  'NotSupported',
  'NotPluggedIn',
  'MeterUnusable',
  'Contradiction',
] as const;
export type Reason = (typeof REASONS)[number];

/** Why a session ended: OCPP 1.6 §7.36 `Reason`, then those that OCPP has no name for. */
export const STOPS = [
  'None',
  'DeAuthorized',
  'EmergencyStop',
  'EVDisconnected',
  'HardReset',
  'Local',
  'Other',
  'PowerLoss',
  'Reboot',
  'Remote',
  'SoftReset',
  'UnlockCommand',
  'EnergyLimit',
  'Idle',
] as const;
export type Stop = (typeof STOPS)[number];

/** The answer to `start-charge`. */
export interface StartAnswer {
  verdict: Verdict;
  reason: Reason;
  /** OCPP 1.6: the transaction's number as 32 bytes; 2.x: keccak256 of its id; all zero if there is none. 0x-hex. */
  transaction: string;
  meterStartWh: bigint;
  /** Unix seconds; 0 if it did not start. */
  startedAtSec: number;
}

/** The answer to `session-result` and `stop-charge`. */
export interface SessionAnswer {
  verdict: Verdict;
  reason: Reason;
  stop: Stop;
  connector: number;
  energyWh: bigint;
  startedAtSec: number;
  /** Unix seconds; 0 if it has not ended. */
  endedAtSec: number;
  /** Seconds plugged in without charging, between start and end. */
  idleSec: number;
  /** Commitment of the RFID card that opened it, 0x-hex of 32 bytes; all zero if a contract did. */
  idTag: string;
  /** Hash of the charger events this rests on, 0x-hex of 32 bytes. */
  evidence: string;
}

const START_ANSWER = ['uint8', 'uint8', 'bytes32', 'uint64', 'uint40'];
const SESSION_ANSWER = [
  'uint8',
  'uint8',
  'uint8',
  'uint16',
  'uint64',
  'uint40',
  'uint40',
  'uint32',
  'bytes32',
  'bytes32',
];

/**
 * Parameters of `start-charge`: `abi.encode(uint16 connector, uint64 energyLimitWh)`. The session's id is the request's.
 *
 * @param energyLimitWh - energy at which the charger is stopped, Wh
 */
export function encodeStartParams(connector: number, energyLimitWh: bigint): string {
  return abi.encode(['uint16', 'uint64'], [connector, energyLimitWh]);
}

/** Parameters of `session-result` and `stop-charge`: `abi.encode(bytes32 sessionId)`. */
export function encodeSessionParams(sessionId: string): string {
  return abi.encode(['bytes32'], [sessionId]);
}

/** `Answers.Started`, ABI-encoded, 0x-prefixed hex. */
export function encodeStartAnswer(answer: StartAnswer): string {
  const { transaction, meterStartWh, startedAtSec } = answer;
  return abi.encode(START_ANSWER, [...verdictOf(answer), transaction, meterStartWh, startedAtSec]);
}

/** `Answers.Result`, ABI-encoded, 0x-prefixed hex. */
export function encodeSessionAnswer(answer: SessionAnswer): string {
  const { stop, connector, energyWh, startedAtSec, endedAtSec, idleSec, idTag, evidence } = answer;
  return abi.encode(SESSION_ANSWER, [
    ...verdictOf(answer),
    STOPS.indexOf(stop),
    connector,
    energyWh,
    startedAtSec,
    endedAtSec,
    idleSec,
    idTag,
    evidence,
  ]);
}

/** The answer to `get-configuration`: the values in the order of the keys asked for, empty where there is none. */
export function encodeConfigurationAnswer(answer: { verdict: Verdict; reason: Reason; values: string[] }): string {
  return abi.encode(['uint8', 'uint8', 'string[]'], [...verdictOf(answer), answer.values]);
}

/** The answer to `set-configuration`. */
export function encodeReply(answer: { verdict: Verdict; reason: Reason }): string {
  return abi.encode(['uint8', 'uint8'], verdictOf(answer));
}

/**
 * The answer to `command`.
 *
 * @param answer.replyHash - keccak256 of the charger's reply as it stood in its frame, 0x-hex of 32 bytes
 */
export function encodeCommandAnswer(answer: { verdict: Verdict; reason: Reason; replyHash: string }): string {
  return abi.encode(['uint8', 'uint8', 'bytes32'], [...verdictOf(answer), answer.replyHash]);
}

/**
 * Id of a session that an RFID card opened, from the charger event with which it began.
 *
 * @param deviceId - keccak256 of the charger's identity, 0x-hex
 */
export function cardSessionId(deviceId: string, epoch: bigint, seq: bigint): string {
  // As `abi.encode` has it, which takes far longer: gateways make one for each transaction of a card.
  return keccak256(`${deviceId}${word(epoch)}${word(seq)}`);
}

/** A whole number as 32 bytes, hex. */
function word(value: bigint): string {
  return value.toString(16).padStart(64, '0');
}

function verdictOf({ verdict, reason }: { verdict: Verdict; reason: Reason }): [number, number] {
  return [VERDICTS.indexOf(verdict), REASONS.indexOf(reason)];
}
