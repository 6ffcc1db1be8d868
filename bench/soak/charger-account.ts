import { hash } from 'node:crypto';
import type { StopReason } from '../../simulator/charger-message.ts';
import type { Happening } from '../../simulator/conversation.ts';

/** One transaction as the charger knows it. */
export interface KnownTransaction {
  /** The number or key by which the record knows it; undefined until its start was acknowledged. */
  id?: string;
  /** What the CSMS said of the card as it acknowledged the start. */
  authorization?: string;
  /** Why it ended; undefined until its end was acknowledged. */
  ended?: StopReason;
  /** Why the start was given up, if it was. */
  refused?: string;
}

/** What one charger was told: to be compared with every operator's record. */
export interface ChargerAccount {
  identity: string;
  /** A digest of each message and its answer, in the order in which they were acknowledged. */
  acknowledged: string[];
  /** A digest of each frame that went out and was not acknowledged; it may be on record. */
  sent: Set<string>;
  /** By the charger's own key. */
  transactions: Map<string, KnownTransaction>;
  rejected: number;
  unanswered: number;
  lost: number;
}

export function makeAccount(identity: string): ChargerAccount {
  return {
    identity,
    acknowledged: [],
    sent: new Set(),
    transactions: new Map(),
    rejected: 0,
    unanswered: 0,
    lost: 0,
  };
}

/** Of a frame and its answer, or of a frame alone: short, since millions are kept. */
export function digestOf(frame: string, reply = ''): string {
  return hash('sha256', `${frame}\n${reply}`, 'base64').slice(0, 16);
}

/** Takes in what a charger goes through. */
export function note(account: ChargerAccount, happening: Happening): void {
  switch (happening.kind) {
    case 'rejected':
    case 'unanswered':
    case 'lost': {
      account[happening.kind]++;
      account.sent.add(digestOf(happening.frame));
      const { message } = happening;
      if (message.kind !== 'start') return;
      const transaction = known(account, message.transaction);
      if (happening.kind === 'rejected') transaction.refused = happening.code;
      return;
    }
    case 'acknowledged': {
      const { message, frame, reply } = happening;
      // What is put off is on no record.
      if (message.kind === 'boot' && statusOf(reply) === 'Pending') return;
      account.acknowledged.push(digestOf(frame, reply));
      if (message.kind === 'start') Object.assign(known(account, message.transaction), startOf(frame, reply));
      if (message.kind === 'stop') known(account, message.transaction).ended = message.reason;
    }
  }
}

function statusOf(reply: string): string | undefined {
  const [, , answer] = JSON.parse(reply) as [number, string, { status?: string }];
  return answer.status;
}

function known({ transactions }: ChargerAccount, key: string): KnownTransaction {
  const found = transactions.get(key) ?? {};
  transactions.set(key, found);
  return found;
}

/** OCPP 1.6: the number that was answered; later versions: the key that was sent. */
function startOf(frame: string, reply: string): Pick<KnownTransaction, 'id' | 'authorization'> {
  const [, , , payload] = JSON.parse(frame) as [
    number,
    string,
    string,
    { transactionInfo?: { transactionId: string } },
  ];
  const [, , answer] = JSON.parse(reply) as [
    number,
    string,
    { transactionId?: number; idTagInfo?: { status: string }; idTokenInfo?: { status: string } },
  ];
  return {
    id: String(payload.transactionInfo?.transactionId ?? answer.transactionId),
    authorization: (answer.idTagInfo ?? answer.idTokenInfo)?.status ?? 'not told',
  };
}
