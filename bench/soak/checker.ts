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
  kind:
    | 'lost'
    | 'doubled'
    | 'disordered'
    | 'gap'
    /** On record, and the charger has never said it, or was told another answer. */
    | 'foreign'
    | 'differing'
    | 'open transaction'
    | 'divided transaction'
    | 'unanswered start';
  charger: string;
  /** The operator whose record it is; absent where it is the charger's own affair. */
  operator?: string;
  what: string;
}

/** What became of a charger's transactions. */
export interface TransactionCount {
  /** Begun with a card that was accepted, ended, and not because the card was refused. */
  complete: number;
  /** Why they ended, be they complete or not. */
  ended: Map<string, number>;
  /** What was said of the card where it was not accepted. */
  refused: Map<string, number>;
  /** Never begun for the record, and why. */
  parked: Map<string, number>;
}

export function noTransactions(): TransactionCount {
  return { complete: 0, ended: new Map(), refused: new Map(), parked: new Map() };
}

/** One more, or so many. */
export function countIn(counts: Map<string, number>, what: string, number = 1): void {
  counts.set(what, (counts.get(what) ?? 0) + number);
}

/** Compares what a charger was acknowledged with what one operator has on record of it. */
export function checkRecord(account: ChargerAccount, operator: string, events: readonly RecordedEvent[]): Finding[] {
  const { identity: charger, acknowledged, sent } = account;
  const findings: Finding[] = gapsIn(events).map((what) => ({ kind: 'gap', charger, operator, what }));
  const isAcknowledged = new Set(acknowledged);
  const places = new Map<string, number[]>();
  for (const [place, { epoch, seq, kind, frame, reply }] of events.entries()) {
    if (kind !== 'call' && kind !== 'suspect') continue;
    const digest = digestOf(frame, reply);
    if (isAcknowledged.has(digest)) places.set(digest, [...(places.get(digest) ?? []), place]);
    else if (!sent.has(digestOf(frame))) {
      findings.push({
        kind: 'foreign',
        charger,
        operator,
        what: `epoch ${epoch} seq ${seq}: not what the charger knows`,
      });
    }
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

/** Finds messages that a charger was acknowledged twice: each goes out under an id of its own. */
export function checkAccount({ identity: charger, acknowledged }: ChargerAccount): Finding[] {
  const seen = new Set<string>();
  return acknowledged.flatMap((digest, n): Finding[] => {
    if (!seen.has(digest)) {
      seen.add(digest);
      return [];
    }
    return [
      { kind: 'doubled', charger, what: `acknowledged message ${n + 1} of ${acknowledged.length} was one before` },
    ];
  });
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
  const count = noTransactions();
  const { begun, ended: over } = transactionsOnRecord(events);
  for (const [key, { id, authorization, ended, refused }] of transactions) {
    if (id === undefined) {
      if (refused !== undefined) countIn(count.parked, refused);
      else findings.push({ kind: 'unanswered start', charger, what: `the start of ${key} was never answered` });
      continue;
    }
    if (authorization !== 'Accepted') countIn(count.refused, authorization ?? 'not told');
    if (ended !== undefined) countIn(count.ended, ended);
    const open = (what: string) =>
      findings.push({ kind: 'open transaction', charger, what: `transaction ${id}${what}` });
    if (ended === undefined) open(` (${key}) was never stopped`);
    else if (!begun.has(id)) open(': no begin on record');
    else if (!over.has(id)) open(': no end on record');
    else if (authorization === 'Accepted' && ended !== 'DeAuthorized') count.complete++;
  }
  // a start that is sent again must get the id it got before
  const own = new Set([...transactions.values()].flatMap(({ id }) => id ?? []));
  for (const id of begun) {
    if (!own.has(id))
      findings.push({ kind: 'divided transaction', charger, what: `transaction ${id} is on record only` });
  }
  return { findings, count };
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
