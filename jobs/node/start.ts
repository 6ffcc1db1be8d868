import { randomInt } from 'node:crypto';
import { formatEther } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Running } from '../../runtime/process.ts';
import { makeAlerts } from './alerts.ts';
import { makeBridgeAnswers } from './bridge-answers.ts';
import { makeCallbackStore } from './callback-store.ts';
import { makeCallbacks } from './callbacks.ts';
import { startClock } from './clock.ts';
import { openDatabase } from './database.ts';
import { isOnThisMachine } from './endpoint.ts';
import { serveHttp } from './http.ts';
import { openAccounts } from './keystore.ts';
import { beginJobs, type Listener, startListener } from './listener.ts';
import { loadJobs } from './load-jobs.ts';
import { makeMetrics } from './metrics.ts';
import { watchNewHeads } from './new-heads.ts';
import { openChain } from './open-chain.ts';
import { repeat } from './repeat.ts';
import { makeRetention } from './retention.ts';
import { makeRunReader } from './run-details.ts';
import { makeRunStore } from './run-store.ts';
import { startRunner } from './runner.ts';
import { startSender } from './sender.ts';
import type { JobNodeSettings } from './settings.ts';
import type { JobSpec } from './spec.ts';
import { makeTxStore, type TxStore } from './tx-store.ts';

const WEI_PER_GWEI = 1_000_000_000n;
const BALANCE_EVERY_MS = 60_000;
const PRUNE_EVERY_MS = 600_000;
/** Most between two looks at how the endpoints are, and how many polls it is otherwise. */
const LOOK_EVERY_MS = 5_000;
const LOOK_EVERY_POLLS = 20;
/** The chain counts as away when it has not been read for this many polls at least. */
const POLLS_UNTIL_AWAY = 10;

/** A job node that runs; `port` serves health and metrics, `accounts` are those that send answers. */
export interface RunningJobNode extends Running {
  port: number;
  accounts: readonly string[];
}

/**
 * Starts the job node: reads specs, opens the database, listens to the chain, runs jobs and sends their answers.
 *
 * @throws DevsenError `SETTINGS_INVALID`, `JOB_SPEC_INVALID`, `DATABASE_UNAVAILABLE` or `CHAIN_UNAVAILABLE`
 */
