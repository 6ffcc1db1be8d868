import type { ListEntry, LocalList } from './authorisation.ts';
import type { Certificates } from './certificates.ts';
import type { ChargerMessage, MeterOccasion } from './charger-message.ts';
import type { ConnectorAction } from './connector.ts';
import type { Card, Connector, Reservation } from './connector-state.ts';
import type { ChargerModel } from './dialect.ts';
import type { Errands } from './errands.ts';
import type { LimitBook } from './limit-book.ts';
import type { StationSettings } from './station-settings.ts';

/** A transaction that a CSMS wants to have started. */
export interface RemoteStart extends Card {
  connector?: number;
  remoteStartId?: number;
}

/** What a CSMS's command may do to a charger. */
export interface ChargerControls {
  nowMs: () => number;
  identity: string;
  model: () => ChargerModel;
  /** Numbers of the connectors, 1 … n. */
  connectors: () => number[];
  connector: (number: number) => Connector;
  /** @returns why it was refused, or undefined if it was done */
  act: (connector: number, action: ConnectorAction) => string | undefined;
  /** Starts a transaction where a car waits; with no connector given, at the first such. */
  start: (order: RemoteStart) => { transaction?: string; connector: number } | undefined;
  /** The connector at which a transaction runs, by the CSMS's number or by the charger's key. */
  connectorOfTransaction: (id: number | string) => number | undefined;
  /** Whether there is something to tell yet, of one transaction or any. */
  hasToTell: (transaction?: string) => boolean;
  /** Takes effect after the command was answered; with `onIdle` when the last transaction has ended. */
  reset: (reason: 'HardReset' | 'SoftReset', onIdle?: boolean) => void;
  /** Says again how a connector is, or all (0). */
  reportStatus: (connector: number) => void;
  reportMeter: (connector: number, occasion: MeterOccasion) => void;
  /** @returns whether the connector is free for it */
  reserve: (connector: number, reservation: Reservation) => 'Accepted' | 'Faulted' | 'Occupied' | 'Unavailable';
  cancelReservation: (id: number) => boolean;
  /** Puts a message into the queue; it goes out after the command was answered. */
  say: (message: ChargerMessage) => void;
  settings: StationSettings;
  limits: LimitBook;
  certificates: Certificates;
  errands: Errands;
  localList: () => LocalList;
  updateLocalList: (update: { version: number; isFull: boolean; entries: readonly ListEntry[] }) => string;
  clearCache: () => void;
  /** Messages for drivers, by their ids. */
  display: Map<number, object>;
  /** Connects anew, with the credentials that are now. */
  reconnect: () => void;
}

/** What a charger does on one action of the CSMS, and its answer. The payload is of an object's form; no more is sure. */
export type CommandRule = (payload: Record<string, unknown>, controls: ChargerControls) => object;
