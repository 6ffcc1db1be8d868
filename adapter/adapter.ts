import type { Wallet } from 'ethers';
import { DevsenError } from '../core/errors.ts';
import { idTagCommitment } from '../core/identity.ts';
import type { Logger } from '../runtime/log.ts';
import type { Running } from '../runtime/process.ts';
import { openApprovalQueue } from './approval-queue.ts';
import { makeApprovals } from './approvals.ts';
import { makeBridgeEndpoints } from './bridge-endpoints.ts';
import { makeCardIndex } from './card-index.ts';
import { chainSource, type NetworkNews, type OpenNetworkSource } from './chain.ts';
import { makeChanges } from './changes.ts';
import { openDatabase } from './database.ts';
import { makeEventReader } from './event-reader.ts';
import { readHealth } from './health.ts';
import { makeHousekeeping } from './housekeeping.ts';
import { serveHttp } from './http.ts';
import type { Knowing } from './knowing.ts';
import { makeLaterAnswers } from './later-answers.ts';
import { makeLaterStore } from './later-store.ts';
import { makeMemory } from './memory.ts';
import { makeMeterKeys } from './meter-keys.ts';
import { makeMeterReader } from './meter-reader.ts';
import { makeAdapterMetrics } from './metrics.ts';
import { makePublicRecord } from './public-record.ts';
import { makeRateLimit } from './rate-limit.ts';
import { makeRecordReader } from './record-reader.ts';
import { gatewayHealth, type Recording, startRecording } from './recording.ts';
import { makeSessionReader } from './session-reader.ts';
import { makeSessionRecord } from './session-record.ts';
import type { AdapterSettings } from './settings.ts';
import { openSigningKey } from './signing-key.ts';
import { makeStationRecord } from './station-record.ts';
import { makeTransactionRecord } from './transaction-record.ts';
import { makeUptimeReader } from './uptime-reader.ts';

/** How often what could not be done is tried again, and gaps that will not close any more are looked for, ms. */
const UPKEEP_MS = 2_000;

export interface RunningAdapter extends Running {
  /** Where it listens, also if the settings left the choice to the system. */
  port: number;
}

/** What an adapter works with. */
export interface AdapterMeans {
  settings: AdapterSettings;
  /** With which requests to chargers are approved; undefined: none are. */
  signingKey?: Wallet | undefined;
  log: Logger;
  openNetwork: OpenNetworkSource;
  now: () => number;
}

/** Starts an operator's adapter: it listens at once, and answers as soon as chain, Redis and record allow. */
export async function startAdapter(settings: AdapterSettings, log: Logger): Promise<RunningAdapter> {
  const signingKey = await openSigningKey(settings);
  if (signingKey === undefined) log.warn('no signing key is set: commands to chargers are not approved');
  const openNetwork = chainSource({
    rpcUrl: settings.RPC_URL,
    oracleAddress: settings.ORACLE_ADDRESS,
    confirmations: settings.CHAIN_CONFIRMATIONS,
    pollIntervalMs: settings.CHAIN_POLL_MS,
    log,
  });
  return startAdapterWith({ settings, signingKey, log, openNetwork, now: Date.now });
}

/**
 * As `startAdapter`, with everything handed in.
 *
 * @throws DevsenError `DATABASE_UNAVAILABLE` if the record cannot be opened; Error if the port cannot be had
 */
