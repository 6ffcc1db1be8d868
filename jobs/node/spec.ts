import { createHash } from 'node:crypto';
import { getAddress } from 'ethers';
import { parse, TomlError } from 'smol-toml';
import { type Pipeline, parsePipeline } from './pipeline.ts';
import { parseDurationMs, specError } from './spec-error.ts';
import { TASK_TYPES } from './tasks/table.ts';

/** A `directrequest` job, ready to run. */
export interface JobSpec {
  /** `<externalJobID>:<contract>`, both lower case: what runs and the place in the chain are kept under. */
  id: string;
  file: string;
  name: string;
  /** UUID, lower case. */
  externalJobId: string;
  /** The Operator contract, lower case. */
  contract: string;
  chainId: bigint | undefined;
  /** Who may ask, lower case; empty means anybody. */
  requesters: readonly string[];
  /** Undefined where the node's own floor applies. */
  minPaymentJuels: bigint | undefined;
  minConfirmations: number;
  /** Default timeout of a task, ms; undefined for none. */
  maxTaskDurationMs: number | undefined;
  /** Default gas limit of an `ethtx` task. */
  gasLimit: number | undefined;
  pipeline: Pipeline;
  /** What was read but has no meaning here: attributes and fields that are probably misspelt. */
  warnings: readonly string[];
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const FIELDS = new Set(
  `type schemaVersion name externalJobID contractAddress evmChainID requesters minContractPaymentLinkJuels
   minIncomingConfirmations maxTaskDuration observationSource gasLimit forwardingAllowed`.split(/\s+/),
);
const SHARED_ATTRIBUTES = new Set('type index retries timeout failearly minbackoff maxbackoff'.split(' '));

/**
 * Reads a Chainlink v2 job spec of type `directrequest`.
 *
 * @param text - the TOML
 * @param file - its name, for errors
 * @throws DevsenError `JOB_SPEC_INVALID` with file, line and what was expected
 */
export function parseJobSpec(text: string, file: string): JobSpec {
  const fields = readToml(text, file);
  const fail = (field: string, expected: string) =>
    specError(file, lineOf(text, field), `${field}: expected ${expected}`);

  if (fields.type !== 'directrequest') throw fail('type', '"directrequest", the one type this node runs');
  if (fields.schemaVersion !== 1 && fields.schemaVersion !== 1n) throw fail('schemaVersion', '1');
  const externalJobId = fields.externalJobID ?? idFrom(text);
  if (typeof externalJobId !== 'string' || !UUID.test(externalJobId)) throw fail('externalJobID', 'a UUID with dashes');
  const contract = addressOf(fields.contractAddress);
  if (!contract) throw fail('contractAddress', 'an address: 0x and 40 hex digits, with a right checksum');
  if (/^0x0+$/.test(contract))
    throw fail('contractAddress', "the operator's own Operator contract, not the placeholder");
  const requesters = fields.requesters ?? [];
  if (!Array.isArray(requesters) || !requesters.every((entry) => addressOf(entry))) {
    throw fail('requesters', 'a list of addresses');
  }
  const chainId = wholeOf(fields.evmChainID);
  if (fields.evmChainID !== undefined && chainId === undefined) throw fail('evmChainID', 'a chain id');
  const minPaymentJuels = wholeOf(fields.minContractPaymentLinkJuels);
  if (fields.minContractPaymentLinkJuels !== undefined && minPaymentJuels === undefined) {
    throw fail('minContractPaymentLinkJuels', 'a whole number of juels');
  }
  const minConfirmations = wholeOf(fields.minIncomingConfirmations ?? 0);
  if (minConfirmations === undefined || minConfirmations > 10_000n) {
    throw fail('minIncomingConfirmations', 'a whole number of blocks');
  }
  const maxTaskDurationMs = parseDurationMs(String(fields.maxTaskDuration ?? '0s'));
  if (maxTaskDurationMs === undefined) throw fail('maxTaskDuration', 'a duration such as 30s, or 0s for none');
  const gasLimit = wholeOf(fields.gasLimit);
  if (fields.gasLimit !== undefined && gasLimit === undefined) throw fail('gasLimit', 'a whole number of gas units');
  if (fields.forwardingAllowed === true) throw fail('forwardingAllowed', 'false: forwarders are not supported');
  const source = fields.observationSource;
  if (typeof source !== 'string') throw fail('observationSource', 'the tasks as DOT');

  const pipeline = parsePipeline(source, { file, firstLine: sourceLine(text) });
  return {
    id: `${externalJobId}:${contract}`.toLowerCase(),
    file,
    name: typeof fields.name === 'string' ? fields.name : file,
    externalJobId: externalJobId.toLowerCase(),
    contract,
    chainId,
    requesters: requesters.map((entry) => addressOf(entry) as string),
    minPaymentJuels,
    minConfirmations: Number(minConfirmations),
    maxTaskDurationMs: maxTaskDurationMs || undefined,
    gasLimit: gasLimit === undefined ? undefined : Number(gasLimit),
    pipeline,
    warnings: [
      ...Object.keys(fields)
        .filter((field) => !FIELDS.has(field))
        .map((field) => `${file}:${lineOf(text, field)}: ${field} has no meaning here`),
      ...checkTasks(pipeline, file),
    ],
  };
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

function readToml(text: string, file: string): Record<string, unknown> {
  try {
    return parse(text, { integersAsBigInt: 'asNeeded' });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw specError(file, error.line, `no TOML: ${error.message.split('\n')[0]}`, error);
  }
}

/** The UUID of a spec that names none: the same for the same text, and another after any change. */
function idFrom(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

/** An address in lower case; one in mixed case must carry a right checksum. */
function addressOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(value)) return undefined;
  try {
    return getAddress(value).toLowerCase();
  } catch {
    return undefined;
  }
}

function wholeOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value >= 0n ? value : undefined;
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  return typeof value === 'string' && /^\d{1,30}$/.test(value) ? BigInt(value) : undefined;
}

/** Line of a field in the text, or 1 where it is not. */
function lineOf(text: string, field: string): number {
  const index = text.split('\n').findIndex((line) => new RegExp(`^\\s*${field}\\s*=`).test(line));
  return index < 0 ? 1 : index + 1;
}

/** Line on which the DOT source begins: the one after an opening `"""` that ends its line. */
function sourceLine(text: string): number {
  const line = lineOf(text, 'observationSource');
  return /("""|''')\s*$/.test(text.split('\n')[line - 1] ?? '') ? line + 1 : line;
}
