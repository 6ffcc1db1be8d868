import type { ChargerAccount } from './charger-account.ts';
import {
  checkAccount,
  checkAgreement,
  checkRecord,
  checkTransactions,
  countIn,
  type Finding,
  noTransactions,
  type TransactionCount,
} from './checker.ts';
import { type OperatorRecord, openOperatorRecord } from './operator-record.ts';

/** What all chargers and all operators' records say, compared. */
export interface Inspection {
  /** How many of each kind. */
  findings: Record<string, number>;
  /** The first few. */
  examples: Finding[];
  transactions: TransactionCount;
  /** Complete transactions by charger. */
  completeOf: Map<string, number>;
  /** Events on record at each operator. */
  recorded: Record<string, number>;
}

const MOST_EXAMPLES = 20;

/** @param files - each operator's database by its name */
export function inspect(
  accounts: readonly ChargerAccount[],
  files: readonly { name: string; file: string }[],
): Inspection {
  const records = files.map(({ name, file }) => ({ name, record: openOperatorRecord(file) }));
  try {
    return inspectRecords(accounts, records);
  } finally {
    for (const { record } of records) record.close();
  }
}

function inspectRecords(
  accounts: readonly ChargerAccount[],
  records: readonly { name: string; record: OperatorRecord }[],
): Inspection {
  const findings: Record<string, number> = {};
  const examples: Finding[] = [];
  const transactions = noTransactions();
  const completeOf = new Map<string, number>();
  const take = (found: readonly Finding[]) => {
    for (const finding of found) {
      findings[finding.kind] = (findings[finding.kind] ?? 0) + 1;
      if (examples.length < MOST_EXAMPLES) examples.push(finding);
    }
  };
  for (const account of accounts) {
    take(checkAccount(account));
    const [first, ...others] = records.map(({ name, record }) => ({ name, events: record.eventsOf(account.identity) }));
    if (!first) continue;
    for (const { name, events } of [first, ...others]) take(checkRecord(account, name, events));
    for (const { name, events } of others) take(checkAgreement(account.identity, name, first.events, events));
    const { findings: found, count } = checkTransactions(account, first.events);
    take(found);
    transactions.complete += count.complete;
    completeOf.set(account.identity, count.complete);
    for (const part of ['ended', 'refused', 'parked'] as const) {
      for (const [why, number] of count[part]) countIn(transactions[part], why, number);
    }
  }
  const recorded = Object.fromEntries(records.map(({ name, record }) => [name, record.count()]));
  return { findings, examples, transactions, completeOf, recorded };
}
