/** The pots of an epoch, in the order in which `RewardsDEVSEN` numbers them. */
export const POTS = ['uptime', 'occupants', 'builders'] as const;
/** One figure for each pot, token base units. */
export type PerPot = readonly [bigint, bigint, bigint];

/** What `RewardsDEVSEN` and the token were deployed with; none of it can change. */
export interface RewardTerms {
  /** Length of an epoch, s. */
  epochSec: bigint;
  /** Most that a pot pays of its weights, basis points. */
  capBps: bigint;
  /** The token in which fees count and rewards are paid. */
  token: string;
  /** Most there can be of it, token base units. */
  tokenCap: bigint;
}

/** A session that the vault settled within the epoch. */
export interface SettledSession {
  key: string;
  device: string;
  occupant: string;
  /** Who was paid: the charger's owner then. */
  payee: string;
  token: string;
  /** Token base units. */
  fee: bigint;
}

/** A session that counts, in the words of `RewardsDEVSEN`. */
export interface CountedSession {
  key: string;
  device: string;
  occupant: string;
  owner: string;
  fee: bigint;
  /** Whether it was counted before claims were open. */
  isInTime: boolean;
}

/** What was agreed about a charger: as `RewardsDEVSEN` took it, and as the ledger said it. */
export interface AgreedUptime {
  device: string;
  usableSec: bigint;
  excludedSec: bigint;
  /** Undefined where the ledger has no agreed answer to that request. */
  ledger: { usableSec: bigint; excludedSec: bigint } | undefined;
}

/** All logs that bear on an epoch, in the order of the chain. Addresses are checksummed. */
export interface EpochHistory {
  epoch: number;
  settled: readonly SettledSession[];
  counted: readonly CountedSession[];
  budgets: readonly { pot: number; fromEpoch: number; amount: bigint }[];
  uptimes: readonly AgreedUptime[];
  /** What the pots were fixed at, and how many tokens there were then; undefined until the first claim. */
  closed: { granted: PerPot; supplyAfter: bigint } | undefined;
  claims: readonly { pot: number; earner: string; amount: bigint }[];
}
