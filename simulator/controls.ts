import type { ConnectorAction } from './connector.ts';

/** What a CSMS's command may do to a charger. */
export interface ChargerControls {
  /** Numbers of the connectors, 1 … n. */
  connectors: () => number[];
  /** @returns why it was refused, or undefined if it was done */
  act: (connector: number, action: ConnectorAction) => string | undefined;
  /** Starts a transaction where a car waits; with no connector given, at the first such. */
  start: (connector: number | undefined, idTag: string) => string | undefined;
  /** The connector at which the CSMS's transaction runs. */
  connectorOfTransaction: (transactionId: number) => number | undefined;
  /** Takes effect after the command was answered. */
  reset: (reason: 'HardReset' | 'SoftReset') => void;
  /** Says again how a connector is, or all (0). */
  reportStatus: (connector: number) => void;
  reportMeter: (connector: number) => void;
  heartbeat: () => void;
  boot: () => void;
  /** Configuration keys with their values; a null value cannot be read. */
  configuration: () => { key: string; value: string; isReadonly: boolean }[];
  configure: (key: string, value: string) => 'Accepted' | 'Rejected' | 'NotSupported';
}
