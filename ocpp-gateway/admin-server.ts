import { createServer, type ServerResponse } from 'node:http';
import type { Health } from './health.ts';
import type { GatewayMetrics } from './metrics.ts';

export interface AdminServer {
  readonly port: number;
  close: () => Promise<void>;
}

/** Serves `GET /health` (200 if green, 503 if red) and `GET /metrics` to whoever runs the gateway. */
export async function openAdminServer(
  host: string,
  port: number,
  health: () => Health,
  metrics: GatewayMetrics,
): Promise<AdminServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method !== 'GET') send(response, 405, 'text/plain', 'only GET\n');
    else if (path === '/health') {
      const state = health();
      send(response, state.status === 'green' ? 200 : 503, 'application/json', `${JSON.stringify(state)}\n`);
    } else if (path === '/metrics') {
      metrics.render().then(
        ({ contentType, text }) => send(response, 200, contentType, text),
        () => send(response, 500, 'text/plain', 'metrics failed\n'),
      );
    } else send(response, 404, 'text/plain', 'GET /health or GET /metrics\n');
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, resolve);
  await promise;
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
      server.close(() => setClosed());
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(body);
}
