import type { KeyObject } from 'node:crypto';
import { getBytes } from 'ethers';
import { DevsenError } from '../core/errors.ts';
import { readMeterKey } from '../core/meter-signature.ts';

/** How long a key that was read counts, ms: a manager changes it when the meter is changed. */
const KEPT_MS = 30_000;
/** Keys of so many chargers are kept. */
const MOST_KEPT = 10_000;

/**
 * The keys of chargers' meters, as the chain has them now.
 *
 * @param read - the key's bytes on chain, 0x-hex; `0x` for none
 */
export function makeMeterKeys(read: (deviceId: string) => Promise<string>, now: () => number) {
  const kept = new Map<string, { key: KeyObject | undefined; readAtMs: number }>();

  /**
   * @returns undefined if the chain has none
   * @throws DevsenError `CHAIN_UNAVAILABLE` if the chain is away, `NOT_YET` if what it has is no key: no bill can rest on it
   */
  return async (deviceId: string): Promise<KeyObject | undefined> => {
    const known = kept.get(deviceId);
    if (known !== undefined && now() - known.readAtMs < KEPT_MS) return known.key;
    const text = await read(deviceId);
    const key = text === '0x' ? undefined : readMeterKey(getBytes(text));
    if (text !== '0x' && key === undefined) {
      throw new DevsenError('NOT_YET', "this operator cannot know: the charger's meter key on chain is none");
    }
    kept.delete(deviceId);
    kept.set(deviceId, { key, readAtMs: now() });
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value as string);
    return key;
  };
}
