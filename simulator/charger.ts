import { makeConfiguration } from './charger-configuration.ts';
import type { ChargerMessage, ReplyFacts } from './charger-message.ts';
import { type Clock, type Random, wallClock } from './clock.ts';
import { act, type Car, type Connector, type ConnectorAction, makeConnector, statusMessage } from './connector.ts';
import type { ChargerControls } from './controls.ts';
import { type Happening, startConversation, type Timings } from './conversation.ts';
import type { ChargerModel, Dialect } from './dialect.ts';
import { ocpp16 } from './ocpp16.ts';

export interface ChargerSettings {
  /** The CSMS's URL without the identity, `ws://…` or `wss://…`. */
  url: string;
  identity: string;
  /** AuthorizationKey, its bytes; undefined presents no credentials. */
  key: Uint8Array | undefined;
  /** How many connectors the charger has. */
  connectors: number;
  clock?: Clock;
  random?: Random;
  dialect?: Dialect;
  model?: Partial<ChargerModel>;
  timings?: Partial<Timings>;
  /** How often a running transaction's meter is reported, ms. */
  meterIntervalMs?: number;
  /** What the energy registers show at first, Wh. */
  meterStartWh?: number;
  watch?: (happening: Happening) => void;
}

/** A virtual charger. Its methods are what people, cars and mishaps do to it. */
export interface Charger {
  identity: string;
  connector: (number: number) => Connector;
  isOnline: () => boolean;
  plug: (connector: number, car: Car) => string | undefined;
  unplug: (connector: number) => string | undefined;
  /**
   * Presents a card: asks the CSMS, then starts where a car waits, or stops the transaction that this card began.
   *
   * @returns why nothing came of it
   */
  present: (connector: number, idTag: string) => Promise<string | undefined>;
  act: (connector: number, action: ConnectorAction) => string | undefined;
  powerCut: () => void;
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

/** Starts a charger: it connects, registers and stays until it is closed. */
export function startCharger(settings: ChargerSettings): Charger {
  const { clock = wallClock, random = Math.random, dialect = ocpp16, identity } = settings;
  const connectors = new Map<number, Connector>();
  for (let number = 1; number <= settings.connectors; number++) {
    connectors.set(number, makeConnector(number, settings.meterStartWh ?? 0, clock.nowMs()));
  }
  const transactionIds = new Map<string, number>();
  const configuration = makeConfiguration({
    meterIntervalSec: (settings.meterIntervalMs ?? 60_000) / 1000,
    connectors: settings.connectors,
  });
  let transactions = 0;

  const connector = (number: number): Connector => {
    const found = connectors.get(number);
    if (!found) throw new RangeError(`charger ${identity} has no connector ${number}`);
    return found;
  };

  function doTo(number: number, action: ConnectorAction): string | undefined {
    const step = act(connector(number), action, clock.nowMs());
    connectors.set(number, step.connector);
    for (const message of step.messages) conversation.say(message);
    return step.refused;
  }

  function start(number: number | undefined, idTag: string): string | undefined {
    const waiting = [...connectors.values()].find((c) => c.status === 'Preparing' && (number ?? c.number) === c.number);
    if (!waiting) return 'no car waits';
    return doTo(waiting.number, { kind: 'start', transaction: `${identity}/${++transactions}`, idTag });
  }

  function onReply(message: ChargerMessage, facts: ReplyFacts): void {
    if (message.kind === 'stop') transactionIds.delete(message.transaction);
    if (message.kind !== 'start') return;
    if (facts.transactionId !== undefined) transactionIds.set(message.transaction, facts.transactionId);
    const isRunning = connector(message.connector).transaction?.key === message.transaction;
    const isRefused = facts.authorization !== undefined && facts.authorization !== 'Accepted';
    if (isRunning && isRefused) doTo(message.connector, { kind: 'stop', reason: 'DeAuthorized' });
  }

  /** Connector 0 is the charger itself. */
  function greeting(): ChargerMessage[] {
    const nowMs = clock.nowMs();
    const all = [...connectors.values()];
    const status = all.every((each) => !each.isOperative) ? 'Unavailable' : 'Available';
    const own: ChargerMessage = { kind: 'status', connector: 0, status, errorCode: 'NoError', atMs: nowMs };
    return [own, ...all.map((each) => statusMessage(each, nowMs))];
  }

  const controls: ChargerControls = {
    connectors: () => [...connectors.keys()],
    act: doTo,
    start,
    connectorOfTransaction: (id) =>
      [...connectors.values()].find((each) => each.transaction && transactionIds.get(each.transaction.key) === id)
        ?.number,
    reset: (reason) => {
      for (const number of connectors.keys()) doTo(number, { kind: 'stop', reason });
      clock.after(0, conversation.reboot);
    },
    reportStatus: (number) => {
      for (const message of greeting()) {
        if (message.kind === 'status' && (number === 0 || message.connector === number)) conversation.say(message);
      }
    },
    reportMeter: (number) => {
      for (const each of connectors.keys()) if (number === 0 || each === number) doTo(each, { kind: 'meter' });
    },
    heartbeat: () => conversation.say({ kind: 'heartbeat' }),
    boot: () => conversation.say({ kind: 'boot', reason: 'PowerUp' }),
    configuration: configuration.list,
    configure: configuration.change,
  };

  const conversation = startConversation({
    link: {
      url: settings.url,
      identity,
      key: settings.key,
      command: (action, payload) => dialect.command(action, payload, controls),
    },
    dialect,
    model: { ...MODEL, ...settings.model },
    clock,
    random,
    timings: { ...TIMINGS, ...settings.timings },
    notify: settings.watch ?? (() => {}),
    transactionIdOf: (key) => transactionIds.get(key),
    onReply,
    greeting,
  });

  let cancelMeter = () => {};
  const armMeter = () => {
    cancelMeter = clock.after(configuration.meterIntervalMs(), () => {
      for (const number of connectors.keys()) doTo(number, { kind: 'meter' });
      armMeter();
    });
  };
  armMeter();

  return {
    identity,
    connector,
    isOnline: conversation.isOnline,
    plug: (number, car) => doTo(number, { kind: 'plug', car }),
    unplug: (number) => doTo(number, { kind: 'unplug' }),
    present: async (number, idTag) => {
      const running = connector(number).transaction;
      if (running) {
        if (running.idTag.toLowerCase() !== idTag.toLowerCase()) return 'another card began this transaction';
        return doTo(number, { kind: 'stop', reason: 'Local' });
      }
      if (connector(number).status !== 'Preparing') return 'no car waits';
      const facts = await conversation.ask({ kind: 'authorize', idTag });
      if (!facts) return 'nobody to ask about the card';
      return facts.authorization === 'Accepted' ? start(number, idTag) : `the card is ${facts.authorization}`;
    },
    act: doTo,
    powerCut: conversation.powerCut,
    settled: conversation.settled,
    close: async () => {
      cancelMeter();
      await conversation.close();
    },
  };
}
