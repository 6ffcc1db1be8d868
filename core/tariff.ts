/** The prices of a charger that grow while it charges, in base units of one token; see `contracts/libraries/Tariffs.sol`. */
export interface Tariff {
  /** For each kWh. */
  perKwh: bigint;
  /** For each minute of charging. */
  perMinute: bigint;
  /** For the session. */
  flat: bigint;
}

const WH_PER_KWH = 1_000n;
const MIN_PER_HOUR = 60n;
/** The contract's `uint64`. */
const UNLIMITED_WH = 2n ** 64n - 1n;

/**
 * The energy at which a session is stopped so that it costs at most an amount, Wh, rounded down: to the Wh what
 * `Tariffs.energyLimitWh` gives.
 *
 * @param amount - base units of the tariff's token
 * @param powerW - power at which the time is reckoned, W; 0 to leave time out
 * @returns 0 if the amount does not cover the flat price; undefined if energy costs nothing
 */
export function energyLimitWh({ perKwh, perMinute, flat }: Tariff, amount: bigint, powerW: number): bigint | undefined {
  if (amount < flat) return 0n;
  // One Wh costs `price / per`; at `powerW` it takes an hour divided by that.
  const watts = BigInt(powerW);
  const price = watts === 0n ? perKwh : perKwh * watts + perMinute * MIN_PER_HOUR * WH_PER_KWH;
  const per = watts === 0n ? WH_PER_KWH : WH_PER_KWH * watts;
  if (price === 0n) return undefined;
  const limitWh = ((amount - flat) * per) / price;
  return limitWh < UNLIMITED_WH ? limitWh : undefined;
}
