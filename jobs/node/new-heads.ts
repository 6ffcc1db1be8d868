import type { Logger } from '../../runtime/log.ts';

const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

/**
 * Has an endpoint tell of new blocks over a WebSocket, so that the chain is read at once and not at the next poll. It
 * only wakes: what is read, and that nothing is missed, stays with the polls, which go on whether it is up or not.
 *
 * @param url - ws or wss; never shown
 */
export function watchNewHeads(url: string, onHead: () => void, log: Logger): { close: () => void } {
  let isClosed = false;
  let pauseMs = MIN_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  let socket: WebSocket | undefined;

  const connect = () => {
    const opened = new WebSocket(url);
    socket = opened;
    opened.addEventListener('open', () => {
      opened.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }));
    });
    opened.addEventListener('message', ({ data }) => {
      const kind = kindOf(String(data));
      if (kind === 'refused') {
        log.warn('the WebSocket endpoint does not tell of new blocks: they are polled for');
        close();
      } else if (kind === 'subscribed') {
        pauseMs = MIN_PAUSE_MS;
        log.info('new blocks are told by WebSocket');
      } else if (kind === 'head') onHead();
    });
    // A close follows every error, and says all that may be shown.
    opened.addEventListener('error', () => {});
    opened.addEventListener('close', ({ code }) => {
      if (isClosed) return;
      log.warn({ code, pauseMs }, 'the WebSocket to the chain is closed');
      timer = setTimeout(connect, pauseMs);
      pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2);
    });
  };
  const close = () => {
    isClosed = true;
    clearTimeout(timer);
    socket?.close();
  };
  connect();
  return { close };
}

function kindOf(text: string): 'head' | 'subscribed' | 'refused' | 'other' {
  try {
    const message = JSON.parse(text) as { id?: unknown; error?: unknown; method?: unknown };
    if (message.method === 'eth_subscription') return 'head';
    if (message.id === 1) return message.error === undefined ? 'subscribed' : 'refused';
  } catch {
    // What is no JSON says nothing.
  }
  return 'other';
}
