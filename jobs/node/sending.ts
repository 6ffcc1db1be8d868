import type { TxRequest } from './tx-store.ts';
import type { Value } from './values.ts';

export interface SenderRules {
  pollMs: number;
  finalityBlocks: number;
  maxInFlight: number;
  capWei: bigint;
  bumpAfterMs: number;
  bumpPercent: bigint;
}

export interface Sender {
  /** Has a tx sent; asked again with the same key, it does nothing. */
  submit: (request: TxRequest) => void;
  /** The receipt once it is deep enough. @throws Error saying why there will be none */
  outcome: (key: string, signal: AbortSignal) => Promise<Value>;
}

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
  | 'no-funds';
