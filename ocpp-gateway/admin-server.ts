import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { sha256Hex } from '../core/identity.ts';
import type { Health } from './health.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { StationFacts } from './station.ts';

export interface AdminServer {
  readonly port: number;
  close: () => Promise<void>;
}

export interface AdminServerOptions {
  host: string;
  port: number;
  /** Bearer token for what not everybody may see; undefined: nobody may. */
  token: string | undefined;
  health: () => Health;
  metrics: GatewayMetrics;
  /** See `Stations.list`. */
  listChargers: (after: string, most: number) => StationFacts[];
}

const MOST_PER_PAGE = 1_000;

/**
 * Serves whoever runs the gateway: `GET /health` (200 if green, 503 if red), `GET /metrics`, and with the token
 * `GET /v1/chargers?after=<identity>&limit=<number>`, the chargers that are connected.
 */
export async function openAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { token, health, metrics, listChargers } = options;
  const server = createServer((request, response) => {
    const url = URL.parse(`http://localhost${request.url}`);
    if (request.method !== 'GET') send(response, 405, 'text/plain', 'only GET\n');
    else if (url?.pathname === '/health') {
      const state = health();
      sendJson(response, state.status === 'green' ? 200 : 503, state);
    } else if (url?.pathname === '/metrics') {
      metrics.render().then(
        ({ contentType, text }) => send(response, 200, contentType, text),
        () => send(response, 500, 'text/plain', 'metrics failed\n'),
      );
    } else if (url?.pathname === '/v1/chargers') {
      if (token === undefined || !hasToken(request, token)) {
        response.setHeader('www-authenticate', 'Bearer');
        const message = token === undefined ? 'GATEWAY_ADMIN_TOKEN is not set' : 'the token is missing or wrong';
        sendJson(response, 401, { error: { code: 'UNAUTHORISED', message } });
      } else sendJson(response, 200, page(url.searchParams, listChargers));
    } else send(response, 404, 'text/plain', 'GET /health, GET /metrics or GET /v1/chargers\n');
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(options.port, options.host, resolve);
  await promise;
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: async () => {
      const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
      server.close(() => setClosed());
      server.closeAllConnections();
      await closed;
    },
  };
}

/** One page, and where the next one begins; a wrong limit counts as none. */
function page(query: URLSearchParams, list: AdminServerOptions['listChargers']) {
  const limit = Number(query.get('limit') ?? MOST_PER_PAGE);
  const most = Number.isInteger(limit) && limit >= 1 ? Math.min(limit, MOST_PER_PAGE) : MOST_PER_PAGE;
  const found = list(query.get('after') ?? '', most);
  const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    chargers: found.map(({ connectedAtMs, lastFrameAtMs, ...facts }) => ({
      ...facts,
      connectedAt: time(connectedAtMs),
      lastFrameAt: time(lastFrameAtMs),
    })),
    next: found.length < most ? null : (found.at(-1)?.identity ?? null),
  };
}

/** Compares in the same time for every wrong token, whatever its length. */
function hasToken({ headers }: IncomingMessage, token: string): boolean {
  const [, shown = ''] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  return timingSafeEqual(Buffer.from(sha256Hex(shown)), Buffer.from(sha256Hex(token)));
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, 'application/json', `${JSON.stringify(body)}\n`);
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(body);
}
