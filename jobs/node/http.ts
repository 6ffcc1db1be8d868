import { createHash, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import { DevsenError } from '../../core/errors.ts';
import type { Reception } from './callbacks.ts';
import type { Metrics } from './metrics.ts';
import type { RunDetails } from './run-details.ts';
import type { RunRow } from './run-store.ts';
import type { JobSpec } from './spec.ts';

export interface HttpSources {
  /** What is wrong, if anything: red as soon as there is one. */
  problems: () => string[];
  /** What an operator must look at though the node goes on. */
  alerts: () => string[];
  metrics: Metrics;
  jobs: readonly JobSpec[];
  listRuns: (beforeId: number, limit: number, state?: string) => RunRow[];
  readRun: (id: number) => RunDetails | undefined;
  /** Has the chain read again from a block on. */
  replay: (fromBlock: number) => void;
  /** Takes an answer that an adapter sends back. */
  receive: (id: string, token: string, body: string) => Reception;
  /** Longest body taken. */
  mostBytes: number;
  /** Empty: jobs and runs are not served. */
  token: string;
}

const PAGE = 100;
/** What a later answer is wrapped in, bytes: `{"value": …}` and a little more. */
const ENVELOPE_BYTES = 64;

const RECEPTIONS = {
  taken: { status: 200, body: {} },
  malformed: refusal(400, 'INPUT_INVALID', 'expected JSON with exactly one of value and error'),
  unknown: refusal(401, 'UNAUTHORISED', 'expected the responseURL as it was given, token included'),
  used: refusal(409, 'ALREADY_ANSWERED', 'this responseURL takes no answer any more'),
};

/**
 * Serves `/health`, `/metrics`, `PATCH /v2/resume/…` for adapters that answer later and, with the token, `/v2/jobs`,
 * `/v2/runs` and `POST /v2/replay`.
 */
export async function serveHttp(
  host: string,
  port: number,
  sources: HttpSources,
): Promise<{ port: number; close: () => Promise<void> }> {
  const app = express();
  app.disable('x-powered-by');
  app.get('/health', (_request, response) => {
    const problems = sources.problems();
    const status = problems.length === 0 ? 'ok' : 'red';
    response.status(problems.length === 0 ? 200 : 503).json({ status, problems, alerts: sources.alerts() });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(sources.metrics.registry.contentType).send(await sources.metrics.registry.metrics());
  });
  const asText = express.text({ type: () => true, limit: sources.mostBytes + ENVELOPE_BYTES });
  app.patch('/v2/resume/:id', asText, (request, response) => {
    const { token } = request.query;
    const body = typeof request.body === 'string' ? request.body : '';
    const { status, body: said } =
      RECEPTIONS[sources.receive(request.params.id, typeof token === 'string' ? token : '', body)];
    response.status(status).json(said);
  });
  app.use('/v2', (request, response, next) => {
    if (isToken(request.headers.authorization ?? '', sources.token)) return next();
    response.status(401).json({ error: { name: 'UNAUTHORISED', message: 'expected the bearer token of JOBS_TOKEN' } });
  });
  app.get('/v2/jobs', (_request, response) => {
    const jobs = sources.jobs.map((job) => {
      const { id, type, name, file, externalJobId } = job;
      const own = job.type === 'cron' ? { schedule: job.scheduleText } : { contract: job.contract };
      return { id, type, name, file, externalJobId, ...own };
    });
    response.json({ jobs });
  });
  app.get('/v2/runs', (request, response) => {
    const before = request.query.before ?? String(Number.MAX_SAFE_INTEGER);
    if (typeof before !== 'string' || !/^\d{1,16}$/.test(before)) {
      response.status(400).json({ error: { name: 'INPUT_INVALID', message: 'before: expected the id of a run' } });
      return;
    }
    const { state } = request.query;
    response.json({ runs: sources.listRuns(Number(before), PAGE, typeof state === 'string' ? state : undefined) });
  });
  app.get('/v2/runs/:id', (request, response) => {
    const { id } = request.params;
    const run = /^\d{1,15}$/.test(id) ? sources.readRun(Number(id)) : undefined;
    if (run) response.json(run);
    else response.status(404).json({ error: { name: 'NOT_FOUND', message: 'no such run' } });
  });
  app.post('/v2/replay', (request, response) => {
    const { from } = request.query;
    if (typeof from !== 'string' || !/^\d{1,15}$/.test(from)) {
      response.status(400).json({ error: { name: 'INPUT_INVALID', message: 'from: expected the number of a block' } });
      return;
    }
    sources.replay(Number(from));
    response.status(202).json({ fromBlock: Number(from) });
  });
  app.use((_request, response) => {
    response.status(404).json({ error: { name: 'NOT_FOUND', message: 'no such path' } });
  });
  const onError: ErrorRequestHandler = (error: { status?: unknown }, _request, response, _next) => {
    const status = typeof error.status === 'number' && error.status < 500 ? error.status : 500;
    const message = status === 413 ? `a body of more than ${sources.mostBytes} bytes` : 'the request cannot be read';
    response.status(status).json({ error: { name: status < 500 ? 'INPUT_INVALID' : 'INTERNAL', message } });
  };
  app.use(onError);
  const server = app.listen(port, host);
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new DevsenError('SETTINGS_INVALID', `JOBS_PORT cannot be listened on: ${error.code}`, { cause: error })),
    );
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function refusal(status: number, name: string, message: string) {
  return { status, body: { error: { name, message } } };
}

/** Compares in a time that says nothing about the token. */
function isToken(header: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return token !== '' && timingSafeEqual(digest(header), digest(`Bearer ${token}`));
}
