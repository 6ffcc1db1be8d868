import { DevsenError } from '../core/errors.ts';
import { isObject, isWhole } from '../core/json.ts';
import { readSealedBatch } from '../core/sealed-batch.ts';
import type { PeerBeginning } from './batch-export.ts';

/** Another operator, whose record this one is made whole from. */
export interface Peer {
  /** Where its adapter listens. */
  url: string;
  /** What it was told to show; the peer's `PEER_TOKEN`. */
  token: string;
}

const TIMEOUT_MS = 15_000;
const MOST_BYTES = 33_554_432;

/** What a peer has on record, as gateways signed it. Nothing of it is believed before it is verified. */
export interface PeerReader {
  /** Where its record of a gateway begins. */
  beginning: (peer: Peer, gateway: string) => Promise<PeerBeginning>;
  /** Batches of a gateway after one, in order, as they travelled; empty at the end. */
  batches: (peer: Peer, gateway: string, generation: number, number: number) => Promise<string[]>;
  /** Contradictory batches of a gateway that the peer keeps as proofs, two by two. */
  convictions: (peer: Peer, gateway: string) => Promise<string[]>;
}

/**
 * Reads peers over HTTP. Every call rejects with an Error if the peer is away, too slow, says too much or nonsense.
 *
 * @param closing - ends what is under way
 */
export function makePeerReader(closing: AbortSignal): PeerReader {
  const get = async (peer: Peer, path: string): Promise<Record<string, unknown>> => {
    const response = await fetch(new URL(path, peer.url), {
      headers: { authorization: `Bearer ${peer.token}` },
      redirect: 'error',
      signal: AbortSignal.any([closing, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const text = await readUpTo(response, MOST_BYTES);
    if (!response.ok) throw new Error(`peer answers with HTTP status ${response.status}`);
    const body = parse(text);
    if (!isObject(body)) throw new Error('peer answers with something else than an object');
    return body;
  };
  return {
    beginning: async (peer, gateway) => {
      const { generation, number, anchor } = await get(peer, `/v1/peer/beginning?gateway=${gateway}`);
      if (!isWhole(generation) || !isWhole(number)) throw new Error('peer answers without a beginning');
      return { generation, number, anchor: anchor === null ? null : readSealedBatch(anchor) };
    },
    batches: async (peer, gateway, generation, number) => {
      const after = number < 0 ? '' : `&after=${number}`;
      const { batches } = await get(peer, `/v1/peer/batches?gateway=${gateway}&generation=${generation}${after}`);
      return textsOf(batches);
    },
    convictions: async (peer, gateway) => {
      const { convictions } = await get(peer, '/v1/peer/convictions');
      if (!Array.isArray(convictions)) throw new Error('peer answers without convictions');
      return convictions
        .filter(isObject)
        .filter((one) => one.gateway === gateway)
        .flatMap((one) => textsOf([one.kept, one.contradicting]));
    },
  };
}

/** Reads `[{"url": …, "token": …}]`. @throws Error that says what was expected and repeats nothing */
export function readPeers(text: string): Peer[] {
  const parsed = parse(text);
  const isPeer = (one: unknown) =>
    isObject(one) && typeof one.url === 'string' && /^https?:\/\//.test(one.url) && typeof one.token === 'string';
  if (!Array.isArray(parsed) || !parsed.every(isPeer)) {
    throw new Error('expected a JSON list of {"url": "http(s)://…", "token": "…"}');
  }
  return parsed.map(({ url, token }: Peer) => ({ url, token }));
}

/** undefined for what is no JSON: the parser's own error would show a part of it. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textsOf(value: unknown): string[] {
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
    throw new Error('peer answers without batches');
  }
  return value;
}

async function readUpTo(response: Response, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new DevsenError('OVERLOADED', `peer answers with more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