export async function startJobNode(settings: JobNodeSettings, log: Logger): Promise<RunningJobNode> {
  const nowMs = Date.now;
  const jobs = await loadJobs(settings.JOBS_DIR);
  for (const warning of jobs.flatMap((job) => job.warnings)) log.warn({ warning }, 'job spec');
  const accounts = await openAccounts(settings);
  const addresses = accounts.map(({ wallet }) => wallet.address.toLowerCase());
  const alerts = makeAlerts(log);
  const { chain, second, secondOpinion, look, chainId } = await openChain(settings, alerts, log, nowMs);
  checkChain(jobs, chainId);
  const head = await chain.head();

  const db = openDatabase(settings.JOBS_DATABASE);
  const runs = makeRunStore(db, nowMs);
  const txs = makeTxStore(db);
  const places = makeCallbackStore(db);
  try {
    checkAccounts(txs, addresses, chainId);
  } catch (error) {
    db.close();
    throw error;
  }
  const requestJobs = jobs.filter((job) => job.type === 'directrequest');
  beginJobs(requestJobs, runs, head, settings.BACKFILL_BLOCKS);
  const metrics = makeMetrics({
    activeRuns: () => runner.active(),
    txs: txs.counts,
    awaitedAnswers: places.awaited,
    alerts: () => alerts.list().length,
  });

  const sender = startSender(accounts, {
    chain,
    chainId,
    store: txs,
    rules: {
      pollMs: settings.CHAIN_POLL_MS,
      finalityBlocks: settings.FINALITY_BLOCKS,
      maxInFlight: settings.MAX_IN_FLIGHT,
      capWei: BigInt(settings.MAX_FEE_GWEI) * WEI_PER_GWEI,
      bumpAfterMs: settings.BUMP_AFTER_MS,
      bumpPercent: BigInt(settings.BUMP_PERCENT),
      profitWaitMs: settings.PROFIT_WAIT_MS,
    },
    log,
    nowMs,
    onEvent: (event) => metrics.sender.inc({ event }),
    alerts,
    secondOpinion,
  });
  let ownPort = settings.JOBS_PORT;
  const callbacks = makeCallbacks(places, (bridgeUrl) => responseUrlFor(bridgeUrl, settings, ownPort), nowMs);
  const runner = startRunner(
    chain,
    jobs,
    runs,
    {
      bridges: bridgesOf(settings),
      sender,
      callbacks,
      bridgeAnswers: makeBridgeAnswers(db, nowMs),
      chain,
      asyncTimeoutMs: settings.ASYNC_TIMEOUT_MS,
      httpTimeoutMs: settings.HTTP_TIMEOUT_MS,
      httpMaxBytes: settings.HTTP_MAX_BYTES,
      forwarder: settings.NODE_FORWARDER || undefined,
      weiPerLink: settings.LINK_PRICE_GWEI * WEI_PER_GWEI,
      randomBelow: randomInt,
    },
    {
      maxRuns: settings.MAX_RUNS,
      retryMinMs: settings.RETRY_MIN_MS,
      retryMaxMs: settings.RETRY_MAX_MS,
      chainId,
      rangeBlocks: settings.LOG_RANGE_BLOCKS,
    },
    log,
    (job, state) => metrics.ended.inc({ job: job.name, state }),
  );
  const closeRuns = async () => {
    await Promise.all([runner.close(), sender.close()]);
    db.close();
  };
  let listener: Listener | undefined;
  const http = await serveHttp(settings.JOBS_HOST, settings.JOBS_PORT, {
    problems: () => {
      const lastGoodAtMs = listener?.lastGoodAtMs() ?? nowMs();
      const isAway =
        nowMs() - lastGoodAtMs > Math.max(settings.CHAIN_AWAY_MS, POLLS_UNTIL_AWAY * settings.CHAIN_POLL_MS);
      return isAway ? ['the chain cannot be read'] : [];
    },
    alerts: alerts.list,
    metrics,
    jobs,
    listRuns: runs.list,
    readRun: makeRunReader(db),
    replay: (fromBlock) => listener?.replay(fromBlock),
    receive: callbacks.receive,
    mostBytes: settings.HTTP_MAX_BYTES,
    token: settings.JOBS_TOKEN,
  }).catch(async (error) => {
    await closeRuns();
    throw error;
  });
  ownPort = http.port;
  const reading = startListener(
    chain,
    requestJobs,
    runs,
    {
      pollMs: settings.CHAIN_POLL_MS,
      minConfirmations: settings.MIN_CONFIRMATIONS,
      backfillBlocks: settings.BACKFILL_BLOCKS,
      rangeBlocks: settings.LOG_RANGE_BLOCKS,
      minPaymentJuels: settings.MIN_PAYMENT_JUELS,
      rereadBlocks: settings.REREAD_BLOCKS,
    },
    {
      head: (block) => metrics.head.set(block.number),
      changed: (stop) => {
        runner.stop(stop);
        runner.kick();
      },
      refused: (why) => metrics.refused.inc({ why }),
      reorg: (depth) => metrics.reorgDepth.observe(depth),
    },
    log,
    nowMs,
    second,
  );
  const balance = repeat(BALANCE_EVERY_MS, log, 'a balance cannot be read', async () => {
    for (const account of addresses) {
      const balanceWei = await chain.balanceWei(account);
      metrics.balance.set({ account }, Number(formatEther(balanceWei)));
      const isLow = balanceWei < settings.MIN_BALANCE_GWEI * WEI_PER_GWEI;
      if (isLow) alerts.raise(`balance:${account}`, `the balance of ${account} is below MIN_BALANCE_GWEI`);
      else alerts.clear(`balance:${account}`);
    }
  });
  const retention = makeRetention(db);
  const pruning = repeat(PRUNE_EVERY_MS, log, 'old runs cannot be deleted', async () => {
    const deleted = await retention.prune(nowMs() - settings.RETENTION_HOURS * 3_600_000);
    if (deleted > 0) log.info({ runs: deleted }, 'old runs deleted');
  });
  const lookEveryMs = Math.min(LOOK_EVERY_MS, LOOK_EVERY_POLLS * settings.CHAIN_POLL_MS);
  const looking = repeat(lookEveryMs, log, 'the endpoints cannot be looked at', look);
  const heads = settings.RPC_WS_URL === '' ? undefined : watchNewHeads(settings.RPC_WS_URL, reading.soon, log);
  listener = reading;
  const cronJobs = jobs.filter((job) => job.type === 'cron');
  const clock = startClock(cronJobs, runs, () => runner.kick(), log, nowMs);
  runner.kick();
  log.info({ accounts: addresses, port: http.port, jobs: jobs.map((job) => job.name) }, 'job node runs');
  return {
    port: http.port,
    accounts: addresses,
    close: async () => {
      clock.close();
      heads?.close();
      await http.close();
      await Promise.all([reading.close(), balance.close(), pruning.close(), looking.close()]);
      await closeRuns();
    },
  };
}

