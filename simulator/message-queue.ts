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

/** What survives a power cut: transaction messages are in flash memory, all else is in RAM. */
export function afterPowerCut(queue: MessageQueue): MessageQueue {
  return queue.filter(isTransactionMessage);
}
