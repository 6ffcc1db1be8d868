import { DevsenError } from '../core/errors.ts';
import type { JobNodeSettings } from './node/settings.ts';

/** What a command says: as text, or as JSON. */
export interface Said {
  text: string;
  json: unknown;
  /** False if what was asked about is not as it should be; the exit code is then 1. */
  isGood?: boolean;
}

const STATES = ['unfinished', 'completed', 'errored', 'cancelled', 'orphaned'];

/** Runs of the running node, newest first; of one state, or of all if it is empty. */
export async function sayRuns(settings: JobNodeSettings, state: string): Promise<Said> {
  if (state !== '' && !STATES.includes(state))
    throw new DevsenError('INPUT_INVALID', `state: expected ${STATES.join(', ')}`);
  const answer = await askNode(settings, 'GET', `/v2/runs${state === '' ? '' : `?state=${state}`}`);
  const { runs } = answer as {
    runs: { id: number; state: string; requestId: string; blockNumber: number; note: string | null }[];
  };
  const lines = runs.map((run) =>
    `${run.id}  ${run.state}  ${run.requestId}  block ${run.blockNumber}  ${run.note ?? ''}`.trimEnd(),
  );
  return { json: answer, text: lines.length === 0 ? 'no runs' : lines.join('\n') };
}

/** One run of the running node. */
export async function sayRun(settings: JobNodeSettings, id: string): Promise<Said> {
  const answer = await askNode(settings, 'GET', `/v2/runs/${encodeURIComponent(id)}`);
  const run = answer as {
    id: number;
    state: string;
    requestId: string;
    note: string | null;
    tasks: { id: string; attempts: number; value: unknown; fault: string | null }[];
    txs: {
      state: string;
      to: string;
      attempts: { hash: string; account: string; nonce: number; isEmpty: boolean }[];
    }[];
  };
  const tasks = run.tasks.map(
    ({ id: task, attempts, value, fault }) =>
      `  ${task} (attempt ${attempts}): ${fault === null ? JSON.stringify(value) : `FAILED: ${fault}`}`,
  );
  const txs = run.txs.flatMap(({ state, to, attempts }) => [
    `  tx to ${to}: ${state}`,
    ...attempts.map(
      ({ hash, account, nonce, isEmpty }) => `    ${hash} from ${account}, nonce ${nonce}${isEmpty ? ', empty' : ''}`,
    ),
  ]);
  const head = `${run.id}  ${run.state}  ${run.requestId}${run.note === null ? '' : `  ${run.note}`}`;
  return { json: answer, text: [head, ...tasks, ...txs].join('\n') };
}

/** Whether the running node is well. */
export async function sayStatus(settings: JobNodeSettings): Promise<Said> {
  const answer = await askNode(settings, 'GET', '/health');
  const { status, problems, alerts } = answer as { status: string; problems: string[]; alerts: string[] };
  const lines = [...problems.map((text) => `problem: ${text}`), ...alerts.map((text) => `alert: ${text}`)];
  return { json: answer, text: [status, ...lines].join('\n'), isGood: status === 'ok' };
}

/** Has the running node read the chain again from a block. */
export async function sayReplay(settings: JobNodeSettings, block: string): Promise<Said> {
  if (!/^\d{1,15}$/.test(block)) throw new DevsenError('INPUT_INVALID', 'block: expected a whole number');
  const json = await askNode(settings, 'POST', `/v2/replay?from=${block}`);
  return {
    json,
    text: `The node reads the chain again from block ${block}; what it has answered it does not answer twice.`,
  };
}

async function askNode(settings: JobNodeSettings, method: string, path: string): Promise<unknown> {
  const { JOBS_HOST: host, JOBS_PORT: port, JOBS_TOKEN: token } = settings;
  if (token === '' && path !== '/health')
    throw new DevsenError('SETTINGS_INVALID', 'JOBS_TOKEN is not set: the node shows its runs to whoever has it');
  let response: Response;
  try {
    response = await fetch(`http://${host}:${port}${path}`, { method, headers: { authorization: `Bearer ${token}` } });
  } catch {
    throw new DevsenError(
      'INPUT_INVALID',
      `no job node answers at ${host}:${port} (JOBS_HOST, JOBS_PORT): does it run?`,
    );
  }
  const body = (await response.json()) as { error?: { message?: string } };
  if (!response.ok && path !== '/health')
    throw new DevsenError('INPUT_INVALID', `the job node: ${body.error?.message ?? response.status}`);
  return body;
}
