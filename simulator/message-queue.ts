import { type ChargerMessage, isTransactionMessage } from './charger-message.ts';

/**
 * What a charger still has to tell, oldest first. Pure: each function returns the next queue.
 *
 * Transaction messages are never lost or reordered. Of a connector's status only the last counts while nobody listens,
 * and it keeps its place after the transaction messages that came before it.
 */
export type MessageQueue = readonly ChargerMessage[];

/** Adds a message; while offline a connector's newer status takes the place of its older one. */
export function enqueue(queue: MessageQueue, message: ChargerMessage, isOnline: boolean): MessageQueue {
  if (isOnline || message.kind !== 'status') return [...queue, message];
  const isOlder = (other: ChargerMessage) => other.kind === 'status' && other.connector === message.connector;
  return [...queue.filter((other) => !isOlder(other)), message];
}

/**
 * A queue that has become too long without half of its meter values, oldest first of each pair: begin and end of a
 * transaction, and what flowed between, are still known (OCPP 2.0.1 E04.FR.07 to 09; OCPP 1.6 has no rule for it).
 */
export function thinned(queue: MessageQueue, most: number): MessageQueue {
  if (queue.length <= most) return queue;
  let meters = 0;
  return queue.filter((message) => {
    const isDispensable = message.kind === 'meter' && message.signed === undefined;
    return !isDispensable || meters++ % 2 === 1;
  });
}

/** What survives a power cut: transaction messages are in flash memory, all else is in RAM. */
export function afterPowerCut(queue: MessageQueue): MessageQueue {
  return queue.filter(isTransactionMessage);
}
