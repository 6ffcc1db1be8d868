import { AbiCoder, ZeroAddress } from 'ethers';
import { z } from 'zod';
import { DevsenError } from '../../core/errors.ts';
import type { OpenCallback } from './callbacks.ts';
import { encodeDietCbor } from './diet-cbor.ts';
import { decodeRequest, givenVars, type OracleRequest, REQUEST_TOPIC, specIdsOf } from './requests.ts';
import { runGraph } from './run-graph.ts';
import { callFor } from './runner.ts';
import type { JobSpec } from './spec.ts';
import type { TaskServices } from './task.ts';
import { TASK_TYPES } from './tasks/table.ts';
import type { TxRequest } from './tx-store.ts';
import { Fault, toJson, type Value } from './values.ts';

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address');
const word = z.string().regex(/^0x[0-9a-fA-F]{64}$/, 'expected 0x and 64 hex digits');
const whole = z.union([z.number().int().nonnegative(), z.string().regex(/^\d{1,78}$/, 'expected a whole number')]);

const SAMPLE = z
  .object({
    requester: address.default(ZeroAddress),
    requestId: word.default(`0x${'1'.padStart(64, '0')}`),
    payment: whole.default(0),
    callbackAddr: address.default(ZeroAddress),
    callbackFunctionId: z
      .string()
      .regex(/^0x[0-9a-fA-F]{8}$/, 'expected 0x and 8 hex digits')
      .default('0x00000000'),
    cancelExpiration: whole.default(0),
    dataVersion: whole.default(2),
    data: z.union([z.string().regex(/^0x([0-9a-fA-F]{2})*$/, 'expected 0x-hex or a map'), z.record(z.unknown())]),
  })
  .strict();

/** What a spec did with a sample request. */
export interface DryRun {
  tasks: { id: string; type: string; value: unknown; fault: string | null }[];
  /** What would have been sent. */
  txs: { to: string; data: string; gasLimit: number }[];
  isSuccess: boolean;
}

/**
 * Reads a sample request: the fields of `OracleRequest`, all but `data` with a default; `data` is 0x-hex or a map, which
 * is encoded as a requester's contract would, 0x-hex in it as bytes.
 *
 * @throws DevsenError `INPUT_INVALID` naming the field
 */
export function readSample(text: string, job: JobSpec): OracleRequest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DevsenError('INPUT_INVALID', `the request is no JSON: ${(error as Error).message}`);
  }
  const read = SAMPLE.safeParse(json);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new DevsenError('INPUT_INVALID', `the request: ${issue?.path.join('.') || 'as a whole'}: ${issue?.message}`);
  }
  const given = read.data;
  const data = typeof given.data === 'string' ? given.data : encodeDietCbor(withBytes(given.data));
  const types = ['address', 'bytes32', 'uint256', 'address', 'bytes4', 'uint256', 'uint256', 'bytes'];
  const values = [given.requester, given.requestId, given.payment, given.callbackAddr, given.callbackFunctionId];
  const request = decodeRequest({
    address: job.type === 'cron' ? ZeroAddress : job.contract,
    topics: [REQUEST_TOPIC, specIdsOf(job.externalJobId)[0] as string],
    data: AbiCoder.defaultAbiCoder().encode(types, [...values, given.cancelExpiration, given.dataVersion, data]),
    blockNumber: 1,
    blockHash: `0x${'0'.repeat(64)}`,
    txHash: `0x${'0'.repeat(64)}`,
    logIndex: 0,
  });
  if (!request) throw new DevsenError('INPUT_INVALID', 'the request does not encode as an OracleRequest log');
  return request;
}

/** Nobody could bring an answer later: adapters are to answer at once. */
const NO_CALLBACK: OpenCallback = {
  url: '',
  isAwaited: false,
  setPending: () => {},
  close: () => {},
  giveUp: () => true,
  wait: () => Promise.reject(new Error('nobody waits for a later answer')),
};

/** Runs a spec's tasks once each, for a sample request: sources and bridges are asked, txs are shown and not sent. */
export async function dryRun(
  job: JobSpec,
  request: OracleRequest,
  chainId: bigint,
  services: Omit<TaskServices, 'sender' | 'callbacks' | 'bridgeAnswers'>,
): Promise<DryRun> {
  const txs: TxRequest[] = [];
  const values = new Map<string, Value>();
  const all: TaskServices = {
    ...services,
    bridgeAnswers: { keep: () => {}, recent: () => undefined },
    callbacks: { open: () => NO_CALLBACK },
    sender: { accounts: { has: () => true }, submit: (tx) => void txs.push(tx), outcome: async () => null },
  };
  const run = { id: 0, jobId: job.id, generation: 0, request };
  const outcome = await runGraph({
    pipeline: job.pipeline.map((task) => ({ ...task, retries: 1 })),
    given: givenVars(job, request, chainId),
    saved: new Map(),
    attempt: (attempt) => {
      const type = TASK_TYPES[attempt.task.type];
      if (!type) throw new Error(`no task type "${attempt.task.type}"`);
      return type.run(callFor(job, run, attempt, all));
    },
    save: (id, { value }) => values.set(id, value),
    defaults: { timeoutMs: job.maxTaskDurationMs, retryMinMs: 1, retryMaxMs: 1 },
    signal: new AbortController().signal,
  });
  return {
    tasks: job.pipeline.map(({ id, type }) => {
      const value = values.get(id) ?? (values.has(id) ? null : new Fault('not tried'));
      const isFault = value instanceof Fault;
      return { id, type, value: isFault ? null : JSON.parse(toJson(value)), fault: isFault ? value.message : null };
    }),
    txs: txs.map(({ to, data, gasLimit }) => ({ to, data, gasLimit })),
    isSuccess: outcome?.faults.length === 0,
  };
}

function withBytes(map: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(map).map(([key, value]) => {
    const isHex = typeof value === 'string' && /^0x([0-9a-fA-F]{2})*$/.test(value);
    return [key, isHex ? Buffer.from(value.slice(2), 'hex') : value];
  });
  return Object.fromEntries(entries);
}
