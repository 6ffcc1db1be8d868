import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AbiCoder, Contract, Interface, type InterfaceAbi, solidityPackedKeccak256, ZeroAddress } from 'ethers';
import { OPERATOR_ABI } from '../../core/abi.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { encodeChargerStatus, encodeChargerStatusParams, QUERIES, specIdOf } from '../../core/queries.ts';
import { STATUS } from '../../core/status.ts';
import type { RunRow } from '../../jobs/node/run-store.ts';
import { JOB_NODE_SETTINGS, type JobNodeSettings } from '../../jobs/node/settings.ts';
import { renderJobSpec } from '../../jobs/render.ts';
import { readArtifact } from '../../network/artifacts.ts';
import { deployContract } from '../../network/provision.ts';
import { readSettings } from '../../runtime/settings.ts';
import { type ChainOptions, startChain, type TestChain } from '../support/chain.ts';
import { waitFor as supportWaitFor, type WaitOptions } from '../support/wait.ts';

export const DEVICE_ID = deviceIdOf('CP-1');
export const PAYMENT_JUELS = 10n ** 17n;
/** `OracleRequest` data in diet CBOR: the map without its start and end, as Solidity's CBOR library writes it. */
export function encodeRequestData(deviceId: string, asOfSec: number, params: string): string {
  const text = (value: string) => Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
  const bytes = (hex: string) => {
    const data = Buffer.from(hex.slice(2), 'hex');
    return Buffer.concat([Buffer.from([0x58, data.length]), data]);
  };
  const uint32 = Buffer.alloc(5);
  uint32[0] = 0x1a;
  uint32.writeUInt32BE(asOfSec, 1);
  const parts = [text('deviceId'), bytes(deviceId), text('asOf'), uint32, text('params'), bytes(params)];
  return `0x${Buffer.concat(parts).toString('hex')}`;
}

export const AS_OF_SEC = 1_790_000_000;
export const REQUEST_DATA = encodeRequestData(DEVICE_ID, AS_OF_SEC, encodeChargerStatusParams(2));
export const ANSWER = encodeChargerStatus({
  status: STATUS.Charging,
  errorClass: 0,
  observedAtSec: 1_789_999_990,
  online: true,
});

/** An external adapter of the test's own: it answers as told and keeps what it was asked. */
export interface TestBridge {
  url: string;
  /** Bodies of the questions, in the order they came. */
  asked: Record<string, unknown>[];
  headers: IncomingMessage['headers'][];
  /** What the next questions get; the status is HTTP's. A promise holds the answer back. */
  answer: (ask: number) => Promise<{ status: number; body: unknown }> | { status: number; body: unknown };
  close: () => Promise<void>;
}

