import { EMPTY_LIST, type KnownCard, keyOf, knownCard, type LocalList, updateList } from './authorisation.ts';
import { makeCertificates, type TlsIdentity } from './certificates.ts';
import {
  type BootReason,
  type ChargerMessage,
  isTransactionMessage,
  type MeterOccasion,
  type ReplyFacts,
} from './charger-message.ts';
import { type Clock, type Random, uuidFrom, wallClock } from './clock.ts';
import { act, type ConnectorAction } from './connector.ts';
import { type Car, type Connector, isSameCard, makeConnector, statusMessage } from './connector-state.ts';
import type { ChargerControls, RemoteStart } from './controls.ts';
import { type Happening, startConversation, type Timings } from './conversation.ts';
import type { ChargerModel, Dialect } from './dialect.ts';
import { makeErrands } from './errands.ts';
import { type FileTransfer, httpTransfer } from './file-transfer.ts';
import { makeLimitBook } from './limit-book.ts';
import { ocpp16 } from './ocpp16.ts';
import type { SignedMeter } from './signed-meter.ts';
import { makeStationSettings, passwordBytes } from './station-settings.ts';

export interface ChargerSettings {
  /** The CSMS's URL without the identity, `ws://…` or `wss://…`. */
  url: string;
  identity: string;
  /** AuthorizationKey, its bytes; undefined presents no credentials. */
  key: Uint8Array | undefined;
  /** How many connectors the charger has. */
  connectors: number;
  /** What it trusts and shows over TLS. */
  tls?: TlsIdentity;
  clock?: Clock;
  random?: Random;
  dialect?: Dialect;
  model?: Partial<ChargerModel>;
  timings?: Partial<Timings>;
  /** How often a running transaction's meter is reported, ms. */
  meterIntervalMs?: number;
  /** What the energy registers show at first, Wh. */
  meterStartWh?: number;
  /** Signs what the meters read. */
  signedMeter?: SignedMeter;
  files?: FileTransfer;
  watch?: (happening: Happening) => void;
}

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

const TIMINGS: Timings = {
  connectTimeoutMs: 10_000,
  answerTimeoutMs: 30_000,
  unansweredLimit: 2,
  retryMs: 10_000,
  attempts: 3,
  backoff: { firstMs: 1_000, longestMs: 30_000 },
};

const MODEL: ChargerModel = { vendor: 'DEVSEN', model: 'Virtual', serialNumber: 'V-0001', firmwareVersion: '0.1.0' };
/** Cards that a charger remembers. */
const MOST_CACHED = 1_000;
/** Lines of what happened that a log holds. */
const MOST_LOGGED = 1_000;

