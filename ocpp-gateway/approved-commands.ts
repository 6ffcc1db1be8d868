import { decodeSessionParams } from '../core/request-approval.ts';
import type { Logger } from '../runtime/log.ts';
import type { Registry } from '../runtime/registry.ts';
import { type ApprovalDeskOptions, makeApprovalDesk } from './approval-desk.ts';
import { readApprovals } from './approval-queue.ts';
import { makeApprovalStore } from './approval-store.ts';
import type { CardBudgets } from './card-budgets.ts';
import { type CardDesk, makeCardDesk } from './card-desk.ts';
import { MARK_VALID_MS } from './card-marks.ts';
import { makeCardSessions } from './card-sessions.ts';
import { type CommandRelay, type CommandRelayOptions, makeCommandRelay } from './command-relay.ts';
import { openGatewayWire } from './gateway-wire.ts';
import { openHolders } from './holders.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { OperatorSets } from './operator-sets.ts';
import { connectRedis } from './redis.ts';
import { makeSessionDesk, SESSION_MEMORY_MS, type SessionDesk } from './session-desk.ts';
import { makeSessionStore } from './session-store.ts';
import type { AllSpoken } from './spoken.ts';
import type { StationHouse } from './station.ts';
import type { Stations } from './stations.ts';
import { makeTransactionBook, TRANSACTIONS_KEPT_MS, type TransactionBook } from './transaction-book.ts';
import { makeTransactionStore } from './transaction-store.ts';

export interface ApprovedCommandsOptions {
  redisUrl: string;
  prefix: string;
  registry: Registry;
  sets: OperatorSets;
  versionOf: ApprovalDeskOptions['versionOf'];
  spoken: AllSpoken;
  /** The network's commitment of an idTag. */
  commitmentOf: (idTag: string) => string;
  /** Whether what a charger answers can be kept and passed on now. */
  isReady: () => boolean;
  /** A session is ended after so long without energy, ms; 0 if none is. */
  sessionIdleMs: number;
  /** Whether a card is to begin one transaction at a time. */
  refusesConcurrent: boolean;
  /** What cards can pay for; undefined where that is not known. */
  budgets: CardBudgets | undefined;
  /** Whether cards are refused whose user can pay for nothing. */
  cardsMustPay: boolean;
  /** How long a command that is passed on to another gateway may take, in all and after its deadline, ms. */
  relayTimes: Pick<CommandRelayOptions, 'timeoutMs' | 'afterDeadlineMs'>;
  metrics: Pick<GatewayMetrics, 'approval' | 'command' | 'transactionGap'>;
  log: Logger;
  now: () => number;
}

/** What binds this gateway to the others of its network, and to what operators approve. */
export interface ApprovedCommands {
  /** Whom the stations tell of their connections. */
  presence: Pick<StationHouse, 'onConnected' | 'onGone'>;
  /** Managers' commands to chargers that are connected elsewhere. */
  relay: CommandRelay;
  /** What operators have approved to begin. */
  sessions: Pick<SessionDesk, 'verdict' | 'heard' | 'recorded'>;
  /** What goes on at the chargers of the network, and by whose card. */
  transactions: Pick<TransactionBook, 'recorded' | 'isConcurrent' | 'isOver'>;
  cards: CardDesk | undefined;
  /** Begins to take approvals; to be called once chargers can be reached. */
  start: (stations: Stations) => void;
  /** Takes no more approvals; settles when those under way are left to others or are over. */
  stop: () => Promise<void>;
  close: () => Promise<void>;
}

