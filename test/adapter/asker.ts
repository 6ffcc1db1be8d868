import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call that brought a later answer. */
export interface Brought {
  method: string;
  path: string;
  authorization: string | undefined;
  body: unknown;
}

/** A job node's side of later answers: keeps what is brought, and says what it is told to. */
export async function startAsker() {
  const brought: Brought[] = [];
  const asker = {
    brought,
    /** The HTTP status of the n-th call, from 1. */
    status: (_n: number) => 200,
    url: (path: string) => `http://127.0.0.1:${port}${path}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
      const n = brought.push({ method, path, authorization: headers.authorization, body });
      response.writeHead(asker.status(n)).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return asker;
}
