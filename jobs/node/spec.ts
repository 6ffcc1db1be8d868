import { type Pipeline, parsePipeline } from './pipeline.ts';
import { parseSchedule, type Schedule } from './schedule.ts';
import { parseDurationMs, specError } from './spec-error.ts';
import { addressOf, idFrom, lineOf, readToml, sourceLine, wholeOf } from './spec-fields.ts';
import { TASK_TYPES } from './tasks/table.ts';

/** A job, ready to run. */
export type JobSpec = DirectRequestJob | CronJob;

interface AnyJob {
  /** What runs, and the place in the chain, are kept under; lower case. */
  id: string;
  file: string;
  name: string;
  /** UUID, lower case. */
  externalJobId: string;
  chainId: bigint | undefined;
  /** Default timeout of a task, ms; undefined for none. */
  maxTaskDurationMs: number | undefined;
  /** Default gas limit of an `ethtx` task. */
  gasLimit: number | undefined;
  /** Whether its txs go through the node's forwarder, where it has one. */
  isForwarded: boolean;
  pipeline: Pipeline;
  /** What was read but has no meaning here: attributes and fields that are probably misspelt. */
  warnings: readonly string[];
}

/** Runs once for each request at an Operator contract. Its id is `<externalJobID>:<contract>`. */
export interface DirectRequestJob extends AnyJob {
  type: 'directrequest';
  /** The Operator contract, lower case. */
  contract: string;
  /** Who may ask, lower case; empty means anybody. */
  requesters: readonly string[];
  /** Undefined where the node's own floor applies. */
  minPaymentJuels: bigint | undefined;
  minConfirmations: number;
}

