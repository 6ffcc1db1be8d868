import { createHash, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { DevsenError } from '../../core/errors.ts';
import type { Metrics } from './metrics.ts';
import type { RunRow } from './run-store.ts';
import type { JobSpec } from './spec.ts';

export interface HttpSources {
  /** What is wrong, if anything: red as soon as there is one. */
  problems: () => string[];
  metrics: Metrics;
  jobs: readonly JobSpec[];
  listRuns: (beforeId: number, limit: number) => RunRow[];
  /** Empty: jobs and runs are not served. */
  token: string;
}

const PAGE = 100;

/** Serves `/health`, `/metrics` and, with the token, `/v2/jobs` and `/v2/runs`. */
export async function serveHttp(
  host: string,
  port: number,
  sources: HttpSources,
): Promise<{ port: number; close: () => Promise<void> }> {
  const app = express();
  app.disable('x-powered-by');
  app.get('/health', (_request, response) => {
    const problems = sources.problems();
    response.status(problems.length === 0 ? 200 : 503).json({ status: problems.length === 0 ? 'ok' : 'red', problems });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(sources.metrics.registry.contentType).send(await sources.metrics.registry.metrics());
  });
  app.use('/v2', (request, response, next) => {
    if (isToken(request.headers.authorization ?? '', sources.token)) return next();
    response.status(401).json({ error: { name: 'UNAUTHORISED', message: 'expected the bearer token of JOBS_TOKEN' } });
  });
  app.get('/v2/jobs', (_request, response) => {
    const jobs = sources.jobs.map(({ id, name, file, externalJobId, contract }) => ({
      id,
      name,
      file,
      externalJobId,
      contract,
    }));
    response.json({ jobs });
  });
  app.get('/v2/runs', (request, response) => {
    const before = request.query.before ?? String(Number.MAX_SAFE_INTEGER);
    if (typeof before !== 'string' || !/^\d{1,16}$/.test(before)) {
      response.status(400).json({ error: { name: 'INPUT_INVALID', message: 'before: expected the id of a run' } });
      return;
    }
    response.json({ runs: sources.listRuns(Number(before), PAGE) });
  });
  app.use((_request, response) => {
    response.status(404).json({ error: { name: 'NOT_FOUND', message: 'no such path' } });
  });
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

/** Compares in a time that says nothing about the token. */
function isToken(header: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return token !== '' && timingSafeEqual(digest(header), digest(`Bearer ${token}`));
}
