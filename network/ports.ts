import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import type { LocalPorts } from './local-plan.ts';

/** Where the parts of a local network are looked for first, so that their URLs stay the same from one start to the next. */
const USUAL = { chain: 8545, gateway: 9220, gatewayAdmin: 9221, adapter: 8081, jobs: 6681 };

/** Ports for a local network: the usual ones where they are free, else any. */
export async function usualPorts(operators: number): Promise<LocalPorts> {
  const any = await anyPorts(operators);
  const or = async (usual: number, other: number) => ((await isPortFree(usual)) ? usual : other);
  return {
    chain: await or(USUAL.chain, any.chain),
    redis: any.redis,
    gateway: await or(USUAL.gateway, any.gateway),
    gatewayAdmin: await or(USUAL.gatewayAdmin, any.gatewayAdmin),
    operators: await Promise.all(
      any.operators.map(async ({ adapter, jobs }, n) => ({
        adapter: await or(USUAL.adapter + n, adapter),
        jobs: await or(USUAL.jobs + n, jobs),
      })),
    ),
  };
}

/** Ports for a local network that are in nobody's way. */
export async function anyPorts(operators: number): Promise<LocalPorts> {
  const free = await freePorts(4 + 2 * operators);
  const take = () => free.pop() ?? 0;
  return {
    chain: take(),
    redis: take(),
    gateway: take(),
    gatewayAdmin: take(),
    operators: Array.from({ length: operators }, () => ({ adapter: take(), jobs: take() })),
  };
}

function isPortFree(port: number): Promise<boolean> {
  return listen(port).then(
    (server) => new Promise((done) => server.close(() => done(true))),
    () => false,
  );
}

/**
 * Where ports are looked for: below those that systems give to outgoing connections. One of these, if it is free now, may be
 * some connection's own end by the time a server wants it.
 */
const LEAST_PORT = 20_000;
const PORTS_END = 32_768;
const MOST_TRIES = 100;

/** Ports of the loopback interface that are free now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listenSomewhere()));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

async function listenSomewhere() {
  for (let tries = 1; ; tries++) {
    try {
      return await listen(randomInt(LEAST_PORT, PORTS_END));
    } catch (error) {
      if (tries === MOST_TRIES) throw error;
    }
  }
}

function listen(port: number) {
  return new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