/** Runs at times of the clock. Its id is `<externalJobID>:cron`. */
export interface CronJob extends AnyJob {
  type: 'cron';
  schedule: Schedule;
  scheduleText: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const SHARED_FIELDS =
  'type schemaVersion name externalJobID evmChainID maxTaskDuration observationSource gasLimit forwardingAllowed';
const FIELDS = {
  directrequest: new Set(
    `${SHARED_FIELDS} contractAddress requesters minContractPaymentLinkJuels minIncomingConfirmations`.split(' '),
  ),
  cron: new Set(`${SHARED_FIELDS} schedule`.split(' ')),
};
const SHARED_ATTRIBUTES = new Set('type index retries timeout failearly minbackoff maxbackoff'.split(' '));

type Fail = (field: string, expected: string) => Error;

/**
 * Reads a Chainlink v2 job spec of type `directrequest` or `cron`.
 *
 * @param text - the TOML
 * @param file - its name, for errors
 * @throws DevsenError `JOB_SPEC_INVALID` with file, line and what was expected
 */
export function parseJobSpec(text: string, file: string): JobSpec {
  const fields = readToml(text, file);
  const fail: Fail = (field, expected) => specError(file, lineOf(text, field), `${field}: expected ${expected}`);

  const { type } = fields;
  if (type !== 'directrequest' && type !== 'cron') throw fail('type', '"directrequest" or "cron", the types run here');
  if (fields.schemaVersion !== 1 && fields.schemaVersion !== 1n) throw fail('schemaVersion', '1');
  const externalJobId = fields.externalJobID ?? idFrom(text);
  if (typeof externalJobId !== 'string' || !UUID.test(externalJobId)) throw fail('externalJobID', 'a UUID with dashes');
  const own = type === 'cron' ? readCron(fields, fail) : readDirectRequest(fields, fail);
  const chainId = wholeOf(fields.evmChainID);
  if (fields.evmChainID !== undefined && chainId === undefined) throw fail('evmChainID', 'a chain id');
  const maxTaskDurationMs = parseDurationMs(String(fields.maxTaskDuration ?? '0s'));
  if (maxTaskDurationMs === undefined) throw fail('maxTaskDuration', 'a duration such as 30s, or 0s for none');
  const gasLimit = wholeOf(fields.gasLimit);
  if (fields.gasLimit !== undefined && gasLimit === undefined) throw fail('gasLimit', 'a whole number of gas units');
  const isForwarded = fields.forwardingAllowed ?? false;
  if (typeof isForwarded !== 'boolean') throw fail('forwardingAllowed', 'true or false');
  const source = fields.observationSource;
  if (typeof source !== 'string') throw fail('observationSource', 'the tasks as DOT');

  const pipeline = parsePipeline(source, { file, firstLine: sourceLine(text) });
  return {
    ...own,
    id: `${externalJobId}:${own.type === 'cron' ? 'cron' : own.contract}`.toLowerCase(),
    file,
    name: typeof fields.name === 'string' ? fields.name : file,
    externalJobId: externalJobId.toLowerCase(),
    chainId,
    maxTaskDurationMs: maxTaskDurationMs || undefined,
    gasLimit: gasLimit === undefined ? undefined : Number(gasLimit),
    isForwarded,
    pipeline,
    warnings: [
      ...Object.keys(fields)
        .filter((field) => !FIELDS[type].has(field))
        .map((field) => `${file}:${lineOf(text, field)}: ${field} has no meaning here`),
      ...checkTasks(pipeline, file),
    ],
  };
}

function readDirectRequest(fields: Record<string, unknown>, fail: Fail): Omit<DirectRequestJob, keyof AnyJob> {
  const contract = addressOf(fields.contractAddress);
  if (!contract) throw fail('contractAddress', 'an address: 0x and 40 hex digits, with a right checksum');
  if (/^0x0+$/.test(contract))
    throw fail('contractAddress', "the operator's own Operator contract, not the placeholder");
  const requesters = fields.requesters ?? [];
  if (!Array.isArray(requesters) || !requesters.every((entry) => addressOf(entry))) {
    throw fail('requesters', 'a list of addresses');
  }
  const minPaymentJuels = wholeOf(fields.minContractPaymentLinkJuels);
  if (fields.minContractPaymentLinkJuels !== undefined && minPaymentJuels === undefined) {
    throw fail('minContractPaymentLinkJuels', 'a whole number of juels');
  }
  const minConfirmations = wholeOf(fields.minIncomingConfirmations ?? 0);
  if (minConfirmations === undefined || minConfirmations > 10_000n) {
    throw fail('minIncomingConfirmations', 'a whole number of blocks');
  }
  return {
    type: 'directrequest',
    contract,
    requesters: requesters.map((entry) => addressOf(entry) as string),
    minPaymentJuels,
    minConfirmations: Number(minConfirmations),
  };
}

function readCron(fields: Record<string, unknown>, fail: Fail): Omit<CronJob, keyof AnyJob> {
  const scheduleText = fields.schedule;
  if (typeof scheduleText !== 'string') throw fail('schedule', 'CRON_TZ=<time zone> and 5 or 6 fields, or @every 1h');
  try {
    return { type: 'cron', schedule: parseSchedule(scheduleText), scheduleText };
  } catch (error) {
    throw fail('schedule', (error as Error).message);
  }
}

/** @returns warnings about attributes without meaning */
function checkTasks(pipeline: Pipeline, file: string): string[] {
  const warnings: string[] = [];
  for (const task of pipeline) {
    const type = TASK_TYPES[task.type];
    if (!type) {
      const known = Object.keys(TASK_TYPES).join(', ');
      throw specError(file, task.line, `task ${task.id}: no such type "${task.type}"; expected one of ${known}`);
    }
    for (const name of type.required) {
      if (!task.attributes[name]?.trim())
        throw specError(file, task.line, `task ${task.id}: ${task.type} expects ${name}`);
    }
    const problem = type.check?.(task.attributes);
    if (problem) throw specError(file, task.line, `task ${task.id}: ${problem}`);
    const known = new Set([...SHARED_ATTRIBUTES, ...type.required, ...type.optional]);
    for (const name of Object.keys(task.attributes)) {
      if (!known.has(name))
        warnings.push(`${file}:${task.line}: task ${task.id}: ${name} has no meaning for ${task.type}`);
    }
  }
  return warnings;
}
