import { computeAddress } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import type { EventProof } from '../../core/event-proof.ts';
import { STATUS } from '../../core/status.ts';
import { call } from '../contracts.ts';
import { askAdapters } from './adapters.ts';
import { type ChainWord, type Comparison, compareWithChain, isProofOf, type RecordWord } from './record-check.ts';
import type { Session } from './session.ts';

/** What one operator's read API says of a connector that the chain knows as available. */
export interface Checked {
  /** Base URL of its adapter. */
  adapter: string;
  comparison: Comparison;
  /** Its own words; null where it says nothing. */
  says: { status: string; observedAtSec: number; online: boolean } | null;
  /** Whether the event behind that is signed by its gateway; `none` where no token is shown, or no event. */
  proof: 'proven' | 'false' | 'none';
}

/**
 * Asks every operator that this command knows for its record of connectors, and compares each with the chain's word. With a
 * token that operators show one another, it also fetches the event that each says it from, and checks that the gateway,
 * by its key on chain, signed it: then no operator's word is taken for anything.
 *
 * @param peerToken - empty for none
 * @returns for each connector one for each operator
 * @throws DevsenError `INPUT_INVALID` if no operator's URL is known
 */
export async function checkRecords(
  session: Session,
  words: readonly ChainWord[],
  peerToken: string,
): Promise<Checked[][]> {
  const { adapterUrls } = session;
  if (adapterUrls.length === 0) throw new DevsenError('INPUT_INVALID', 'whom to ask? Give --adapter or ADAPTER_URLS');
  const nowSec = Math.floor(Date.now() / 1_000);
  return Promise.all(
    words.map(async (word) => {
      const path = `/v1/chargers/${encodeURIComponent(word.identity)}`;
      const records = await askAdapters<{ connectors?: RecordWord[] }>(adapterUrls, path);
      return Promise.all(
        adapterUrls.map(async (adapter, n): Promise<Checked> => {
          const rows = records[n]?.connectors;
          const told = Array.isArray(rows) ? rows.find((row) => row?.connector === word.connector) : undefined;
          const comparison = compareWithChain(word, told, nowSec);
          const isProvable = comparison === 'agrees' && peerToken !== '';
          const proof = isProvable ? await proofBy(session, adapter, word, peerToken) : 'none';
          return { adapter, comparison, says: wordsOf(told), proof };
        }),
      );
    }),
  );
}

/** Whether what an operator says contradicts the chain, or what its own gateway signed. */
export function isContradiction({ comparison, proof }: Checked): boolean {
  return comparison === 'differs' || proof === 'false';
}

interface EventRow {
  epoch: number;
  seq: number;
  receivedAtMs: number;
  facts: { kind: string; connector?: number; status?: number }[];
}

/** The newest events, among which the one should be by which a connector is available now. */
const MOST_EVENTS = 200;

async function proofBy(
  session: Session,
  adapter: string,
  word: ChainWord,
  peerToken: string,
): Promise<Checked['proof']> {
  const { identity, connector, observedAtSec } = word;
  const charger = encodeURIComponent(identity);
  const [page] = await askAdapters<{ items?: EventRow[] }>(
    [adapter],
    `/v1/chargers/${charger}/events?limit=${MOST_EVENTS}`,
  );
  const items = Array.isArray(page?.items) ? page.items : [];
  const event = items.find(
    (item) =>
      Math.floor(Number(item?.receivedAtMs) / 1_000) === observedAtSec &&
      Array.isArray(item.facts) &&
      item.facts.some(
        (fact) => fact?.kind === 'status' && fact.connector === connector && fact.status === STATUS.Available,
      ),
  );
  if (event === undefined) return 'none';
  const path = `/v1/peer/chargers/${charger}/events/${Number(event.epoch)}/${Number(event.seq)}/proof`;
  const [proof] = await askAdapters<EventProof>([adapter], path, { authorization: `Bearer ${peerToken}` });
  if (proof === undefined) return 'none';
  const signingKey = keyIn(proof);
  if (signingKey === undefined) return 'false';
  // A gateway may have changed its key since.
  const account = String(await call(await session.contract('UserDEVSEN'), 'accountOfKey', signingKey));
  const isIts = account.toLowerCase() === String(proof.gateway).toLowerCase();
  return isIts && isProofOf(word, proof, signingKey) ? 'proven' : 'false';
}

/** The address of the key that a proof is said to be signed with; undefined if it names none. */
function keyIn({ publicKey }: EventProof): string | undefined {
  try {
    return computeAddress(`0x${publicKey}`);
  } catch {
    return undefined;
  }
}

function wordsOf(told: RecordWord | undefined): Checked['says'] {
  const status = told?.status;
  if (status === undefined || status === null) return null;
  return { status: String(status.name), observedAtSec: Number(status.observedAt), online: status.online === true };
}
