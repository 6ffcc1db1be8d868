import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a proxy does with a call; `forward` gives the chain's own answer. Throwing cuts the connection. */
export type RpcHook = (method: string, params: unknown[], forward: () => Promise<RpcAnswer>) => Promise<RpcAnswer>;

export interface RpcAnswer {
  result?: unknown;
  error?: { code: number; message: string };
}

/** A JSON-RPC endpoint before a real chain that can be away, slow, or wrong, as a test says. */
export interface RpcProxy {
  url: string;
  /** Methods called, in their order. */
  calls: string[];
  hook: RpcHook;
  close: () => Promise<void>;
}

export const passThrough: RpcHook = (_method, _params, forward) => forward();

export async function startRpcProxy(target: string): Promise<RpcProxy> {
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const text = Buffer.concat(chunks).toString();
      const { id, method, params } = JSON.parse(text) as { id: number; method: string; params: unknown[] };
      proxy.calls.push(method);
      const forward = async () => {
        const answer = await fetch(target, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: text,
        });
        return (await answer.json()) as RpcAnswer;
      };
      try {
        const { result, error } = await proxy.hook(method, params, forward);
        const body = error ? { jsonrpc: '2.0', id, error } : { jsonrpc: '2.0', id, result };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      } catch {
        request.socket.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: RpcProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    calls: [],
    hook: passThrough,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}
