import { computeAddress, hexlify } from 'ethers';
import type { DevsenError } from '../core/errors.ts';
import { idTagCommitment } from '../core/identity.ts';
import { OCPP_VERSIONS } from '../core/ocpp-version.ts';
import type { Logger } from '../runtime/log.ts';
import type { Running } from '../runtime/process.ts';
import type { Registry, RegistrySnapshot } from '../runtime/registry.ts';
import { openAdminServer } from './admin-server.ts';
import { makeAdmission } from './admission.ts';
import { openApprovedCommands } from './approved-commands.ts';
import type { CardBudgets } from './card-budgets.ts';
import { makeCertificateDesk } from './certificate-desk.ts';
import { openDirectories, openNetwork } from './chain-sources.ts';
import type { ChargerDirectory } from './charger-directory.ts';
import { makeCommandDesk } from './command-desk.ts';
import { makeCommandEntrance } from './command-entrance.ts';
import { openDoor } from './door.ts';
import { openEntrance } from './entrance.ts';
import { gaugesOf, type Health, healthOf } from './health.ts';
import type { IdTagDirectory } from './id-tag-directory.ts';
import type { ManagerDirectory } from './manager-directory.ts';
import { makeMetrics } from './metrics.ts';
import { makeNonceBook } from './nonce-book.ts';
import { openOcppServer } from './ocpp-rpc.ts';
import type { OperatorSets } from './operator-sets.ts';
import { type Outbox, startOutbox } from './outbox.ts';
import { OUTBOX_DEFAULTS, type OutboxOptions } from './outbox-options.ts';
import { type GatewayRedis, openGatewayRedis, openKeptTexts } from './redis.ts';
import { untilRedis } from './redis-start.ts';
import { keepRunningWork } from './running-work.ts';
import type { GatewaySettings } from './settings.ts';
import { speakAll, warmUp } from './spoken.ts';
import { openStations, type Stations } from './stations.ts';
import { makeTransactionIds } from './transaction-ids.ts';

export interface RunningGateway extends Running {
  /** Where chargers connect. */
  readonly port: number;
  readonly adminPort: number;
  health: () => Health;
  /** Identities of the chargers connected now. */
  chargers: () => string[];
  /** Has a charger carry out a command; undefined if it is not connected here. Whoever calls has checked it. */
  command: Stations['command'];
  /** Reads the TLS files again; chargers that connect from now on see what they hold. */
  reloadTls: () => void;
}

/** What stands in for the chain where it is not the subject. */
export interface GatewaySources {
  registry: Registry;
  chargers: ChargerDirectory;
  idTags: IdTagDirectory;
  managers: ManagerDirectory;
  operatorSets: OperatorSets;
  /** Without it cards charge as if their users could pay for all of it. */
  cardBudgets?: CardBudgets;
}

export interface GatewayOptions {
  /** Without it all is read from the chain. */
  sources?: GatewaySources;
  /** Called at an error after which nothing can be recorded any more; the process should end. */
  onFatal?: (error: DevsenError) => void;
  outbox?: Partial<OutboxOptions>;
  /** Ends the wait for a chain or a Redis that is away at the start. */
  signal?: AbortSignal;
  /** Compiles the checks of all messages at the start, for the better part of a second, not each when it is first needed. */
  isWarmedUp?: boolean;
  /** Unix ms. */
  now?: () => number;
  /** Uniform in [0, 1). */
  random?: () => number;
}

/** Beyond the time that commands take at another gateway, for the way there and back. */
const RELAY_MARGIN_MS = 5_000;

/** Managers whose charger was cut off at last are told so within this time. */
const LAST_WORDS_MS = 1_000;

/**
 * Runs a gateway: chargers in, charger events out.
 *
 * Health is served from the first moment; chargers are listened to once Redis and the chain were reached.
 *
 * @throws DevsenError `REDIS_UNAVAILABLE` or `CHAIN_UNAVAILABLE` if `signal` ended the wait, `SETTINGS_INVALID` if Redis
 *   would lose what it confirmed and that is to be refused; else what the operating system says about the ports
 */
