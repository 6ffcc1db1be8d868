import type { Wallet } from 'ethers';
import type { Logger } from '../../runtime/log.ts';
import type { Alerts } from './alerts.ts';
import type { Chain } from './chain.ts';
import type { TxRequest, TxStore } from './tx-store.ts';
import type { Value } from './values.ts';
import type { WaitingLine } from './waiting-line.ts';

export interface SenderRules {
  pollMs: number;
  finalityBlocks: number;
  /** Most txs of one account sent and not yet mined. */
  maxInFlight: number;
  capWei: bigint;
  bumpAfterMs: number;
  bumpPercent: bigint;
  /** How long an answer whose gas costs more than it earns waits for cheaper gas. */
  profitWaitMs: number;
}

/** An account that sends. */
export interface Account {
  wallet: Wallet;
  /** Its txs are brought to an end, and no new ones begun. */
  isRetiring: boolean;
}

export interface Sender {
  /** The accounts that send new txs, lower case. */
  accounts: Pick<ReadonlySet<string>, 'has'>;
  /** Has a tx sent; asked again with the same key, it does nothing. */
  submit: (request: TxRequest) => void;
  /** The receipt once it is deep enough. @throws Error saying why there will be none */
  outcome: (key: string, signal: AbortSignal) => Promise<Value>;
}

/**
 * What a second endpoint says of a tx that is about to be sent, or given up; `differs` if it holds another block than the
 * one the tx rests on, `unknown` if it cannot say now.
 */
export type SecondOpinion = (tx: TxRequest, from: string) => Promise<'succeeds' | 'fails' | 'differs' | 'unknown'>;

/** Told for the metrics. */
export type SenderEvent =
  | 'sent'
  | 'bumped'
  | 'mined'
  | 'reverted'
  | 'refused'
  | 'replaced'
  | 'nonce-taken'
  | 'cap-reached'
  | 'no-funds'
  | 'held'
  | 'disputed'
  | 'unprofitable';

/** What sending from any account rests on. */
export interface SendingParts {
  chain: Chain;
  store: TxStore;
  line: WaitingLine;
  rules: SenderRules;
  log: Logger;
  nowMs: () => number;
  onEvent: (event: SenderEvent) => void;
  alerts: Alerts;
  secondOpinion: SecondOpinion | undefined;
  /** Tells the task that waits for a tx that its outcome is known. */
  settled: (key: string) => void;
}
