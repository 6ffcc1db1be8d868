/**
 * Some chargers write kWh into their meter values and call them Wh, while the registers of a transaction's start and end are
 * in Wh. Where a register is a thousandth of where it must be, that is certain enough; where it could also be a meter
 * that was reset, it is taken as it was told.
 */

/** A start below which a thousandth cannot be told from a meter that was reset, Wh. */
const LEAST_START_WH = 100_000;
/** kWh may be told without a fraction. */
const ROUNDING_WH = 1_000;
/** More than any transaction takes, Wh. */
const MOST_ENERGY_WH = 1_000_000;

/**
 * A register within a transaction, Wh, though it was told in kWh.
 *
 * @param registerWh - as the charger told it
 * @param startWh - register at the transaction's start, Wh
 * @param mostWh - register at its end, Wh, if that is known
 * @returns at least `startWh` and at most `mostWh` if it was in kWh; else `registerWh`
 */
export function kwhAsWh(registerWh: number, startWh: number, mostWh = startWh + MOST_ENERGY_WH): number {
  const meantWh = registerWh * 1_000;
  const isKwh = startWh >= LEAST_START_WH && meantWh >= startWh - ROUNDING_WH && meantWh <= mostWh + ROUNDING_WH;
  return isKwh ? Math.min(Math.max(meantWh, startWh), mostWh) : registerWh;
}
