import { Contract, isError, type Provider, ZeroHash } from 'ethers';
import { DEVICE_ABI, PAYMENT_ABI } from '../core/abi.ts';
import type { Tariff } from '../core/tariff.ts';
import { asChainError } from '../runtime/chain.ts';
import type { CardBudget } from './card-budgets.ts';

/** Far enough from both bounds of a lock's deadline, however far the chain's clock is from ours. */
const LOCK_SEC = 3 * 86_400;
const MOST = 2n ** 96n - 1n;
/** Why a card locks nothing: it would not either if its session ended now. */
const LOCKS_NOTHING: ReadonlySet<string> = new Set([
  'CardNotActive',
  'NothingToLock',
  'LocksPaused',
  'TokenNotAllowed',
]);

/**
 * What the chain would lock for a session that a card opens at a charger: it is asked to lock, and nothing comes of it.
 *
 * @param device - the charger's DeviceDEVSEN
 * @param card - the card's commitment
 * @returns `unlimited` if the charger has no tariff: nobody pays there
 * @throws (as a rejection) DevsenError `CHAIN_UNAVAILABLE`
 */
export async function readCardBudget(
  provider: Provider,
  device: string,
  card: string,
  nowMs: number,
): Promise<CardBudget | 'unlimited' | 'nothing'> {
  const charger = new Contract(device, DEVICE_ABI, provider);
  try {
    const [[, tariff], connectors, payment] = await Promise.all([
      charger.getFunction('tariffNow')(),
      charger.getFunction('connectors')(),
      charger.getFunction('payment')(),
    ]);
    const deadlineSec = Math.floor(nowMs / 1000) + LOCK_SEC;
    const lock = new Contract(payment, PAYMENT_ABI, provider).getFunction('lockByCard');
    const [, amount] = await lock.staticCall(ZeroHash, card, tariff.token, MOST, deadlineSec, { from: device });
    const powersW = Array.from(connectors as { maxPowerW: bigint }[], ({ maxPowerW }) => Number(maxPowerW));
    return { tariff: tariffOf(tariff), amount, powersW };
  } catch (error) {
    const name = isError(error, 'CALL_EXCEPTION') ? error.revert?.name : undefined;
    if (name === 'NoTariff') return 'unlimited';
    if (name !== undefined && LOCKS_NOTHING.has(name)) return 'nothing';
    throw asChainError(error);
  }
}

/** By place: a result is an array, whose `flat` is not the price. */
function tariffOf(result: { toArray: () => unknown[] }): Tariff {
  const [, perKwh, perMinute, flat] = result.toArray() as [string, bigint, bigint, bigint];
  return { perKwh, perMinute, flat };
}