export async function startGateway(
  settings: GatewaySettings & { GATEWAY_KEY: Uint8Array },
  log: Logger,
  options: GatewayOptions = {},
): Promise<RunningGateway> {
  const { now = Date.now, random = Math.random, signal = new AbortController().signal } = options;
  const signingKey = computeAddress(hexlify(settings.GATEWAY_KEY)).toLowerCase();
  let registry: Registry | undefined;
  let redis: GatewayRedis | undefined;
  let outbox: Outbox | undefined;
  let stations: Stations | undefined;
  const door = openDoor(settings, log, now);

  const parts = () => ({ registry, redis, outbox, stations, tls: door.tls });
  const isKnown = (snapshot: RegistrySnapshot) => isRegistered(snapshot, settings.GATEWAY_ACCOUNT, signingKey);
  /** While the chain does not know this gateway, operators only put off what it writes: it must not write or answer. */
  const readersOf = (snapshot: RegistrySnapshot) => (isKnown(snapshot) ? activeOperators(snapshot) : []);
  const health = () => healthOf(parts(), isKnown);
  const isReady = () => outbox?.isReady() === true && registry !== undefined && isKnown(registry.snapshot());

  const metrics = makeMetrics(gaugesOf(parts, health));

  /** What was opened, in the order in which it is closed. */
  const closers: (() => unknown)[] = [];
  const closeAll = async () => {
    for (const close of closers.splice(0)) await close();
  };

  try {
    closers.unshift(door.close);
    const admin = await openAdminServer({
      host: settings.GATEWAY_ADMIN_HOST,
      port: settings.GATEWAY_ADMIN_PORT,
      token: settings.GATEWAY_ADMIN_TOKEN,
      health,
      metrics,
      listChargers: (after, most) => stations?.list(after, most) ?? [],
    });
    closers.unshift(admin.close);

    const prefix = options.outbox?.prefix ?? OUTBOX_DEFAULTS.prefix;
    const network =
      options.sources === undefined
        ? await openNetwork(settings, openKeptTexts(settings.REDIS_URL, prefix), log, signal)
        : undefined;
    if (network !== undefined) closers.unshift(network.close);
    const known = options.sources?.registry ?? (network as NonNullable<typeof network>).registry;
    registry = known;

    const store = openGatewayRedis(settings.REDIS_URL, known.network, prefix, log);
    redis = store;
    closers.unshift(store.close);
    await untilRedis(store, settings.REDIS_DURABILITY, log, signal);
    const endChanged = (identity: string) => stations?.end(identity, 1008, 'credentials have changed');
    const { chargers, idTags, managers, operatorSets, cardBudgets }: Omit<GatewaySources, 'registry'> =
      options.sources ??
      (await openDirectories(network as NonNullable<typeof network>, store, settings, log, now, endChanged));

    const box = startOutbox(
      {
        redisUrl: settings.REDIS_URL,
        network: known.network,
        gateway: settings.GATEWAY_ACCOUNT,
        privateKey: settings.GATEWAY_KEY,
        operators: readersOf(known.snapshot()),
        onFatal: options.onFatal ?? throwOutside,
        // They connect again and are on record from their opening on.
        onLost: () => stations?.endAll(1012, 'the record begins anew'),
        nowMs: now,
        ...(options.outbox === undefined ? {} : { options: options.outbox }),
      },
      log,
    );
    outbox = box;
    closers.unshift(
      known.onChange((snapshot) => box.setOperators(readersOf(snapshot))),
      box.close,
    );

    const certificates = makeCertificateDesk({
      ca: door.ca,
      chargers,
      save: store.saveIssued,
      load: store.loadIssued,
      log,
      now,
    });
    const spoken = speakAll();
    if (options.isWarmedUp === true) closers.unshift(warmUp(spoken));
    const commitmentOf = (idTag: string) => idTagCommitment(idTag, settings.IDTAG_PEPPER);
    const approved = await openApprovedCommands({
      redisUrl: settings.REDIS_URL,
      prefix,
      registry: known,
      sets: operatorSets,
      versionOf: (charger) => stations?.versionOf(charger),
      spoken,
      commitmentOf,
      isReady,
      sessionIdleMs: settings.SESSION_IDLE_SEC * 1000,
      refusesConcurrent: settings.REFUSE_CONCURRENT_TX,
      budgets: cardBudgets,
      cardsMustPay: settings.CARDS_MUST_PAY,
      relayTimes: {
        timeoutMs: settings.CALL_TIMEOUT_MS * (settings.MAX_CALLS_WAITING + 1) + RELAY_MARGIN_MS,
        afterDeadlineMs: settings.CALL_TIMEOUT_MS + RELAY_MARGIN_MS,
      },
      metrics,
      log,
      now,
    });
    closers.unshift(approved.close);
    const house = openStations({
      ...approved.presence,
      tools: {
        outbox: box,
        spoken,
        verdict: idTags.verdict,
        sessions: approved.sessions,
        transactions: approved.transactions,
        ...(approved.cards === undefined ? {} : { cards: approved.cards }),
        certificates,
        transactionId: makeTransactionIds({
          idFor: store.transactionIdFor,
          isOver: approved.transactions.isOver,
          commitmentOf,
          now,
        }),
        isReady,
        metrics,
        heartbeatIntervalSec: settings.HEARTBEAT_INTERVAL_SEC,
        now,
      },
      log,
      limits: {
        maxCallsInFlight: settings.MAX_CALLS_IN_FLIGHT,
        maxMessagesPerSec: settings.MAX_MESSAGES_PER_SEC,
        maxBytesPerSec: settings.MAX_BYTES_PER_SEC,
        maxMessageBytes: settings.MAX_MESSAGE_BYTES,
        maxBadMessages: settings.MAX_BAD_MESSAGES,
        callTimeoutMs: settings.CALL_TIMEOUT_MS,
        maxCallsWaiting: settings.MAX_CALLS_WAITING,
        statusSettleMs: settings.STATUS_SETTLE_MS,
      },
      connectors: { load: store.loadConnectors, save: store.saveConnectors, isOut: store.isOut, setOut: store.setOut },
      random,
    });
    stations = house;
    const ocpp = openOcppServer({
      maxMessageBytes: settings.MAX_MESSAGE_BYTES,
      pingIntervalMs: settings.PING_INTERVAL_SEC * 1000,
      subprotocols: OCPP_VERSIONS,
      random,
      onCharger: house.add,
      onUpgradeFailed: () => metrics.refused('upgrade failed'),
    });
    closers.unshift(ocpp.close);
    const handleCommand = makeCommandDesk({
      network: known.network,
      chargers,
      managers,
      stations: house,
      forward: approved.relay.forward,
      spoken,
      useNonce: makeNonceBook(store.useNonce, now),
      isReady,
      onEnd: metrics.command,
      log,
      now,
    });
    const commandsRunning = keepRunningWork();
    approved.relay.serve(handleCommand, commandsRunning);
    if (door.admission.addressSource === 'none') {
      door.admission.limits.cameInBefore((await store.loadCredentials().catch(() => new Map<string, string>())).keys());
    }
    const entrance = await openEntrance({
      ...door.entrance,
      admit: makeAdmission({
        ...door.admission,
        chargers,
        isSuccessor: certificates.isSuccessor,
        nextEpoch: store.nextEpoch,
        isReady,
        hasRoom: (identity) => house.count() < settings.MAX_CONNECTIONS || house.has(identity),
        now,
      }),
      ocpp,
      onRequest: makeCommandEntrance({ ...door.commands, handle: handleCommand, running: commandsRunning }),
      onRefused: metrics.refused,
      log,
    });
    door.tls?.onChange(entrance.setSecureContext);
    closers.unshift(async () => {
      entrance.stop();
      const { DRAIN_TIMEOUT_MS: timeoutMs } = settings;
      await Promise.all([approved.stop(), house.drain(timeoutMs), commandsRunning.over(timeoutMs)]);
      await commandsRunning.over(LAST_WORDS_MS);
      await entrance.close();
    });
    approved.start(house);
    log.info({ port: entrance.port, adminPort: admin.port, network: known.network }, 'gateway is listening');

    let closing: Promise<void> | undefined;
    return {
      port: entrance.port,
      adminPort: admin.port,
      health,
      chargers: house.identities,
      command: house.command,
      reloadTls: () => door.tls?.reload(),
      close: () => {
        closing ??= closeAll();
        return closing;
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Whether the chain knows this gateway by this key: events of any other are refused by every operator. */
function isRegistered(snapshot: RegistrySnapshot, account: string, signingKey: string): boolean {
  return snapshot.gateways.some((gateway) => {
    return gateway.active && gateway.account === account && gateway.signingKey === signingKey;
  });
}

function activeOperators(snapshot: RegistrySnapshot): string[] {
  return snapshot.operators.filter((operator) => operator.active).map((operator) => operator.account);
}

function throwOutside(error: DevsenError): void {
  setImmediate(() => {
    throw error;
  });
}
