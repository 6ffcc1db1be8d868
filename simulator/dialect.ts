import type { ChargerMessage, ConnectorStatus, ReplyFacts } from './charger-message.ts';
import type { ChargerControls } from './controls.ts';

/** What a charger says of itself when it boots. */
export interface ChargerModel {
  vendor: string;
  model: string;
  serialNumber: string;
  firmwareVersion: string;
}

/** What putting a message into words needs beside it. */
export interface Wording {
  model: ChargerModel;
  /** The CSMS's number for a transaction by the charger's own key; undefined if it gave none. */
  transactionIdOf: (key: string) => number | undefined;
  /** The key of the meter that signed, DER in base64, and how it signs. */
  meter: { publicKey: string; method: string } | undefined;
  /** A number that was not given before. */
  nextNumber: () => number;
}

/** One version of OCPP: how messages are put and commands are carried out. A new version is one more of these. */
export interface Dialect {
  /** WebSocket subprotocol. */
  subprotocol: string;
  /** What a status is called; a status that is called as the one before is not told again. */
  statusWord: (status: ConnectorStatus) => string;
  /** Whether the version has words for such a message. */
  tells: (message: ChargerMessage) => boolean;
  encode: (message: ChargerMessage, wording: Wording) => { action: string; payload: object };
  /** Reads the CSMS's answer; what is not of the expected form is left out. */
  readReply: (message: ChargerMessage, payload: unknown) => ReplyFacts;
  /**
   * Carries out a CALL of the CSMS.
   *
   * @returns the payload of the answer, or undefined if the action is not known
   */
  command: (action: string, payload: unknown, controls: ChargerControls) => object | undefined;
}
