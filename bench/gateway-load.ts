import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { type BenchTalk, benchCharger, makeBenchTalk } from './gateway-traffic.ts';

/**
 * A process of chargers. Its orders, each answered with one message:
 *
 * - `connect` with the servers' URLs: as many chargers, in turn
 * - `talk`: each sends one message after another, as soon as the one before is answered
 * - `hush`: they send nothing more; answered once nobody waits for an answer
 * - `count`: how many answers came in
 * - `pace`: they send so many messages per second in all, for a while; how long answers took
 * - `storm`: all lose their sockets at once, come back at once and send what they kept; who got an answer
 * - `stop`: sends nothing more, waits for what is on the way, and ends
 */
interface Order {
  do: string;
  urls?: string[];
  chargers?: number;
  perSec?: number;
  forMs?: number;
}

interface Client {
  number: number;
  url: string;
  socket: WebSocket;
  talk: BenchTalk;
  /** When its message went out, `performance.now()`; undefined if none is on the way. */
  sentAtMs: number | undefined;
}

const AT_ONCE = 50;
const TICK_MS = 5;
const STORM_MS = 120_000;
/** As chargers do it: each pause up to twice as long as the one before. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 16_000;

let answers = 0;
let errors = 0;
let isTalking = false;
let isEnding = false;
let latencies: number[] = [];
const clients: Client[] = [];

const orders: Record<string, (order: Order) => Promise<object> | object> = {
  connect: connectAll,
  talk: () => {
    isTalking = true;
    for (const client of clients) say(client);
    return {};
  },
  hush,
  count: () => ({ answers, errors }),
  pace,
  storm,
};

process.on('message', async (order: Order) => {
  if (order.do !== 'stop') process.send?.((await orders[order.do]?.(order)) ?? {});
  else {
    isTalking = false;
    isEnding = true;
    setTimeout(() => {
      for (const { socket } of clients) socket.terminate();
      process.disconnect();
    }, 500);
  }
});

async function connectAll({ urls = [], chargers = 0 }: Order): Promise<object> {
  for (let first = 0; first < chargers; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, chargers - first) }, async (_, i) => {
      const number = first + i;
      const url = urls[number % urls.length] as string;
      const talk = makeBenchTalk(number);
      const client: Client = { number, url, socket: await connect(url, number), talk, sentAtMs: undefined };
      listen(client);
      return client;
    });
    clients.push(...(await Promise.all(some)));
  }
  return { connected: clients.length };
}

function connect(url: string, number: number): Promise<WebSocket> {
  const { identity, key } = benchCharger(number);
  const socket = new WebSocket(`${url}/${identity}`, ['ocpp1.6'], {
    perMessageDeflate: false,
    auth: `${identity}:${key.toString('hex')}`,
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

function say(client: Client): void {
  client.sentAtMs = performance.now();
  client.socket.send(client.talk.next());
}

function listen(client: Client): void {
  const { socket } = client;
  socket.on('message', (data: Buffer) => {
    answers++;
    const frame = data.toString();
    if (frame.charCodeAt(1) === 0x34) errors++;
    else client.talk.heard(frame);
    if (client.sentAtMs !== undefined) latencies.push(performance.now() - client.sentAtMs);
    client.sentAtMs = undefined;
    if (isTalking) say(client);
    else if (latencies.length > 1_000_000) latencies = [];
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    if (!isEnding && client.socket === socket) throw new Error(`the server closed charger ${client.number}'s socket`);
  });
}

async function hush(): Promise<object> {
  isTalking = false;
  while (clients.some(({ sentAtMs }) => sentAtMs !== undefined)) await sleep(TICK_MS);
  return {};
}

async function pace({ perSec = 0, forMs = 0 }: Order): Promise<object> {
  isTalking = false;
  latencies = [];
  const begunAtMs = performance.now();
  let sent = 0;
  let turn = 0;
  /** Who waits for an answer has nothing to say: its turn is somebody else's, or the rate would not be what it is said to be. */
  const nextFree = (): Client | undefined => {
    for (let tries = 0; tries < clients.length; tries++) {
      const client = clients[turn++ % clients.length];
      if (client?.sentAtMs === undefined) return client;
    }
    return undefined;
  };
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const passedMs = performance.now() - begunAtMs;
      for (const due = (passedMs * perSec) / 1000; sent < due; sent++) {
        const client = nextFree();
        if (client === undefined) break;
        say(client);
      }
      if (passedMs < forMs) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  // The first fifth is warm-up.
  const counted = latencies.slice(Math.floor(latencies.length / 5)).sort((a, b) => a - b);
  const at = (share: number) => counted[Math.floor(counted.length * share)] ?? Number.NaN;
  return { perSec: (sent * 1000) / (performance.now() - begunAtMs), p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Each keeps one message from the time it was away, and sends it until it is answered. */
async function storm(): Promise<object> {
  const begunAtMs = performance.now();
  const before = clients.map(({ socket }) => socket);
  isEnding = true;
  for (const socket of before) socket.terminate();
  const backMs = await Promise.all(clients.map((client) => comeBack(client, begunAtMs + STORM_MS)));
  isEnding = false;
  const back = backMs.filter((ms) => ms !== undefined);
  return { acknowledged: back.length, tookMs: performance.now() - begunAtMs };
}

async function comeBack(client: Client, untilMs: number): Promise<number | undefined> {
  const text = stormMessage(client.number);
  for (let pauseMs = FIRST_RETRY_MS; performance.now() < untilMs; pauseMs = Math.min(2 * pauseMs, LONGEST_RETRY_MS)) {
    try {
      const socket = await connect(client.url, client.number);
      client.socket = socket;
      const answered = new Promise<boolean>((resolve) => {
        socket.on('message', (data) => String(data).includes('"storm"') && resolve(true));
        socket.on('close', () => resolve(false));
      });
      socket.send(text);
      if (await answered) return performance.now();
    } catch {
      // It is refused, or cut off: it comes again.
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
  }
  return undefined;
}

function stormMessage(number: number): string {
  const payload = { transactionId: number + 1, meterStop: 7, timestamp: new Date().toISOString() };
  return JSON.stringify([2, 'storm', 'StopTransaction', payload]);
}
