import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * What happens to the next command that a client sends: a script, by which batches are written, unless told.
 *
 * - `lose-request`: it never reaches Redis, and the connection breaks
 * - `lose-reply`: Redis carries it out, but the connection breaks before the reply is through
 */
export type Mishap = 'lose-request' | 'lose-reply';

/** A TCP proxy before a Redis, which lets commands go wrong. */
export interface RedisProxy {
  readonly url: string;
  /** Each of these commands from now on takes the next of these. */
  plan: (mishaps: readonly (Mishap | undefined)[]) => void;
  /** How many of these commands it has seen begin. */
  scripts: () => number;
  close: () => Promise<void>;
}

/** @param command - the name of the commands that may go wrong, as a pattern */
export async function openRedisProxy(redisPort: number, command = 'eval(sha)?'): Promise<RedisProxy> {
  const name = new RegExp(`\\r\\n${command}\\r\\n`, 'i');
  const planned: (Mishap | undefined)[] = [];
  const sockets = new Set<Socket>();
  let scripts = 0;

  const server = createServer((client) => {
    const redis = connect(redisPort, '127.0.0.1');
    const cut = () => {
      client.destroy();
      redis.destroy();
    };
    let isReplyLost = false;
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on('error', cut).on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    client.on('data', (data) => {
      if (name.test(data.toString('latin1'))) {
        scripts++;
        const mishap = planned.shift();
        if (mishap === 'lose-request') return cut();
        if (mishap === 'lose-reply') isReplyLost = true;
      }
      redis.write(data);
    });
    redis.on('data', (data) => {
      if (isReplyLost) cut();
      else client.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `redis://127.0.0.1:${port}`,
    plan: (mishaps) => void planned.splice(0, planned.length, ...mishaps),
    scripts: () => scripts,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
