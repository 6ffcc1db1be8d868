import type { ChargerMessage, ReplyFacts } from './charger-message.ts';
import type { ChargerControls } from './controls.ts';

/** What a charger says of itself when it boots. */
export interface ChargerModel {
  vendor: string;
  model: string;
  serialNumber: string;
  firmwareVersion: string;
}

/** One version of OCPP: how messages are put and commands are carried out. A new version is one more of these. */
export interface Dialect {
  /** WebSocket subprotocol. */
  subprotocol: string;
  /**
   * @param transactionIdOf - the CSMS's number for a transaction by the charger's own key; undefined if it gave none
   */
  encode: (
    message: ChargerMessage,
    model: ChargerModel,
    transactionIdOf: (key: string) => number | undefined,
  ) => { action: string; payload: unknown };
  /** Reads the CSMS's answer; what is not of the expected form is left out. */
  readReply: (message: ChargerMessage, payload: unknown) => ReplyFacts;
  /**
   * Carries out a CALL of the CSMS.
   *
   * @returns the payload of the answer, or undefined if the action is not known
   */
  command: (action: string, payload: unknown, controls: ChargerControls) => Promise<unknown> | unknown;
}