/** Starts a charger: it connects, registers and stays until it is closed. */
export function startCharger(settings: ChargerSettings): Charger {
  const { clock = wallClock, random = Math.random, dialect = ocpp16, identity, signedMeter } = settings;
  const timings = { ...TIMINGS, ...settings.timings };
  const connectors = new Map<number, Connector>();
  for (let number = 1; number <= settings.connectors; number++) {
    connectors.set(number, makeConnector(number, settings.meterStartWh ?? 0, clock.nowMs()));
  }
  const transactionIds = new Map<string, number>();
  const seqNos = new Map<string, number>();
  const told = new Map<number, string>();
  const reservationTimers = new Map<number, () => void>();
  const cache = new Map<string, KnownCard>();
  const log: string[] = [];
  let numbers = 0;
  let localList: LocalList = EMPTY_LIST;
  let model: ChargerModel = { ...MODEL, ...settings.model };
  let key = settings.key;
  let resetOnIdle: (() => void) | undefined;

  const certificates = makeCertificates({ commonName: identity, organisation: model.vendor }, settings.tls);
  const configuration = makeStationSettings(
    {
      connectors: settings.connectors,
      meterIntervalSec: (settings.meterIntervalMs ?? 60_000) / 1000,
      attempts: timings.attempts,
      retrySec: timings.retryMs / 1000,
      securityProfile: securityProfile(settings),
      organisation: model.vendor,
    },
    onSet,
  );

  const connector = (number: number): Connector => {
    const found = connectors.get(number);
    if (!found) throw new RangeError(`charger ${identity} has no connector ${number}`);
    return found;
  };
  const isIdle = () => [...connectors.values()].every(({ transaction }) => transaction === undefined);

  /** Gives a message what only the charger knows, and has it told if the version has words for it. */
  function say(message: ChargerMessage): void {
    if (!dialect.tells(message)) return;
    if (message.kind === 'status') {
      const word = `${dialect.statusWord(message.status)} ${message.errorCode}`;
      if (told.get(message.connector) === word) return;
      told.set(message.connector, word);
    }
    conversation.say(isTransactionMessage(message) ? numbered(message) : message);
  }

  function numbered<M extends Extract<ChargerMessage, { transaction: string }>>(message: M): M {
    const seqNo = seqNos.get(message.transaction) ?? 0;
    if (message.kind === 'stop') seqNos.delete(message.transaction);
    else seqNos.set(message.transaction, seqNo + 1);
    return { ...message, seqNo, isOffline: !conversation.isOnline() };
  }

  function doTo(number: number, action: ConnectorAction): string | undefined {
    const before = connector(number);
    const step = act(before, action, clock.nowMs());
    connectors.set(number, step.connector);
    for (const message of step.messages) for (const each of withSignature(message)) say(each);
    if (before.transaction?.key !== step.connector.transaction?.key)
      onTransactionChange(number, before.transaction?.key);
    return step.refused;
  }

  function withSignature(message: ChargerMessage): ChargerMessage[] {
    if (!signedMeter || (message.kind !== 'start' && message.kind !== 'stop')) return [message];
    const { transaction, registerWh, atMs, connector } = message;
    if (message.kind === 'stop') {
      const signed = signedMeter.end(transaction, registerWh, atMs);
      return [signed ? { ...message, signed } : message];
    }
    const signed = signedMeter.begin(transaction, registerWh, atMs);
    const reading = { registerWh, powerW: 0 };
    // for versions whose start message has no room for it
    return [
      { ...message, signed },
      { kind: 'meter', transaction, connector, reading, occasion: 'Begin', atMs, signed },
    ];
  }

  function onTransactionChange(at: number, ended: string | undefined): void {
    if (ended !== undefined) {
      limits.remove(({ purpose, connector }) => purpose === 'Tx' && connector === at);
    }
    limits.refresh();
    if (ended === undefined || !resetOnIdle || !isIdle()) return;
    const reset = resetOnIdle;
    resetOnIdle = undefined;
    reset();
  }

  const limits = makeLimitBook(
    clock,
    [...connectors.keys()],
    (number) => {
      const { transaction } = connectors.get(number) ?? {};
      return { connector: number, ...(transaction ? { transaction } : {}) };
    },
    (number, limitW) => doTo(number, { kind: 'limit', limitW }),
  );

  function start(order: RemoteStart): { transaction?: string; connector: number } | undefined {
    const { connector: asked, ...card } = order;
    const waiting = [...connectors.values()].find((c) => c.status === 'Preparing' && (asked ?? c.number) === c.number);
    if (!waiting || (waiting.reservation && !isSameCard(waiting.reservation, card))) return undefined;
    if (configuration.isOn('AuthorizeRemoteTxRequests')) {
      void authorise(card.idTag).then((known) => {
        if (known?.status === 'Accepted') begin(waiting.number, { ...card, ...groupOf(known) });
      });
      return { connector: waiting.number };
    }
    const transaction = begin(waiting.number, card);
    return typeof transaction === 'string' ? { transaction, connector: waiting.number } : undefined;
  }

  function begin(number: number, card: Omit<RemoteStart, 'connector'>): string | { refused: string } {
    const transaction = uuidFrom(random);
    const refused = doTo(number, { kind: 'start', transaction, ...card });
    return refused === undefined ? transaction : { refused };
  }

  /** What counts for a card now: the CSMS's word, or what is known here while it cannot be asked. */
  async function authorise(idTag: string): Promise<Pick<KnownCard, 'status' | 'group'> | undefined> {
    const known = () => {
      const nowMs = clock.nowMs();
      const listed = configuration.isOn('LocalAuthListEnabled') && knownCard(localList.cards, idTag, nowMs);
      const cached = configuration.isOn('AuthorizationCacheEnabled') && knownCard(cache, idTag, nowMs);
      return listed || cached || undefined;
    };
    if (configuration.isOn('LocalPreAuthorize') && known()?.status === 'Accepted') return known();
    const facts = await conversation.ask({ kind: 'authorize', idTag });
    if (facts) return { status: facts.authorization ?? 'Invalid', ...groupOf(facts) };
    if (!configuration.isOn('LocalAuthorizeOffline')) return undefined;
    return known() ?? (configuration.isOn('AllowOfflineTxForUnknownId') ? { status: 'Accepted' } : undefined);
  }

  function onReply(message: ChargerMessage, facts: ReplyFacts): void {
    if (message.kind === 'stop') transactionIds.delete(message.transaction);
    if (message.kind === 'authorize' || message.kind === 'start') remember(message.idTag, facts);
    if (message.kind === 'boot' && facts.intervalSec) setTo('HeartbeatInterval', String(facts.intervalSec));
    if (!isTransactionMessage(message) || message.kind === 'stop') return;
    if (facts.transactionId !== undefined) transactionIds.set(message.transaction, facts.transactionId);
    if (connector(message.connector).transaction?.key !== message.transaction) return;
    if (facts.energyLimitWh !== undefined) {
      doTo(message.connector, { kind: 'limitEnergy', energyLimitWh: facts.energyLimitWh });
    }
    const isRefused = facts.authorization !== undefined && facts.authorization !== 'Accepted';
    if (!isRefused) return;
    if (configuration.isOn('StopTransactionOnInvalidId')) {
      doTo(message.connector, { kind: 'stop', reason: 'DeAuthorized' });
    } else doTo(message.connector, { kind: 'pause', by: 'EVSE' });
  }

  function remember(idTag: string, { authorization, group, authorizedUntilMs }: ReplyFacts): void {
    if (authorization === undefined) return;
    cache.delete(keyOf(idTag));
    const untilMs = authorizedUntilMs === undefined ? {} : { untilMs: authorizedUntilMs };
    cache.set(keyOf(idTag), { idTag, status: authorization, ...groupOf({ group }), ...untilMs });
    const [oldest] = cache.keys();
    if (cache.size > MOST_CACHED && oldest !== undefined) cache.delete(oldest);
  }

  /** Connector 0 is the charger itself. */
  function statuses(number: number): ChargerMessage[] {
    const atMs = clock.nowMs();
    const all = [...connectors.values()];
    const status = all.every((each) => !each.isOperative) ? 'Unavailable' : 'Available';
    const own: ChargerMessage = { kind: 'status', connector: 0, status, errorCode: 'NoError', atMs };
    const every = [own, ...all.map((each) => statusMessage(each, atMs))];
    return every.filter(
      (each) => dialect.tells(each) && (number === 0 || (each.kind === 'status' && each.connector === number)),
    );
  }

  function onSet(name: string, value: string): void {
    if (name === 'AuthorizationKey') {
      key = passwordBytes(value);
      controls.reconnect();
    }
    if (name === 'MeterValueSampleInterval') armMeter();
    if (name === 'ClockAlignedDataInterval') armAligned();
  }

  function setTo(name: string, value: string): void {
    const found = configuration.find(name);
    if (found) found.value = value;
  }

  function reboot(reason: BootReason): void {
    told.clear();
    conversation.reboot(reason);
  }

  const errands = makeErrands({
    clock,
    files: settings.files ?? httpTransfer,
    say,
    logText: () => `${log.join('\n')}\n`,
    install: async (firmwareVersion) => {
      for (const number of connectors.keys()) doTo(number, { kind: 'stop', reason: 'Reboot' });
      model = { ...model, firmwareVersion };
      await conversation.settled();
      reboot('FirmwareUpdate');
    },
  });

  function cancelReservation(id: number, how: 'Expired' | 'Removed' | undefined): boolean {
    const held = [...connectors.values()].find(({ reservation }) => reservation?.id === id);
    reservationTimers.get(id)?.();
    reservationTimers.delete(id);
    if (!held) return false;
    doTo(held.number, { kind: 'unreserve' });
    if (how) say({ kind: 'reservationEnded', reservation: id, how });
    return true;
  }

  const controls: ChargerControls = {
    nowMs: clock.nowMs,
    identity,
    model: () => model,
    connectors: () => [...connectors.keys()],
    connector,
    act: doTo,
    start,
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
        for (const number of connectors.keys()) doTo(number, { kind: 'stop', reason });
        clock.after(0, () => reboot('RemoteReset'));
      };
      if (onIdle && !isIdle()) resetOnIdle = now;
      else now();
    },
    reportStatus: (number) => {
      for (const message of statuses(number)) conversation.say(message);
    },
    reportMeter: (number, occasion) => {
      for (const each of connectors.keys())
        if (number === 0 || each === number) doTo(each, { kind: 'meter', occasion });
    },
    reserve: (number, reservation) => {
      const { status } = connector(number);
      if (status === 'Faulted' || status === 'Unavailable') return status;
      const before = connector(number).reservation;
      if (before?.id !== reservation.id) cancelReservation(reservation.id, undefined);
      if (doTo(number, { kind: 'reserve', reservation }) !== undefined) return 'Occupied';
      reservationTimers.get(reservation.id)?.();
      const leftMs = Math.max(0, reservation.expiresAtMs - clock.nowMs());
      reservationTimers.set(
        reservation.id,
        clock.after(leftMs, () => cancelReservation(reservation.id, 'Expired')),
      );
      return 'Accepted';
    },
    cancelReservation: (id) => cancelReservation(id, undefined),
    say,
    settings: configuration,
    limits,
    certificates,
    errands,
    localList: () => localList,
    updateLocalList: (update) => {
      const next = updateList(localList, update);
      if (typeof next === 'string') return next;
      localList = next;
      return 'Accepted';
    },
    clearCache: () => cache.clear(),
    display: new Map(),
    reconnect: () => clock.after(0, () => conversation.reconnect()),
  };

  const notify = (happening: Happening) => {
    log.push(`${new Date(clock.nowMs()).toISOString()} ${logLine(happening)}`);
    if (log.length > MOST_LOGGED) log.shift();
    settings.watch?.(happening);
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
    notify,
    wording: () => ({
      model,
      transactionIdOf: (transaction) => transactionIds.get(transaction),
      meter: signedMeter,
      nextNumber: () => ++numbers,
    }),
    onReply,
    greeting: () => statuses(0),
  });

  let cancelMeter = () => {};
  let cancelAligned = () => {};
  const readAll = (occasion: MeterOccasion) => {
    for (const number of connectors.keys()) doTo(number, { kind: 'meter', occasion });
  };
  function armMeter(): void {
    cancelMeter();
    cancelMeter = clock.after(configuration.number('MeterValueSampleInterval') * 1000, () => {
      readAll('Periodic');
      armMeter();
    });
  }
  function armAligned(): void {
    cancelAligned();
    cancelAligned = () => {};
    const intervalMs = configuration.number('ClockAlignedDataInterval') * 1000;
    if (intervalMs === 0) return;
    const nowMs = clock.nowMs();
    cancelAligned = clock.after(intervalMs - (nowMs % intervalMs), () => {
      readAll('Clock');
      armAligned();
    });
  }
  armMeter();

  return {
    identity,
    connectors: controls.connectors,
    connector,
    isOnline: conversation.isOnline,
    waiting: () => conversation.queue().length,
    plug: (number, car) => doTo(number, { kind: 'plug', car }),
    unplug: (number) => doTo(number, { kind: 'unplug' }),
    present: async (number, idTag) => {
      const running = connector(number).transaction;
      if (running && isSameCard(running, { idTag })) return doTo(number, { kind: 'stop', reason: 'Local' });
      if (running && running.group === undefined) return 'another card began this transaction';
      if (!running && connector(number).status !== 'Preparing') return 'no car waits';
      const known = await authorise(idTag);
      if (!known) return 'nobody to ask about the card';
      if (known.status !== 'Accepted') return `the card is ${known.status}`;
      const card = { idTag, ...groupOf(known) };
      const now = connector(number).transaction;
      if (!now) {
        const begun = begin(number, card);
        return typeof begun === 'string' ? undefined : begun.refused;
      }
      return isSameCard(now, card)
        ? doTo(number, { kind: 'stop', reason: 'Local' })
        : 'another card began this transaction';
    },
    act: doTo,
    askForCertificate: () => say({ kind: 'signCertificate', csr: certificates.request() }),
    powerCut: conversation.powerCut,
    setOffline: conversation.setOffline,
    powerFailure: () => {
      for (const number of connectors.keys()) doTo(number, { kind: 'stop', reason: 'PowerLoss' });
      reboot('PowerUp');
    },
    settings: () =>
      configuration
        .all()
        .filter(({ access }) => access !== 'w')
        .map(({ key, component, variable, instance, value }) => {
          const later = `${component}.${variable}${instance === undefined ? '' : `[${instance}]`}`;
          return { name: key ?? later, value };
        }),
    settled: conversation.settled,
    close: async () => {
      cancelMeter();
      cancelAligned();
      limits.close();
      errands.close();
      for (const cancel of reservationTimers.values()) cancel();
      await conversation.close();
    },
  };
}

function groupOf({ group }: { group?: string | undefined }): { group?: string } {
  return group === undefined ? {} : { group };
}

/** OCPP's security profile that the settings amount to (OCPP 2.0.1 part 2 A01). */
function securityProfile({ url, tls, key }: ChargerSettings): number {
  if (url.startsWith('wss:')) return tls?.certificate === undefined ? 2 : 3;
  return key === undefined ? 0 : 1;
}

/** A line of the log: what happened, without what a message says. */
function logLine(happening: Happening): string {
  switch (happening.kind) {
    case 'refused':
      return `refused ${happening.status ?? happening.why}`;
    case 'disconnected':
      return `disconnected ${happening.code}`;
    case 'registered':
      return `registered ${happening.registration}`;
    case 'acknowledged':
    case 'unanswered':
      return `${happening.kind} ${happening.message.kind}`;
    case 'rejected':
      return `rejected ${happening.message.kind} ${happening.code}`;
    default:
      return happening.kind;
  }
}
