import { deriveFacts } from '../../core/derive-facts.ts';
import { type EventProof, verifyEventProof } from '../../core/event-proof.ts';
import { STATUS } from '../../core/status.ts';

/** A connector that the chain knows as available: since when, and as of when the oracles said so, Unix seconds. */
export interface ChainWord {
  identity: string;
  connector: number;
  observedAtSec: number;
  askedAtSec: number;
}

/** What an operator's read API says of a connector (`GET /v1/chargers/{identity}`); nothing in it is believed yet. */
export interface RecordWord {
  connector?: unknown;
  /** Up to when its record goes, Unix seconds. */
  asOf?: unknown;
  status?: { name?: unknown; observedAt?: unknown; online?: unknown } | null;
}

/**
 * - `agrees`: available since the same second
 * - `newer`: something was told since the oracles were asked
 * - `behind`: its record does not go so far yet
 * - `silent`: it does not answer, or has nothing of that connector
 * - `differs`: what it says of the time that was asked about is something else
 */
export type Comparison = 'agrees' | 'newer' | 'behind' | 'silent' | 'differs';

/** What lies further ahead of this machine's clock than clocks differ is no time at which anything was told, s. */
const CLOCK_TOLERANCE_SEC = 300;
/** What was told so shortly before the question may have gone on record after it: a busy gateway signs it later, s. */
const LATE_SEC = 15;

/** Compares what a read API says of a connector with what the chain says. Pure; `word` is checked for its form. */
export function compareWithChain(chain: ChainWord, word: RecordWord | undefined, nowSec: number): Comparison {
  const { asOf, status } = word ?? {};
  if (status === undefined || status === null) return 'silent';
  const { name, observedAt, online } = status;
  if (typeof asOf !== 'number' || typeof observedAt !== 'number' || typeof name !== 'string') return 'differs';
  if (observedAt > Math.max(nowSec, chain.askedAtSec) + CLOCK_TOLERANCE_SEC) return 'differs';
  if (name === 'Available' && online === true && observedAt === chain.observedAtSec) return 'agrees';
  if (asOf < chain.askedAtSec) return 'behind';
  return observedAt > chain.askedAtSec - LATE_SEC ? 'newer' : 'differs';
}

/**
 * Whether a proof shows that the charger said, in that second, that the connector is available.
 *
 * @param signingKey - of the proof's gateway, as the chain has it
 */
export function isProofOf(
  { identity, connector, observedAtSec }: ChainWord,
  proof: EventProof,
  signingKey: string,
): boolean {
  const proven = isOfForm(proof) ? verifyEventProof(proof, signingKey) : undefined;
  if (!proven?.isProven || proven.event.charger !== identity) return false;
  if (Math.floor(proven.event.receivedAtMs / 1_000) !== observedAtSec) return false;
  return deriveFacts(proven.event, undefined).some(
    (fact) => fact.kind === 'status' && fact.connector === connector && fact.status === STATUS.Available,
  );
}

/** Whoever serves a proof may serve anything. */
function isOfForm({ line, previousHash, eventHashes, publicKey, signature }: EventProof): boolean {
  const texts: unknown[] = [line, previousHash, publicKey, signature];
  return texts.every((text) => typeof text === 'string') && Array.isArray(eventHashes);
}
