import { hash } from 'node:crypto';
import type { Happening } from '../../simulator/conversation.ts';

/** One transaction as the charger knows it. */
export interface KnownTransaction {
  /** The number or key by which the record knows it; undefined until its start was acknowledged. */
  id?: string;
  isStopped: boolean;
  /** Why the start was given up, if it was. */
  refused?: string;
}

/** What one charger was told: to be compared with every operator's record. */
export interface ChargerAccount {
  identity: string;
  /** A digest of each message and its answer, in the order in which they were acknowledged. */
  acknowledged: string[];
  /** By the charger's own key. */
  transactions: Map<string, KnownTransaction>;
  rejected: number;
  unanswered: number;
}

export function makeAccount(identity: string): ChargerAccount {
  return { identity, acknowledged: [], transactions: new Map(), rejected: 0, unanswered: 0 };
}

/** Of a frame and its answer: short, since millions are kept. */
export function digestOf(frame: string, reply: string): string {
  return hash('sha256', `${frame}\n${reply}`, 'base64').slice(0, 16);
}

/** Takes in what a charger goes through. */
export function note(account: ChargerAccount, happening: Happening): void {
  if (happening.kind === 'unanswered') account.unanswered++;
  if (happening.kind === 'rejected') {
    account.rejected++;
    const { message } = happening;
    if (message.kind === 'start') known(account, message.transaction).refused = happening.code;
  }
  if (happening.kind !== 'acknowledged') return;
  const { message, frame, reply } = happening;
  // What is put off is on no record.
  if (message.kind === 'boot' && statusOf(reply) === 'Pending') return;
  account.acknowledged.push(digestOf(frame, reply));
  if (message.kind === 'start') {
    const transaction = known(account, message.transaction);
    transaction.id = idOf(frame, reply);
    delete transaction.refused;
  }
  if (message.kind === 'stop') known(account, message.transaction).isStopped = true;
}

function statusOf(reply: string): string | undefined {
  const [, , answer] = JSON.parse(reply) as [number, string, { status?: string }];
  return answer.status;
}

function known({ transactions }: ChargerAccount, key: string): KnownTransaction {
  const found = transactions.get(key) ?? { isStopped: false };
  transactions.set(key, found);
  return found;
}

/** OCPP 1.6: the number that was answered; later versions: the key that was sent. */
function idOf(frame: string, reply: string): string {
  const [, , , payload] = JSON.parse(frame) as [
    number,
    string,
    string,
    { transactionInfo?: { transactionId: string } },
  ];
  const [, , answer] = JSON.parse(reply) as [number, string, { transactionId?: number }];
  return String(payload.transactionInfo?.transactionId ?? answer.transactionId);
}
