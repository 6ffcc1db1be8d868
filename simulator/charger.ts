import { makeCards } from './cards.ts';
import { makeCertificates } from './certificates.ts';
import {
  type BootReason,
  type ChargerMessage,
  isTransactionMessage,
  type MeterOccasion,
  type ReplyFacts,
  type StopReason,
} from './charger-message.ts';
import { type ChargerSettings, firstSettings, MODEL, TIMINGS } from './charger-settings.ts';
import { wallClock } from './clock.ts';
import { act, type ConnectorAction } from './connector.ts';
import { type Car, type Connector, isSameCard, makeConnector, statusMessage } from './connector-state.ts';
import type { ChargerControls } from './controls.ts';
import { startConversation } from './conversation.ts';
import { makeErrands } from './errands.ts';
import { httpTransfer } from './file-transfer.ts';
import { optional } from './json-fields.ts';
import { makeLimitBook } from './limit-book.ts';
import { startMeterClock } from './meter-clock.ts';
import { ocpp16 } from './ocpp16.ts';
import { makeReservations } from './reservations.ts';
import { makeStarts } from './starts.ts';
import { makeStationLog } from './station-log.ts';
import { makeStationSettings, passwordBytes } from './station-settings.ts';
import { makeTeller } from './teller.ts';

export type { ChargerSettings } from './charger-settings.ts';

/** A virtual charger. Its methods are what people, cars and mishaps do to it. */
export interface Charger {
  identity: string;
  /** Numbers of the connectors, 1 … n. */
  connectors: () => number[];
  connector: (number: number) => Connector;
  isOnline: () => boolean;
  /** Messages that wait to be told. */
  waiting: () => number;
  plug: (connector: number, car: Car) => string | undefined;
  unplug: (connector: number) => string | undefined;
  /**
   * Presents a card: asks the CSMS, then starts where a car waits, or stops the transaction that this card (or one of
   * its group) began. While nobody can be asked, what the charger knows of the card counts.
   *
   * @returns why nothing came of it
   */
  present: (connector: number, idTag: string) => Promise<string | undefined>;
  act: (connector: number, action: ConnectorAction) => string | undefined;
  /** Asks the CSMS to certify a new key; the certificate comes by itself. */
  askForCertificate: () => void;
  /** Loses its connection, and comes back. */
  powerCut: () => void;
  /** Stays away from its CSMS, or comes back. */
  setOffline: (isOffline: boolean) => void;
  /** Loses its power: transactions end, and it boots anew. */
  powerFailure: () => void;
  /** Every setting, with what it is now; the password is left out. */
  settings: () => { name: string; value: string }[];
  /** Settles when everything said so far is answered. */
  settled: () => Promise<void>;
  close: () => Promise<void>;
}