export async function startBridge(): Promise<TestBridge> {
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      bridge.headers.push(request.headers);
      const ask = bridge.asked.push(JSON.parse(Buffer.concat(chunks).toString()));
      const { status, body } = await bridge.answer(ask);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bridge: TestBridge = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked: [],
    headers: [],
    answer: () => ({ status: 200, body: { jobRunID: '1', statusCode: 200, result: ANSWER, data: { result: ANSWER } } }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return bridge;
}

export interface World {
  chain: TestChain;
  bridge: TestBridge;
  operator: Contract;
  operatorAddress: string;
  /** Folder with the rendered spec; a database beside it is the test's own. */
  folder: string;
  /** Asks with a nonce of the requester; resolves when the tx is mined, or at once where nothing is mined by itself. */
  request: (nonce: number, specId?: string, paymentJuels?: bigint, data?: string) => Promise<string>;
  /** As `request`, but does not wait for the tx to be mined. */
  post: (nonce: number) => Promise<string>;
  requestIdOf: (nonce: number) => string;
  /** Ids of requests with an `OracleResponse`, in the chain's order. */
  answered: () => Promise<string[]>;
  /** Txs to the Operator that were mined, failed ones included. */
  fulfilTxs: () => Promise<{ status: number; nonce: number }[]>;
  /** Takes the chain back to a snapshot (`evm_snapshot`), from where it can grow differently. */
  revert: (snapshot: string) => Promise<void>;
  /**
   * For the next test: the chain as it was when the world was made, a database that does not exist yet, an adapter that
   * was asked nothing and answers at once, and the specs with these changes.
   */
  refresh: (specChanges?: (toml: string) => string) => Promise<void>;
  settings: (changes?: Record<string, string>) => JobNodeSettings;
  env: (changes?: Record<string, string>) => Record<string, string>;
  close: () => Promise<void>;
}

const QUERY = QUERIES[0];
const FULFIL = '0xdeadbeef';
/** The node's account among the chain's funded ones. */
const NODE_ACCOUNT = 1;

/** A chain with LINK, one real Operator that the node's account may answer at, and an adapter. */
export async function makeWorld(
  options: ChainOptions & { specChanges?: (toml: string) => string; queries?: readonly string[] } = {},
): Promise<World> {
  const { specChanges, queries = [QUERY.name], ...chainOptions } = options;
  const chain = await startChain({ ...chainOptions });
  const bridge = await startBridge();
  const folder = await mkdtemp(join(tmpdir(), 'devsen-jobs-'));
  const isManual = chainOptions.blockEveryMs !== undefined;
  if (isManual) await chain.provider.send('evm_setAutomine', [true]);
  const admin = chain.wallet(0);
  const adminAddress = await admin.getAddress();
  const nodeAddress = await chain.wallet(NODE_ACCOUNT).getAddress();
  const linkAddress = await deployContract('LinkToken', admin);
  const link = new Contract(linkAddress, (await readArtifact('LinkToken')).abi as InterfaceAbi, admin) as Contract &
    Record<string, (...args: unknown[]) => Promise<{ wait: () => Promise<unknown> }>>;
  await (await link.grantMintRole?.(adminAddress))?.wait();
  await (await link.mint?.(adminAddress, 10n ** 24n))?.wait();
  const operatorAddress = await deployContract('Operator', admin, linkAddress, adminAddress);
  const operatorAbi = (await readArtifact('Operator')).abi as InterfaceAbi;
  const operator = new Contract(operatorAddress, operatorAbi, admin);
  await (await operator.getFunction('setAuthorizedSenders')([nodeAddress])).wait();
  if (isManual) await chain.provider.send('evm_setAutomine', [false]);

  const writeSpecs = async (change = (toml: string) => toml) => {
    for (const query of queries) {
      const template = await readFile(`jobs/${query}.toml`, 'utf8');
      const spec = renderJobSpec(template, {
        contractAddress: operatorAddress,
        evmChainId: 31_337,
        requesters: [adminAddress],
        minConfirmations: 1,
      });
      await writeFile(join(folder, `${query}.toml`), change(spec));
    }
  };
  await writeSpecs(specChanges);
  const answerAtOnce = bridge.answer;
  let beginning = await chain.provider.send('evm_snapshot', []);
  let databases = 1;
  const revert = async (snapshot: string) => {
    await chain.provider.send('evm_revert', [snapshot]);
    admin.reset();
    seen.block = 0;
    seen.txs.length = 0;
  };
  /** The node's txs to the Operator up to a block. */
  const seen = { block: 0, txs: [] as { status: number; nonce: number }[] };
  const nonceAt = (block: number) => chain.provider.getTransactionCount(nodeAddress, block);
  /** Looks only into blocks in which the account's nonce grew. */
  const txsBetween = async (
    after: number,
    to: number,
    nonceAfter: number,
    nonceTo: number,
  ): Promise<typeof seen.txs> => {
    if (nonceAfter === nonceTo) return [];
    if (to - after > 1) {
      const middle = Math.floor((after + to) / 2);
      const nonce = await nonceAt(middle);
      return [
        ...(await txsBetween(after, middle, nonceAfter, nonce)),
        ...(await txsBetween(middle, to, nonce, nonceTo)),
      ];
    }
    const block = await chain.provider.getBlock(to, true);
    const txs = (block?.prefetchedTransactions ?? []).filter((tx) => tx.from === nodeAddress);
    const receipts = await Promise.all(txs.map(({ hash }) => chain.provider.getTransactionReceipt(hash)));
    return txs
      .map(({ nonce, to: recipient }, i) => ({ status: receipts[i]?.status ?? -1, nonce, recipient }))
      .filter(({ recipient }) => recipient === operatorAddress)
      .map(({ status, nonce }) => ({ status, nonce }));
  };

  const env = (changes: Record<string, string> = {}) => ({
    JOBS_DIR: folder,
    JOBS_DATABASE: join(folder, `jobs-${databases}.sqlite`),
    JOBS_PORT: '0',
    JOBS_TOKEN: 'read-token',
    RPC_URL: chain.rpcUrl,
    CHAIN_POLL_MS: '50',
    NODE_KEY: chain.privateKey(NODE_ACCOUNT),
    NODE_KEY_ALLOWED: 'true',
    BRIDGE_URL: bridge.url,
    BRIDGE_TOKEN: 'bridge-token',
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent',
    ...changes,
  });
  const requestInterface = new Interface([
    'function operatorRequest(address sender, uint256 payment, bytes32 specId, bytes4 callbackFunctionId, uint256 nonce, uint256 dataVersion, bytes data)',
  ]);
  const response = new Interface(OPERATOR_ABI).getEvent('OracleResponse')?.topicHash as string;
  const requestIdOf = (nonce: number) => solidityPackedKeccak256(['address', 'uint256'], [adminAddress, nonce]);
  const ask = (
    nonce: number,
    specId = specIdOf(QUERY.externalJobId),
    paymentJuels = PAYMENT_JUELS,
    data = REQUEST_DATA,
  ): Promise<{ wait: () => Promise<unknown> }> => {
    const args = [ZeroAddress, 0, specId, FULFIL, nonce, 2, data];
    const call = requestInterface.encodeFunctionData('operatorRequest', args);
    return link.getFunction('transferAndCall')(operatorAddress, paymentJuels, call, {
      gasLimit: 180_000,
      maxFeePerGas: 400n * 10n ** 9n,
      maxPriorityFeePerGas: 10n ** 9n,
    });
  };
  return {
    chain,
    bridge,
    operator,
    operatorAddress,
    folder,
    requestIdOf,
    request: async (...args) => {
      const tx = await ask(...args);
      if (!isManual) await tx.wait();
      return requestIdOf(args[0]);
    },
    post: async (nonce) => {
      await ask(nonce);
      return requestIdOf(nonce);
    },
    answered: async () => {
      const logs = await chain.provider.getLogs({ address: operatorAddress, topics: [response], fromBlock: 0 });
      return logs.map((log) => log.topics[1] as string);
    },
    fulfilTxs: async () => {
      const head = await chain.provider.getBlockNumber();
      seen.txs.push(...(await txsBetween(seen.block, head, await nonceAt(seen.block), await nonceAt(head))));
      seen.block = head;
      return [...seen.txs];
    },
    revert,
    refresh: async (change = specChanges) => {
      await revert(beginning);
      beginning = await chain.provider.send('evm_snapshot', []);
      databases++;
      bridge.asked.length = 0;
      bridge.headers.length = 0;
      bridge.answer = answerAtOnce;
      await writeSpecs(change);
    },
    settings: (changes) => readSettings(JOB_NODE_SETTINGS, env(changes)),
    env,
    close: async () => {
      await bridge.close();
      await chain.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A node's runs as it lists them, newest first; of one state, or of all. */
export async function listRuns(port: number, state = ''): Promise<RunRow[]> {
  const query = state === '' ? '' : `?state=${state}`;
  const answer = await fetch(`http://127.0.0.1:${port}/v2/runs${query}`, {
    headers: { authorization: 'Bearer read-token' },
  });
  return ((await answer.json()) as { runs: RunRow[] }).runs;
}

/** Waits as the support's `waitFor` does, but long enough for processes that start on a busy machine. */
export function waitFor<T>(look: () => T | Promise<T>, options: WaitOptions) {
  return supportWaitFor(look, { timeoutMs: 60_000, ...options });
}

/** How long one test may take on a busy machine, ms. */
export const PATIENCE_MS = 120_000;

/** What the ledger is called with: `fulfil(bytes32 requestId, bytes answer)` without its selector. */
export function callbackArguments(requestId: string, answer: string): string {
  return AbiCoder.defaultAbiCoder().encode(['bytes32', 'bytes'], [requestId, answer]);
}