export async function openApprovedCommands(options: ApprovedCommandsOptions): Promise<ApprovedCommands> {
  const { redisUrl, prefix, registry, sets, versionOf, spoken, budgets, isReady, metrics, log, now } = options;
  const { network } = registry;
  const dialectOf = (charger: string) => {
    const version = versionOf(charger);
    return version && spoken[version].dialect;
  };
  const redis = connectRedis(redisUrl, 'devsen-gateway-commands', log);
  const leave = async () => {
    await redis.quit().catch(() => redis.disconnect());
  };
  let stations: Stations | undefined;
  let queue: ReturnType<typeof readApprovals> | undefined;
  try {
    await untilReady(redis);
    const wire = await openGatewayWire(redis, network, prefix, log);
    const holders = openHolders({ redis, wire, network, prefix, stations: () => stations, log });
    const transactionStore = makeTransactionStore(redis, network, prefix, TRANSACTIONS_KEPT_MS, 2 * MARK_VALID_MS);
    const transactions: TransactionBook = makeTransactionBook({
      store: transactionStore,
      commitmentOf: options.commitmentOf,
      dialectOf,
      isHeld: holders.isHeld,
      refusesConcurrent: options.refusesConcurrent,
      onCard: (...began) => sessions.cardBegan(...began),
      onOver: (...over) => sessions.over(...over),
      onGap: metrics.transactionGap,
      log,
      now,
    });
    const cardSessions = makeCardSessions({
      store: transactionStore,
      openByCard: transactions.openByCard,
      budgets,
      mustPay: options.cardsMustPay,
    });
    const hasEnds = budgets !== undefined || options.sessionIdleMs > 0;
    const sessions: SessionDesk = makeSessionDesk({
      store: makeSessionStore(redis, network, prefix, SESSION_MEMORY_MS),
      stations: () => stations,
      dialectOf,
      isOthers: transactions.isOthers,
      isOver: transactions.isOver,
      ...(hasEnds ? { cards: cardSessions } : {}),
      idleMs: options.sessionIdleMs,
      onEnd: metrics.command,
      log,
      now,
    });
    return {
      presence: {
        onConnected: (identity, epoch) => {
          holders.connected(identity, epoch);
          transactions.connected(identity, epoch);
          sessions.connected(identity, epoch);
        },
        onGone: (identity, epoch) => {
          holders.gone(identity, epoch);
          transactions.gone(identity, epoch);
          sessions.gone(identity, epoch);
        },
      },
      sessions,
      transactions,
      cards:
        budgets &&
        makeCardDesk({
          budgets,
          dialectOf,
          mustPay: options.cardsMustPay,
          commitmentOf: options.commitmentOf,
          isBegun: transactions.isBegun,
        }),
      relay: makeCommandRelay({ holders, wire, now, ...options.relayTimes }),
      start: (house) => {
        stations = house;
        const desk = makeApprovalDesk({
          network,
          operators: registry.operators,
          isFresh: () => registry.isFresh(),
          sets,
          store: makeApprovalStore(redis, network, prefix),
          holders,
          wire,
          stations: house,
          versionOf,
          checkOf: (version, action) => spoken[version].commandChecks.get(action),
          isReady,
          prepare: async (identity, request) => {
            if (request.query === 'start-charge') await sessions.open(identity, request);
          },
          refused: (identity, request) =>
            request.query === 'start-charge' ? sessions.withdraw(identity, request) : undefined,
          transactionOf: async (identity, request) =>
            (await sessions.transactionOf(identity, request)) ??
            transactions.transactionOf(identity, decodeSessionParams(request.params).sessionId),
          onApproval: metrics.approval,
          onEnd: metrics.command,
          log,
          now,
        });
        queue = readApprovals(redisUrl, prefix, desk, () => redis.status === 'ready', log);
      },
      stop: async () => queue?.close(),
      close: async () => {
        transactions.close();
        sessions.close();
        holders.close();
        wire.close();
        await leave();
      },
    };
  } catch (error) {
    await leave();
    throw error;
  }
}

async function untilReady(redis: ReturnType<typeof connectRedis>): Promise<void> {
  if (redis.status === 'ready') return;
  const { promise, resolve } = Promise.withResolvers<void>();
  redis.once('ready', resolve);
  await promise;
}
