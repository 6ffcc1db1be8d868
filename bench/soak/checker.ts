import { type ChargerAccount, digestOf } from './charger-account.ts';

/** One event as an operator has it, in the order of epoch and seq. */
export interface RecordedEvent {
  epoch: number;
  seq: number;
  kind: string;
  frame: string;
  reply: string;
}

/** What is wrong; a soak that is right has none. */
export interface Finding {
  kind: 'lost' | 'doubled' | 'disordered' | 'gap' | 'differing' | 'open transaction' | 'divided transaction';
  charger: string;
  /** The operator whose record it is; absent where it is the charger's own affair. */
  operator?: string;
  what: string;
}

/** What became of a charger's transactions. */
export interface TransactionCount {
  complete: number;
  /** Never begun for the record, and why. */
  parked: Map<string, number>;
}

/** Compares what a charger was acknowledged with what one operator has on record of it. */
export function checkRecord(account: ChargerAccount, operator: string, events: readonly RecordedEvent[]): Finding[] {
  const { identity: charger, acknowledged } = account;
  const findings: Finding[] = gapsIn(events).map((what) => ({ kind: 'gap', charger, operator, what }));
  const isAcknowledged = new Set(acknowledged);
  const places = new Map<string, number[]>();
  for (const [place, { kind, frame, reply }] of events.entries()) {
    if (kind !== 'call' && kind !== 'suspect') continue;
    const digest = digestOf(frame, reply);
    if (isAcknowledged.has(digest)) places.set(digest, [...(places.get(digest) ?? []), place]);
  }
  let last = -1;
  for (const [n, digest] of acknowledged.entries()) {
    const at = places.get(digest) ?? [];
    const what = `acknowledged message ${n + 1} of ${acknowledged.length}`;
    if (at.length === 0) findings.push({ kind: 'lost', charger, operator, what });
    if (at.length > 1) findings.push({ kind: 'doubled', charger, operator, what: `${what}, ${at.length} times` });
    const [first] = at;
    if (first === undefined) continue;
    if (first < last) findings.push({ kind: 'disordered', charger, operator, what });
    last = Math.max(last, first);
  }
  return findings;
}

/** Finds where an operator's record says something else than the first one's. */
export function checkAgreement(
  charger: string,
  operator: string,
  first: readonly RecordedEvent[],
  events: readonly RecordedEvent[],
): Finding[] {
  const text = ({ epoch, seq, kind, frame, reply }: RecordedEvent) => JSON.stringify([epoch, seq, kind, frame, reply]);
  const length = Math.max(first.length, events.length);
  for (let n = 0; n < length; n++) {
    const [one, other] = [first[n], events[n]];
    if (one && other && text(one) === text(other)) continue;
    const at = one ?? other;
    const what = `${events.length} events, the first operator has ${first.length}; from epoch ${at?.epoch} seq ${at?.seq} on`;
    return [{ kind: 'differing', charger, operator, what }];
  }
  return [];
}

/** Every transaction of a charger: begun and ended under one id, or parked with a reason. */
export function checkTransactions(
  { identity: charger, transactions }: ChargerAccount,
  events: readonly RecordedEvent[],
): { findings: Finding[]; count: TransactionCount } {
  const findings: Finding[] = [];
  const count: TransactionCount = { complete: 0, parked: new Map() };
  const { begun, ended } = transactionsOnRecord(events);
  for (const [key, { id, isStopped, refused }] of transactions) {
    if (id === undefined) {
      const reason = refused ?? 'start never answered';
      count.parked.set(reason, (count.parked.get(reason) ?? 0) + 1);
      continue;
    }
    const what = `transaction ${id}`;
    if (!isStopped) findings.push({ kind: 'open transaction', charger, what: `${what} (${key}) was never stopped` });
    else if (!begun.has(id)) findings.push({ kind: 'open transaction', charger, what: `${what}: no begin on record` });
    else if (!ended.has(id)) findings.push({ kind: 'open transaction', charger, what: `${what}: no end on record` });
    else count.complete++;
  }
  // a start that is sent again must get the id it got before
  const own = new Set([...transactions.values()].flatMap(({ id }) => id ?? []));
  for (const id of begun) {
    if (!own.has(id))
      findings.push({ kind: 'divided transaction', charger, what: `transaction ${id} is on record only` });
  }
  return { findings, count };
}

/** What a soak must have seen to say anything: one in which nothing happened finds nothing. */
export function whatDidNotHappen(
  accounts: readonly Pick<ChargerAccount, 'identity' | 'acknowledged'>[],
  mishaps: number,
  complete: number,
): string[] {
  const unheard = accounts.filter(({ acknowledged }) => acknowledged.length === 0);
  return [
    ...(mishaps === 0 ? ['nothing went wrong in the time there was'] : []),
    ...(complete === 0 ? ['no transaction was completed'] : []),
    ...(unheard.length > 0
      ? [`${unheard.length} chargers were never acknowledged a message, such as ${unheard[0]?.identity}`]
      : []),
    ...(accounts.length === 0 ? ['there was no charger'] : []),
  ];
}

function transactionsOnRecord(events: readonly RecordedEvent[]): { begun: Set<string>; ended: Set<string> } {
  const begun = new Set<string>();
  const ended = new Set<string>();
  for (const { kind, frame, reply } of events) {
    if (kind !== 'call') continue;
    const [, , action, payload] = JSON.parse(frame) as [number, string, string, Payload];
    if (action === 'StopTransaction') ended.add(String(payload.transactionId));
    if (action === 'StartTransaction') {
      const [type, , answer] = JSON.parse(reply) as [number, string, Payload];
      if (type === 3) begun.add(String(answer.transactionId));
    }
    if (action !== 'TransactionEvent') continue;
    const id = String(payload.transactionInfo?.transactionId);
    if (payload.eventType === 'Started') begun.add(id);
    if (payload.eventType === 'Ended') ended.add(id);
  }
  return { begun, ended };
}

interface Payload {
  transactionId?: number;
  eventType?: string;
  transactionInfo?: { transactionId?: string };
}

/** Where the numbers of a connection's events do not run 0, 1, 2 … */
function gapsIn(events: readonly RecordedEvent[]): string[] {
  const gaps: string[] = [];
  let expected = { epoch: -1, seq: 0 };
  for (const { epoch, seq } of events) {
    if (epoch !== expected.epoch) expected = { epoch, seq: 0 };
    if (seq !== expected.seq) gaps.push(`epoch ${epoch}: seq ${seq} where ${expected.seq} was due`);
    expected = { epoch, seq: seq + 1 };
  }
  return gaps;
}