function bridgesOf(settings: JobNodeSettings) {
  return { devsen: { url: settings.BRIDGE_URL, token: settings.BRIDGE_TOKEN }, ...settings.BRIDGES };
}

/** Hosts that stand for every address of the machine. */
const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Where an adapter reaches this node; empty where that is not told and the adapter is on another machine. */
function responseUrlFor(bridgeUrl: string, settings: JobNodeSettings, port: number): string {
  if (settings.BRIDGE_RESPONSE_URL !== '') return settings.BRIDGE_RESPONSE_URL;
  if (!isOnThisMachine(bridgeUrl)) return '';
  const host = EVERYWHERE.has(settings.JOBS_HOST) ? '127.0.0.1' : settings.JOBS_HOST;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function checkChain(jobs: readonly JobSpec[], chainId: bigint): void {
  for (const job of jobs) {
    if (job.chainId !== undefined && job.chainId !== chainId) {
      throw new DevsenError(
        'JOB_SPEC_INVALID',
        `${job.file}:1: evmChainID is ${job.chainId}, but RPC_URL leads to ${chainId}`,
      );
    }
    for (const { id, attributes } of job.pipeline) {
      const named = attributes.evmchainid?.trim() ?? '';
      if (/^\d+$/.test(named) && BigInt(named) !== chainId) {
        throw new DevsenError(
          'JOB_SPEC_INVALID',
          `${job.file}: task ${id}: evmChainID is ${named}, but RPC_URL leads to ${chainId}`,
        );
      }
    }
  }
}

/** Txs under way from an account whose key is not given would never be followed. */
function checkAccounts(txs: TxStore, addresses: readonly string[], chainId: bigint): void {
  const open = txs.openAccounts();
  const known = txs.chainId();
  if (known !== undefined && known !== `${chainId}` && open.length > 0) {
    throw new DevsenError(
      'SETTINGS_INVALID',
      `JOBS_DATABASE has txs under way on chain ${known}: let them be mined first`,
    );
  }
  const missing = open.filter((account) => !addresses.includes(account));
  if (missing.length > 0) {
    throw new DevsenError(
      'SETTINGS_INVALID',
      `JOBS_DATABASE has txs under way from ${missing.join(', ')}: give the keystore in NODE_KEYSTORE_RETIRING`,
    );
  }
  if (known !== `${chainId}`) txs.setChainId(`${chainId}`);
}
