import type { AddressInfo } from 'node:net';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { DevsenError } from '../core/errors.ts';
import { isCommandQuery } from '../core/request-approval.ts';
import type { Logger } from '../runtime/log.ts';
import type { Running } from '../runtime/process.ts';
import type { BatchExport } from './batch-export.ts';
import {
  asBridgeError,
  type BridgePending,
  encodeAnswer,
  makeAnswer,
  makeTokenCheck,
  readBridgeRequest,
  readRunId,
} from './bridge.ts';
import type { Changes } from './changes.ts';
import type { Endpoint } from './endpoints.ts';
import type { Health } from './health.ts';
import type { LaterAnswers } from './later-answers.ts';
import type { AdapterMetrics } from './metrics.ts';
import { makePeerApi } from './peer-api.ts';
import type { RateLimit } from './rate-limit.ts';
import { makeReadApi, type ReadApiMeans } from './read-api.ts';

const MOST_BODY_BYTES = 65_536;
/** Questions that may wait at once; each holds a socket. */
const MOST_WAITING = 1_000;
/** How long answers under way may take when the server closes. */
const CLOSE_GRACE_MS = 500;

export interface HttpOptions {
  host: string;
  port: number;
  bridgeToken: string;
  endpoints: ReadonlyMap<string, Endpoint>;
  /** Takes questions whose asker does not wait for the answer. */
  later: Pick<LaterAnswers, 'take'>;
  metrics: AdapterMetrics;
  health: () => Promise<Health>;
  reading: Omit<ReadApiMeans, 'changes'>;
  changes: Changes;
  /** The record as gateways signed it; undefined until the chain has told the network. */
  batches: () => BatchExport | undefined;
  /** What other operators must show to read it; empty if they may not. */
  peerToken: string;
  /** Of questions with the bridge token; and of all other requests, health and metrics left out: a flood of them stops no job. */
  limits: { bridge: RateLimit; others: RateLimit };
  /** Counts the questions under way. */
  waiting: { count: number };
  log: Logger;
  now: () => number;
}

/**
 * Serves the bridge on `POST /`, `GET /health` and `GET /metrics`, and the public read API.
 *
 * @throws Error as Node gives it if the port cannot be had
 */
export async function serveHttp(options: HttpOptions): Promise<Running & { port: number }> {
  const closing = new AbortController();
  const app = makeApp(options, closing.signal);
  const server = app.listen(options.port, options.host);
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      closing.abort(new DevsenError('NOT_YET', 'the adapter is stopping'));
      options.changes.close();
      const closed = new Promise((resolve) => server.close(resolve));
      // Those who waited are being answered; connections that are kept open, or half read, would hold the close.
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

function makeApp(options: HttpOptions, closing: AbortSignal): Express {
  const { metrics, health } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((_request, response, next) => {
    if (closing.aborted) response.set('connection', 'close');
    next();
  });
  app.get('/health', async (_request, response) => {
    const state = await health();
    response.status(state.status === 'green' ? 200 : 503).json(state);
  });
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  const isToken = makeTokenCheck(options.bridgeToken);
  app.post('/', (_request, response, next) => {
    response.set('cache-control', 'no-store');
    next();
  });
  // Before the body is read: who has no token can make the adapter do nothing.
  const [ofBridge, ofOthers] = [limited(options.limits.bridge), limited(options.limits.others)];
  app.post('/', (request, response, next) => {
    if (isToken(request.get('authorization'))) return ofBridge(request, response, next);
    const refuse = (error: unknown) => next(error ?? new DevsenError('UNAUTHORISED', 'wrong or missing bridge token'));
    ofOthers(request, response, refuse);
  });
  app.post('/', express.json({ limit: MOST_BODY_BYTES, type: () => true }), (request, response) =>
    answer(options, request, response, closing),
  );
  app.use(ofOthers);
  app.use(makePeerApi(options.batches, options.peerToken));
  app.use(makeReadApi({ ...options.reading, changes: options.changes }));
  app.use((_request, _response, next) => next(new DevsenError('NOT_FOUND', 'no such path')));
  app.use(errorHandler(options, closing));
  return app;
}

/** @throws DevsenError `RATE_LIMITED`, having said when to come again */
function limited(limit: RateLimit): RequestHandler {
  return (_request, response, next) => {
    const waitSec = limit.take();
    if (waitSec === undefined) return next();
    response.set('retry-after', `${waitSec}`);
    next(new DevsenError('RATE_LIMITED', `too many requests; the next in ${waitSec} s`));
  };
}

async function answer(options: HttpOptions, request: Request, response: Response, closing: AbortSignal): Promise<void> {
  const { endpoints, metrics, waiting, log, now } = options;
  const requestedAtMs = now();
  const { jobRunId, endpoint, data, responseUrl } = readBridgeRequest(request.body);
  const run = endpoints.get(endpoint);
  if (run === undefined)
    throw new DevsenError('NOT_FOUND', `endpoint must be one of ${[...endpoints.keys()].join(', ')}`);
  if (responseUrl !== undefined && isCommandQuery(endpoint)) {
    options.later.take({ responseUrl, jobRunId, endpoint, data });
    const body: BridgePending = { jobRunID: jobRunId, pending: true };
    response.json(body);
    metrics.answered(endpoint, 200, 0);
    return;
  }
  if (waiting.count >= MOST_WAITING) throw new DevsenError('OVERLOADED', 'too many questions wait already');
  const gone = new AbortController();
  response.once('close', () => gone.abort(new DevsenError('NOT_YET', 'the caller hung up')));
  waiting.count++;
  let statusCode = 200;
  try {
    const found = await run(data, AbortSignal.any([gone.signal, closing]), jobRunId);
    response.type('json').send(encodeAnswer(makeAnswer(jobRunId, found, requestedAtMs, now())));
    log.info(
      { jobRunId, endpoint, deviceId: data.deviceId, asOf: data.asOf, ...(found.logged ?? found.fields) },
      'answered',
    );
  } catch (error) {
    statusCode = asBridgeError(error, jobRunId).statusCode;
    throw error;
  } finally {
    waiting.count--;
    metrics.answered(endpoint, statusCode, (now() - requestedAtMs) / 1000);
  }
}

function errorHandler({ log }: HttpOptions, closing: AbortSignal): ErrorRequestHandler {
  return (error, request, response, _next) => {
    const body = asBridgeError(fromBodyParser(error), readRunId(request.body));
    const fields = { jobRunId: body.jobRunID, code: body.error.name, reason: body.error.message };
    if (body.statusCode === 500) log.error({ ...fields, err: error }, 'request failed');
    else log.info(fields, 'request not answered');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (closing.aborted) response.set('connection', 'close');
    if (body.statusCode === 503 || body.statusCode === 504) response.set('retry-after', '1');
    response.status(body.statusCode).json(body);
  };
}

/** The body parser's own errors, which carry a `type`, as ours. */
function fromBodyParser(error: unknown): unknown {
  const { type } = (error ?? {}) as { type?: string };
  if (type === 'entity.too.large') return new DevsenError('INPUT_INVALID', `the body is over ${MOST_BODY_BYTES} bytes`);
  if (type === undefined || error instanceof DevsenError) return error;
  return new DevsenError('INPUT_INVALID', 'the body is no JSON that can be read');
}