export async function startAdapterWith(means: AdapterMeans): Promise<RunningAdapter> {
  const { settings, log, now } = means;
  const db = openDatabase(settings.ADAPTER_DATABASE, settings.MESSAGE_DAYS > 0);
  const memory = makeMemory(db);
  const reader = makeRecordReader(db);
  let recording: Recording | undefined;
  let operators = memory.restored()?.operators.length;
  let isWriteSound = true;
  const waiting = { count: 0 };
  const closing = new AbortController();
  const events = makeEventReader(db);
  const changes = makeChanges(events);
  const gateways = () => (recording === undefined ? [] : gatewayHealth(recording.ingest, reader, now()));
  const metrics = makeAdapterMetrics({
    gateways: () => gateways().map((row) => ({ ...row, lagMs: row.lagMs ?? Number.NaN })),
    convicted: () => recording?.ingest.book.convicted().length ?? 0,
    waiting: () => waiting.count,
  });
  const writing = (work: () => void) => {
    try {
      work();
      isWriteSound = true;
    } catch (error) {
      isWriteSound = false;
      throw error;
    }
  };

  const learn = (news: NetworkNews) => {
    memory.checkNetwork(news.network);
    recording ??= startRecording({
      network: news.network,
      db,
      reader,
      settings,
      counts: metrics.ingest,
      writing,
      changes,
      closing: closing.signal,
      log,
      now,
    });
    const { ingest, knowing } = recording;
    ingest.listGateways(news.gateways, now(), news.formerKeys);
    if (news.snapshot !== undefined) {
      memory.keep(news.snapshot);
      operators = news.snapshot.operators.length;
    }
    knowing.committed();
  };
  /** News that the database has not taken yet. */
  let untaken: NetworkNews | undefined;
  const takeNews = () => {
    if (untaken === undefined) return;
    const news = untaken;
    try {
      writing(() => learn(news));
      untaken = undefined;
    } catch (error) {
      log.error({ err: error }, 'news of the network not taken over; trying again');
    }
  };
  const network = means.openNetwork((news) => {
    untaken = news;
    takeNews();
  }, memory.restored());

  const meter = makeMeterReader(db, reader);
  const uptime = makeUptimeReader(db, reader);
  const knowing: Pick<Knowing, 'untilKnown'> = {
    untilKnown: async (asOfSec, signal) => {
      if (recording === undefined) {
        throw new DevsenError('NOT_YET', 'this operator does not know yet: the chain has not told the network');
      }
      await recording.knowing.untilKnown(asOfSec, signal);
    },
  };
  const pepper = settings.IDTAG_PEPPER;
  const commitmentOf = (idTag: string) => (pepper.length === 0 ? undefined : idTagCommitment(idTag, pepper));
  const session = makeSessionReader(db, reader, commitmentOf);
  const cards = makeCardIndex(db, commitmentOf);
  const meterKeyOf = makeMeterKeys(network.readMeterKey, now);
  const approvalQueue = openApprovalQueue(settings.REDIS_URL, log);
  const approvals = makeApprovals({
    db,
    asked: network.asked,
    queue: approvalQueue,
    signingKey: means.signingKey,
    operator: settings.OPERATOR_ACCOUNT,
    log,
    now,
  });
  const endpoints = makeBridgeEndpoints({
    ...{ db, knowing, reader, meter, uptime, session, meterKeyOf, network, settings, now },
    approve: async (requestId, asOfSec) => {
      if (recording === undefined) throw new DevsenError('NOT_YET', 'the chain has not told the network');
      return approvals.approve(recording.network, requestId, asOfSec);
    },
    batches: () => recording?.batches,
  });
  const later = makeLaterAnswers({
    store: makeLaterStore(db),
    endpoints,
    incomingToken: settings.INCOMING_TOKEN,
    log,
    now,
  });
  const keepHouse = makeHousekeeping({
    db,
    settings,
    operators: () => operators,
    emptied: metrics.emptied,
    writing,
    log,
    now,
  });
  const indexCards = () => {
    try {
      writing(() => cards.step());
    } catch (error) {
      log.error({ err: error }, 'cards not indexed; trying again');
    }
  };
  const upkeep = setInterval(() => {
    takeNews();
    keepHouse();
    indexCards();
    if (recording === undefined) return;
    const { ingest, queue, catchUp } = recording;
    approvals.sendAgain(recording.network).catch((error) => log.error({ err: error }, 'approvals not sent again'));
    catchUp.run().catch((error) => log.error({ err: error }, 'record not made whole; trying again'));
    const listeningSinceMs = queue.listeningSinceMs();
    if (listeningSinceMs === undefined) return;
    try {
      writing(() => ingest.giveUpGaps(now(), Math.max(listeningSinceMs, catchUp.lastProgressMs())));
    } catch (error) {
      log.error({ err: error }, 'gaps not looked at');
    }
  }, UPKEEP_MS);

  const stopAll = async () => {
    clearInterval(upkeep);
    closing.abort();
    await later.close();
    await network.close();
    await recording?.queue.close();
    await approvalQueue.close();
    db.close();
  };
  try {
    const http = await serveHttp({
      host: settings.ADAPTER_HOST,
      port: settings.ADAPTER_PORT,
      bridgeToken: settings.BRIDGE_TOKEN,
      endpoints,
      later,
      limits: {
        bridge: makeRateLimit(settings.MAX_BRIDGE_PER_SEC, now),
        others: makeRateLimit(settings.MAX_REQUESTS_PER_SEC, now),
      },
      metrics,
      reading: {
        record: makePublicRecord(db, reader, meter),
        transactions: makeTransactionRecord(db, events),
        sessions: makeSessionRecord(db, { reader, session, meterKeyOf }),
        station: makeStationRecord(db, events),
        cards,
        events,
      },
      changes,
      batches: () => recording?.batches,
      peerToken: settings.PEER_TOKEN,
      waiting,
      log,
      now,
      health: () =>
        readHealth({
          isDatabaseSound: () => isWriteSound && memory.isReadable(),
          queue: () => recording?.queue,
          isChainFresh: () => network.isFresh(),
          gateways,
        }),
    });
    log.info({ host: settings.ADAPTER_HOST, port: http.port }, 'adapter listens');
    return {
      port: http.port,
      close: async () => {
        await http.close();
        await stopAll();
      },
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}
