import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { DevsenError } from '../core/errors.ts';
import { readSettings } from '../runtime/settings.ts';
import { type Said, sayReplay, sayRun, sayRuns, sayStatus } from './cli-node.ts';
import { sayFill, sayNewKey } from './cli-setup.ts';
import { makeChain } from './node/chain.ts';
import { dryRun, readSample } from './node/dry-run.ts';
import { loadJobs } from './node/load-jobs.ts';
import { specIdsOf } from './node/requests.ts';
import { makeRpc } from './node/rpc.ts';
import { JOB_NODE_SETTINGS, type JobNodeSettings } from './node/settings.ts';
import { type JobSpec, parseJobSpec } from './node/spec.ts';

const USAGE = `Looks at job specs, and at the job node that runs them.

  npm run jobs -- list                              the specs of JOBS_DIR
  npm run jobs -- validate <spec.toml>              says what is wrong with a spec
  npm run jobs -- dry-run <spec.toml> <request.json>
                                                    runs a spec for a sample request; sends no tx
  npm run jobs -- runs [state]                      the newest runs of the running node, or those unfinished, completed,
                                                    errored, cancelled or orphaned
  npm run jobs -- run <id>                          one run: its tasks, txs and every attempt at them
  npm run jobs -- status                            whether the running node is well, and what needs looking at
  npm run jobs -- new-key <keystore.json>           makes an account and keeps it under NODE_KEYSTORE_PASSWORD(_FILE)
  npm run jobs -- fill <folder> <chain id> <Operator> <ledger> <sender>
                                                    writes the operator's own copies of the job specs into a folder
  npm run jobs -- replay <block>                    has the running node read the chain again from a block

  --json   JSON instead of text

Settings come from the environment, as the job node's. A sample request is {"data": {"get": "https://…", "path": "a,b"}},
with further fields of the OracleRequest log where they matter.
`;

/** How many arguments each command takes, at least and at most. */
const ARGUMENTS: Record<string, [number, number] | undefined> = {
  list: [0, 0],
  validate: [1, 1],
  'dry-run': [2, 2],
  runs: [0, 1],
  run: [1, 1],
  status: [0, 0],
  'new-key': [1, 1],
  fill: [5, 5],
  replay: [1, 1],
};

/**
 * Runs one command.
 *
 * @param env - settings, as the job node's
 * @returns the exit code, and what goes to the terminal: to its standard output if the code is 0 or the command ran
 */
export async function runCli(
  argv: string[],
  env: Record<string, string | undefined>,
): Promise<{ exitCode: number; out: string; errors: string }> {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
    });
    if (values.help) return { exitCode: 0, out: USAGE, errors: '' };
    const [command = '', ...args] = positionals;
    const said = await run(command, args, env);
    const out = `${values.json ? JSON.stringify(said.json) : said.text}\n`;
    return { exitCode: said.isGood === false ? 1 : 0, out, errors: '' };
  } catch (error) {
    const isOurs = error instanceof DevsenError || /^ERR_PARSE_ARGS/.test(String((error as { code?: unknown }).code));
    if (!isOurs) throw error;
    return { exitCode: 1, out: '', errors: `${(error as Error).message}\n` };
  }
}

async function run(command: string, args: string[], env: Record<string, string | undefined>): Promise<Said> {
  const [first = '', second = ''] = args;
  const wanted = ARGUMENTS[command];
  if (wanted === undefined) throw new DevsenError('INPUT_INVALID', `no command "${command}"\n\n${USAGE}`);
  if (args.length < wanted[0] || args.length > wanted[1]) {
    const count = wanted[0] === wanted[1] ? wanted[0] : `${wanted[0]} or ${wanted[1]}`;
    throw new DevsenError('INPUT_INVALID', `${command} takes ${count} arguments\n\n${USAGE}`);
  }
  if (command === 'fill') return sayFill(args);
  if (command === 'validate') return describeSpec(await readSpec(first));
  // Files alone need no chain; a task that reads it says so when it fails.
  const settings = readSettings(JOB_NODE_SETTINGS, { RPC_URL: 'http://127.0.0.1:8545', ...env });
  if (command === 'list') return list(await loadJobs(settings.JOBS_DIR));
  if (command === 'dry-run') return tryOut(await readSpec(first), await readText(second), settings);
  if (command === 'new-key') return sayNewKey(first, settings);
  if (command === 'runs') return sayRuns(settings, first);
  if (command === 'run') return sayRun(settings, first);
  if (command === 'status') return sayStatus(settings);
  return sayReplay(settings, first);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new DevsenError('INPUT_INVALID', `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

const readSpec = async (path: string) => parseJobSpec(await readText(path), basename(path));

const rowOf = (job: JobSpec) => ({
  name: job.name,
  file: job.file,
  externalJobId: job.externalJobId,
  specIds: specIdsOf(job.externalJobId),
  type: job.type,
  contract: job.type === 'cron' ? null : job.contract,
  schedule: job.type === 'cron' ? job.scheduleText : null,
  tasks: job.pipeline.map(({ id, type }) => `${id}:${type}`),
  warnings: job.warnings,
});

function describeSpec(job: JobSpec): Said {
  const lines = [`${job.file} is valid: ${job.name}, ${job.externalJobId}, ${job.pipeline.length} tasks`];
  return { json: { isValid: true, ...rowOf(job) }, text: [...lines, ...job.warnings].join('\n') };
}

function list(jobs: readonly JobSpec[]): Said {
  const rows = jobs.map(rowOf);
  const text = rows
    .map((row) => `${row.externalJobId}  ${row.contract ?? row.schedule}  ${row.file}  ${row.name}`)
    .join('\n');
  return { json: { jobs: rows }, text };
}

async function tryOut(job: JobSpec, sample: string, settings: JobNodeSettings): Promise<Said> {
  const request = readSample(sample, job);
  const result = await dryRun(job, request, job.chainId ?? 0n, {
    bridges: { devsen: { url: settings.BRIDGE_URL, token: settings.BRIDGE_TOKEN }, ...settings.BRIDGES },
    chain: makeChain(makeRpc(settings.RPC_URL, settings.RPC_TIMEOUT_MS)),
    httpTimeoutMs: settings.HTTP_TIMEOUT_MS,
    asyncTimeoutMs: settings.ASYNC_TIMEOUT_MS,
    httpMaxBytes: settings.HTTP_MAX_BYTES,
    forwarder: settings.NODE_FORWARDER || undefined,
    weiPerLink: settings.LINK_PRICE_GWEI * 1_000_000_000n,
    randomBelow: randomInt,
  });
  const lines = result.tasks.map(
    ({ id, type, value, fault }) => `${id} (${type}): ${fault === null ? JSON.stringify(value) : `FAILED: ${fault}`}`,
  );
  const txs = result.txs.map((tx) => `would send to ${tx.to}, gas limit ${tx.gasLimit}: ${tx.data}`);
  return { json: result, text: [...lines, ...txs].join('\n'), isGood: result.isSuccess };
}
