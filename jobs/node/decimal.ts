/** Largest exponent read: beyond it a short text would stand for a number of any length. */
const MAX_EXPONENT = 1_000;
const SYNTAX = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?$/;

/** A decimal number of any size, exact: `unscaled / 10^scale`, with no zeros at the end of a fraction. */
export class Decimal {
  readonly unscaled: bigint;
  readonly scale: number;

  constructor(unscaled: bigint, scale = 0) {
    let digits = unscaled;
    let places = scale;
    while (places > 0 && digits % 10n === 0n) {
      digits /= 10n;
      places--;
    }
    this.unscaled = places < 0 ? digits * 10n ** BigInt(-places) : digits;
    this.scale = Math.max(0, places);
  }

  /** @throws Error if the text is no decimal number, or its exponent is beyond 1,000 */
  static parse(text: string): Decimal {
    const match = SYNTAX.exec(text.trim());
    const [, sign = '', whole = '', fraction = '', exponent = '0'] = match ?? [];
    if (!match || whole + fraction === '') throw new Error('expected a number');
    if (Math.abs(Number(exponent)) > MAX_EXPONENT) throw new Error(`an exponent beyond ${MAX_EXPONENT}`);
    const digits = BigInt(whole + fraction);
    return new Decimal(sign === '-' ? -digits : digits, fraction.length - Number(exponent));
  }

  plus(other: Decimal): Decimal {
    const scale = Math.max(this.scale, other.scale);
    return new Decimal(this.digitsAt(scale) + other.digitsAt(scale), scale);
  }

  times(other: Decimal): Decimal {
    return new Decimal(this.unscaled * other.unscaled, this.scale + other.scale);
  }

  /**
   * @param precision - decimal places of the result, negative for places before the point; a half is rounded away
   *   from zero
   * @throws Error if the divisor is zero
   */
  dividedBy(divisor: Decimal, precision: number): Decimal {
    if (divisor.unscaled === 0n) throw new Error('division by zero');
    const power = precision + divisor.scale - this.scale;
    const above = this.unscaled * 10n ** BigInt(Math.max(0, power));
    const below = divisor.unscaled * 10n ** BigInt(Math.max(0, -power));
    const isNegative = above < 0n !== below < 0n;
    const [n, d] = [above < 0n ? -above : above, below < 0n ? -below : below];
    const rounded = (2n * n + d) / (2n * d);
    return new Decimal(isNegative ? -rounded : rounded, precision);
  }

  /** @returns negative, zero or positive as this is less than, equal to or greater than the other */
  compare(other: Decimal): number {
    const scale = Math.max(this.scale, other.scale);
    const [a, b] = [this.digitsAt(scale), other.digitsAt(scale)];
    return a < b ? -1 : Number(a > b);
  }

  isWhole(): boolean {
    return this.scale === 0;
  }

  /** The whole part; the fraction is cut off. */
  truncate(): bigint {
    return this.unscaled / 10n ** BigInt(this.scale);
  }

  /** Digits without an exponent, such as `-0.05`. */
  toString(): string {
    if (this.scale === 0) return this.unscaled.toString();
    const isNegative = this.unscaled < 0n;
    const digits = (isNegative ? -this.unscaled : this.unscaled).toString().padStart(this.scale + 1, '0');
    return `${isNegative ? '-' : ''}${digits.slice(0, -this.scale)}.${digits.slice(-this.scale)}`;
  }

  private digitsAt(scale: number): bigint {
    return this.unscaled * 10n ** BigInt(scale - this.scale);
  }
}