/** Starts a charger: it connects, registers and stays until it is closed. */
export function startCharger(settings: ChargerSettings): Charger {
  const { clock = wallClock, random = Math.random, dialect = ocpp16, identity, signedMeter } = settings;
  const timings = { ...TIMINGS, ...settings.timings };
  const connectors = new Map<number, Connector>();
  for (let number = 1; number <= settings.connectors; number++) {
    connectors.set(number, makeConnector(number, settings.meterStartWh ?? 0, clock.nowMs()));
  }
  const transactionIds = new Map<string, number>();
  let numbers = 0;
  let model = { ...MODEL, ...settings.model };
  let key = settings.key;
  let resetOnIdle: (() => void) | undefined;

  const connector = (number: number): Connector => {
    const found = connectors.get(number);
    if (!found) throw new RangeError(`charger ${identity} has no connector ${number}`);
    return found;
  };
  const isIdle = () => [...connectors.values()].every(({ transaction }) => transaction === undefined);

  const log = makeStationLog(clock.nowMs);
  const certificates = makeCertificates({ commonName: identity, organisation: model.vendor }, settings.tls);
  const configuration = makeStationSettings(firstSettings(settings, timings, model.vendor), (name, value) => {
    if (name === 'MeterValueSampleInterval' || name === 'ClockAlignedDataInterval') meters.rearm();
    if (name !== 'AuthorizationKey') return;
    key = passwordBytes(value);
    controls.reconnect();
  });
  const teller = makeTeller({
    dialect,
    signedMeter,
    isOnline: () => conversation.isOnline(),
    say: (message) => conversation.say(message),
  });
  const cards = makeCards(configuration, (message) => conversation.ask(message), clock.nowMs);
  const reservations = makeReservations({
    clock,
    connectors: () => connectors.values(),
    connector,
    act: doTo,
    say: teller.tell,
  });
  const starts = makeStarts({
    clock,
    random,
    configuration,
    cards,
    connectors: () => connectors.values(),
    connector,
    act: doTo,
    onGivenUp: (number) => dropLimits(number),
  });
  const limits = makeLimitBook(
    clock,
    [...connectors.keys()],
    (number) => ({ connector: number, ...optional('transaction', connectors.get(number)?.transaction) }),
    (number, limitW) => doTo(number, { kind: 'limit', limitW }),
  );
  const errands = makeErrands({
    clock,
    files: settings.files ?? httpTransfer,
    say: teller.tell,
    logText: log.text,
    install: async (firmwareVersion) => {
      stopAll('Reboot');
      model = { ...model, firmwareVersion };
      await conversation.settled();
      reboot('FirmwareUpdate');
    },
  });

  function doTo(number: number, action: ConnectorAction): string | undefined {
    const before = connector(number);
    const step = act(before, action, clock.nowMs());
    connectors.set(number, step.connector);
    for (const message of step.messages) teller.tell(message);
    if (before.transaction?.key !== step.connector.transaction?.key)
      onTransactionChange(number, before.transaction?.key);
    return step.refused;
  }

  function onTransactionChange(at: number, ended: string | undefined): void {
    if (ended !== undefined) dropLimits(at);
    limits.refresh();
    if (ended === undefined || !resetOnIdle || !isIdle()) return;
    const reset = resetOnIdle;
    resetOnIdle = undefined;
    reset();
  }

  /** Limits of a transaction that is over, or did not come. */
  function dropLimits(at: number): void {
    limits.remove(({ purpose, connector }) => purpose === 'Tx' && connector === at);
  }

  function stopAll(reason: StopReason): void {
    for (const number of connectors.keys()) doTo(number, { kind: 'stop', reason });
  }

  function reboot(reason: BootReason): void {
    teller.forgetStatuses();
    conversation.reboot(reason);
  }

  async function present(number: number, idTag: string): Promise<string | undefined> {
    const running = connector(number).transaction;
    if (running && isSameCard(running, { idTag })) return doTo(number, { kind: 'stop', reason: 'Local' });
    if (running && running.group === undefined) return 'another card began this transaction';
    if (!running && (connector(number).status !== 'Preparing' || connector(number).awaited)) return 'no car waits';
    const known = await cards.authorise(idTag);
    if (!known) return 'nobody to ask about the card';
    if (known.status !== 'Accepted') return `the card is ${known.status}`;
    const card = { idTag, ...optional('group', known.group) };
    const now = connector(number).transaction;
    if (now) {
      if (!isSameCard(now, card)) return 'another card began this transaction';
      return doTo(number, { kind: 'stop', reason: 'Local' });
    }
    const begun = starts.begin(number, card);
    return 'refused' in begun ? begun.refused : undefined;
  }

  function onReply(message: ChargerMessage, facts: ReplyFacts): void {
    if (message.kind === 'stop') transactionIds.delete(message.transaction);
    if (message.kind === 'authorize' || message.kind === 'start') cards.remember(message.idTag, facts);
    if (message.kind === 'boot' && facts.intervalSec) configuration.put('HeartbeatInterval', String(facts.intervalSec));
    if (!isTransactionMessage(message) || message.kind === 'stop') return;
    const { connector: number, transaction } = message;
    if (facts.transactionId !== undefined) transactionIds.set(transaction, facts.transactionId);
    if (connector(number).transaction?.key !== transaction) return;
    const { energyLimitWh, authorization } = facts;
    if (energyLimitWh !== undefined) doTo(number, { kind: 'limitEnergy', energyLimitWh });
    if (authorization === undefined || authorization === 'Accepted') return;
    if (configuration.isOn('StopTransactionOnInvalidId')) doTo(number, { kind: 'stop', reason: 'DeAuthorized' });
    else doTo(number, { kind: 'pause', by: 'EVSE' });
  }

  /** How a connector is, or all (0); connector 0 is the charger itself. */
  function statuses(number: number): ChargerMessage[] {
    const atMs = clock.nowMs();
    const all = [...connectors.values()];
    const status = all.every((each) => !each.isOperative) ? 'Unavailable' : 'Available';
    const own: ChargerMessage = { kind: 'status', connector: 0, status, errorCode: 'NoError', atMs };
    const asked =
      number === 0 ? [own, ...all.map((each) => statusMessage(each, atMs))] : [statusMessage(connector(number), atMs)];
    return asked.filter(dialect.tells);
  }

  function readMeters(number: number, occasion: MeterOccasion): void {
    for (const each of connectors.keys()) if (number === 0 || each === number) doTo(each, { kind: 'meter', occasion });
  }

  const controls: ChargerControls = {
    nowMs: clock.nowMs,
    identity,
    model: () => model,
    connectors: () => [...connectors.keys()],
    connector,
    act: doTo,
    start: starts.remote,
    connectorOfTransaction: (id) =>
      [...connectors.values()].find(
        ({ transaction }) => transaction && (transaction.key === id || transactionIds.get(transaction.key) === id),
      )?.number,
    hasToTell: (transaction) =>
      conversation
        .queue()
        .some((each) => isTransactionMessage(each) && (transaction ?? each.transaction) === each.transaction),
    reset: (reason, onIdle = false) => {
      const now = () => {
        stopAll(reason);
        clock.after(0, () => reboot('RemoteReset'));
      };
      if (onIdle && !isIdle()) resetOnIdle = now;
      else now();
    },
    reportStatus: (number) => {
      for (const message of statuses(number)) conversation.say(message);
    },
    reportMeter: readMeters,
    reserve: reservations.reserve,
    cancelReservation: reservations.cancel,
    say: teller.tell,
    settings: configuration,
    limits,
    certificates,
    errands,
    localList: cards.list,
    updateLocalList: cards.update,
    clearCache: cards.forgetAll,
    display: new Map(),
    reconnect: () => clock.after(0, () => conversation.reconnect()),
  };

  const conversation = startConversation({
    link: {
      url: settings.url,
      identity,
      credentials: () => ({ key, tls: certificates.tls() }),
      command: (action, payload) => dialect.command(action, payload, controls),
    },
    dialect,
    clock,
    random,
    timings: () => ({
      ...timings,
      attempts: configuration.number('TransactionMessageAttempts'),
      retryMs: configuration.number('TransactionMessageRetryInterval') * 1000,
    }),
    heartbeatMs: () => configuration.number('HeartbeatInterval') * 1000,
    notify: (happening) => {
      log.note(happening);
      settings.watch?.(happening);
    },
    wording: () => ({
      model,
      transactionIdOf: (transaction) => transactionIds.get(transaction),
      meter: signedMeter,
      nextNumber: () => ++numbers,
    }),
    onReply,
    greeting: () => statuses(0),
  });
  const meters = startMeterClock(clock, configuration, (occasion) => readMeters(0, occasion));

  return {
    identity,
    connectors: controls.connectors,
    connector,
    isOnline: conversation.isOnline,
    waiting: () => conversation.queue().length,
    plug: starts.plug,
    unplug: (number) => doTo(number, { kind: 'unplug' }),
    present,
    act: doTo,
    askForCertificate: () => teller.tell({ kind: 'signCertificate', csr: certificates.request() }),
    powerCut: conversation.powerCut,
    setOffline: conversation.setOffline,
    powerFailure: () => {
      stopAll('PowerLoss');
      reboot('PowerUp');
    },
    settings: configuration.shown,
    settled: conversation.settled,
    close: async () => {
      meters.close();
      limits.close();
      errands.close();
      reservations.close();
      starts.close();
      await conversation.close();
    },
  };
}
