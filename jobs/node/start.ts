import { randomInt } from 'node:crypto';
import { formatEther } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Running } from '../../runtime/process.ts';
import { makeCallbackStore } from './callback-store.ts';
import { makeCallbacks } from './callbacks.ts';
import { makeChain } from './chain.ts';
import { startClock } from './clock.ts';
import { openDatabase } from './database.ts';
import { serveHttp } from './http.ts';
import { openWallet } from './keystore.ts';
import { beginJobs, type Listener, startListener } from './listener.ts';
import { loadJobs } from './load-jobs.ts';
import { makeMetrics } from './metrics.ts';
import { repeat } from './repeat.ts';
import { makeRpc } from './rpc.ts';
import { makeRunStore } from './run-store.ts';
import { startRunner } from './runner.ts';
import { startSender } from './sender.ts';
import type { JobNodeSettings } from './settings.ts';
import type { JobSpec } from './spec.ts';
import { makeTxStore, type TxStore } from './tx-store.ts';

const WEI_PER_GWEI = 1_000_000_000n;
const BALANCE_EVERY_MS = 60_000;
/** The chain counts as away when it has not been read for this many polls, and 10 s at least. */
const POLLS_UNTIL_AWAY = 10;

/** A job node that runs; `port` serves health and metrics, `account` is the one that sends answers. */
export interface RunningJobNode extends Running {
  port: number;
  account: string;
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
  const wallet = await openWallet(settings);
  const account = wallet.address.toLowerCase();
  const chain = makeChain(makeRpc(settings.RPC_URL, settings.RPC_TIMEOUT_MS));
  const chainId = await chain.chainId();
  checkChain(jobs, chainId);
  const head = await chain.head();

  const db = openDatabase(settings.JOBS_DATABASE);
  const runs = makeRunStore(db, nowMs);
  const txs = makeTxStore(db);
  const places = makeCallbackStore(db);
  checkAccount(txs, account, chainId);
  const requestJobs = jobs.filter((job) => job.type === 'directrequest');
  beginJobs(requestJobs, runs, head, settings.BACKFILL_BLOCKS);
  const metrics = makeMetrics({
    activeRuns: () => runner.active(),
    txs: txs.counts,
    awaitedAnswers: places.awaited,
  });

  const sender = startSender(
    chain,
    wallet,
    chainId,
    txs,
    {
      pollMs: settings.CHAIN_POLL_MS,
      finalityBlocks: settings.FINALITY_BLOCKS,
      maxInFlight: settings.MAX_IN_FLIGHT,
      capWei: BigInt(settings.MAX_FEE_GWEI) * WEI_PER_GWEI,
      bumpAfterMs: settings.BUMP_AFTER_MS,
      bumpPercent: BigInt(settings.BUMP_PERCENT),
    },
    log,
    nowMs,
    (event) => metrics.sender.inc({ event }),
  );
  let responseUrl = settings.BRIDGE_RESPONSE_URL;
  const callbacks = makeCallbacks(places, () => responseUrl, nowMs);
  const runner = startRunner(
    chain,
    jobs,
    runs,
    {
      bridges: bridgesOf(settings),
      sender,
      callbacks,
      chain,
      asyncTimeoutMs: settings.ASYNC_TIMEOUT_MS,
      httpTimeoutMs: settings.HTTP_TIMEOUT_MS,
      httpMaxBytes: settings.HTTP_MAX_BYTES,
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
      const isAway = nowMs() - lastGoodAtMs > Math.max(10_000, POLLS_UNTIL_AWAY * settings.CHAIN_POLL_MS);
      return isAway ? ['the chain cannot be read'] : [];
    },
    metrics,
    jobs,
    listRuns: runs.list,
    replay: (fromBlock) => listener?.replay(fromBlock),
    receive: callbacks.receive,
    mostBytes: settings.HTTP_MAX_BYTES,
    token: settings.JOBS_TOKEN,
  }).catch(async (error) => {
    await closeRuns();
    throw error;
  });
  responseUrl ||= `http://127.0.0.1:${http.port}`;
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
  );
  const balance = repeat(BALANCE_EVERY_MS, log, 'the balance cannot be read', async () => {
    metrics.balance.set(Number(formatEther(await chain.balanceWei(account))));
  });
  listener = reading;
  const cronJobs = jobs.filter((job) => job.type === 'cron');
  const clock = startClock(cronJobs, runs, () => runner.kick(), log, nowMs);
  runner.kick();
  log.info({ account, port: http.port, jobs: jobs.map((job) => job.name) }, 'job node runs');
  return {
    port: http.port,
    account,
    close: async () => {
      clock.close();
      await http.close();
      await Promise.all([reading.close(), balance.close()]);
      await closeRuns();
    },
  };
}

function bridgesOf(settings: JobNodeSettings) {
  return { devsen: { url: settings.BRIDGE_URL, token: settings.BRIDGE_TOKEN }, ...settings.BRIDGES };
}

function checkChain(jobs: readonly JobSpec[], chainId: bigint): void {
  for (const job of jobs) {
    if (job.chainId !== undefined && job.chainId !== chainId) {
      throw new DevsenError(
        'JOB_SPEC_INVALID',
        `${job.file}:1: evmChainID is ${job.chainId}, but RPC_URL leads to ${chainId}`,
      );
    }
  }
}

/** Nonces of one account on one chain are kept; txs under way with another's would never be followed. */
function checkAccount(txs: TxStore, account: string, chainId: bigint): void {
  const known = txs.account();
  const isSame = known?.address === account && known.chainId === `${chainId}`;
  if (known && !isSame && txs.open().length > 0) {
    throw new DevsenError(
      'SETTINGS_INVALID',
      `JOBS_DATABASE has txs under way from ${known.address} on chain ${known.chainId}: let them be mined first`,
    );
  }
  if (!isSame) txs.setAccount(account, `${chainId}`);
}
