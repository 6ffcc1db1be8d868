/**
 * Every conversion of a charger's units, in one place.
 *
 * Values arrive as decimal text. They are scaled exactly (no binary fractions on the way) and then rounded once: registers
 * of energy down to whole Wh, so that a fraction is billed only when it has become whole; everything else to the nearest
 * thousandth of its unit, halves away from zero.
 */

/** What a sampled value measures, once normalised. */
export type Unit = 'Wh' | 'varh' | 'W' | 'VA' | 'var' | 'A' | 'V' | 'Hz' | 'celsius' | 'percent' | 'rpm' | 'ratio';

interface Conversion {
  unit: Unit;
  /** 1 of the charger's unit is 10^`shift` of `unit`. */
  shift: number;
}

/** OCPP 1.6 `UnitOfMeasure` (§7.45), which 2.x has too, and the spelling `Celsius` that its errata allow. Fahrenheit and Kelvin are apart. */
const CONVERSIONS: ReadonlyMap<string, Conversion> = new Map([
  ['Wh', { unit: 'Wh', shift: 0 }],
  ['kWh', { unit: 'Wh', shift: 3 }],
  ['varh', { unit: 'varh', shift: 0 }],
  ['kvarh', { unit: 'varh', shift: 3 }],
  ['W', { unit: 'W', shift: 0 }],
  ['kW', { unit: 'W', shift: 3 }],
  ['VA', { unit: 'VA', shift: 0 }],
  ['kVA', { unit: 'VA', shift: 3 }],
  ['var', { unit: 'var', shift: 0 }],
  ['kvar', { unit: 'var', shift: 3 }],
  ['A', { unit: 'A', shift: 0 }],
  ['V', { unit: 'V', shift: 0 }],
  ['Celsius', { unit: 'celsius', shift: 0 }],
  ['Celcius', { unit: 'celsius', shift: 0 }],
  ['Percent', { unit: 'percent', shift: 0 }],
]);

/** Of ten: from pico to tera. */
const LARGEST_MULTIPLIER = 12;

const DECIMAL = /^([+-]?)(\d{1,24})(?:\.(\d{1,24}))?$/;

/** Thousandths that a safe integer can still hold. */
const LIMIT = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * A charger's decimal text in the normalised unit.
 *
 * @param text - as sent: digits with an optional sign and fraction; no exponent, no thousands mark
 * @param unit - OCPP name of the unit the charger used
 * @param multiplier - the value counts in 10^`multiplier` of the unit: a whole number from -12 to 12
 * @returns the value and its unit, or undefined where text, unit or multiplier is none that is known
 */
export function normaliseValue(text: string, unit: string, multiplier = 0): { value: number; unit: Unit } | undefined {
  if (!Number.isInteger(multiplier) || Math.abs(multiplier) > LARGEST_MULTIPLIER) return undefined;
  const kelvinOrFahrenheit = normaliseTemperature(text, unit, multiplier);
  if (kelvinOrFahrenheit !== undefined) return kelvinOrFahrenheit;
  const conversion = CONVERSIONS.get(unit);
  if (conversion === undefined) return undefined;
  const isRegister = conversion.unit === 'Wh' || conversion.unit === 'varh';
  const shift = conversion.shift + multiplier;
  const value = isRegister ? scaleDown(text, shift) : scaleToThousandths(text, shift);
  return value === undefined ? undefined : { value, unit: conversion.unit };
}

function normaliseTemperature(
  text: string,
  unit: string,
  multiplier: number,
): { value: number; unit: Unit } | undefined {
  if (unit !== 'K' && unit !== 'Fahrenheit') return undefined;
  const thousandths = scaleToThousandths(text, multiplier);
  if (thousandths === undefined) return undefined;
  const celsius = unit === 'K' ? thousandths - 273.15 : ((thousandths - 32) * 5) / 9;
  return { value: Math.round(celsius * 1000) / 1000, unit: 'celsius' };
}

/** `text` × 10^`shift`, rounded down (towards minus infinity) to a whole number. */
function scaleDown(text: string, shift: number): number | undefined {
  const scaled = parse(text, shift);
  if (scaled === undefined) return undefined;
  const { digits, denominator } = scaled;
  const whole = digits / denominator;
  const isBelow = digits < 0n && digits % denominator !== 0n;
  return safe(isBelow ? whole - 1n : whole, 1);
}

/** `text` × 10^`shift`, rounded to the nearest thousandth, halves away from zero. */
function scaleToThousandths(text: string, shift: number): number | undefined {
  const scaled = parse(text, shift + 3);
  if (scaled === undefined) return undefined;
  const { digits, denominator } = scaled;
  const half = denominator / 2n;
  return safe((digits + (digits < 0n ? -half : half)) / denominator, 1000);
}

function parse(text: string, shift: number): { digits: bigint; denominator: bigint } | undefined {
  const match = DECIMAL.exec(text.trim());
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  const digits = BigInt(whole + fraction) * 10n ** BigInt(Math.max(shift, 0)) * (sign === '-' ? -1n : 1n);
  return { digits, denominator: 10n ** BigInt(fraction.length + Math.max(-shift, 0)) };
}

function safe(value: bigint, divisor: number): number | undefined {
  if (value > LIMIT || value < -LIMIT) return undefined;
  // Adding 0 turns a negative zero into zero.
  return Number(value) / divisor + 0;
}
