import WebSocket from 'ws';
import { benchCharger, makeBenchTalk } from './gateway-traffic.ts';

/**
 * A process of chargers that send one message after another, each as soon as the one before is answered.
 * Told `connect` with the server's URL, it says `connected`; asked `count`, it says how many answers came in; told
 * `stop`, it sends nothing more, waits for what is on the way, and ends.
 */
let answers = 0;
let errors = 0;
let isStopping = false;
const sockets: WebSocket[] = [];

process.on('message', (order: { do: string; url?: string; chargers?: number }) => {
  if (order.do === 'connect') void connectAll(String(order.url), Number(order.chargers));
  if (order.do === 'count') process.send?.({ answers, errors });
  if (order.do === 'stop') {
    isStopping = true;
    setTimeout(() => {
      for (const socket of sockets) socket.terminate();
      process.disconnect();
    }, 500);
  }
});

async function connectAll(url: string, chargers: number): Promise<void> {
  for (let first = 0; first < chargers; first += 50) {
    const some = Array.from({ length: Math.min(50, chargers - first) }, (_, i) => connect(url, first + i));
    sockets.push(...(await Promise.all(some)));
  }
  process.send?.({ connected: sockets.length });
  for (const [number, socket] of sockets.entries()) talk(socket, number);
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

function talk(socket: WebSocket, number: number): void {
  const { next, heard } = makeBenchTalk(number);
  socket.on('message', (data: Buffer) => {
    answers++;
    const frame = data.toString();
    if (frame.charCodeAt(1) === 0x34) errors++;
    else heard(frame);
    if (!isStopping) socket.send(next());
  });
  socket.on('close', () => {
    if (!isStopping) throw new Error(`the server closed the connection of charger ${number}`);
  });
  socket.send(next());
}
