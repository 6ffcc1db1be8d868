import type { MeterSample } from './charger-fact.ts';
import type { JsonObject } from './json.ts';
import { isAbsent } from './meant-value.ts';
import { normaliseValue } from './units.ts';

/** The measurand that is meant where a charger names none. */
export const DEFAULT_MEASURAND = 'Energy.Active.Import.Register';

/** Members of a sampled value that say what was measured; what they mean where they are absent is certain. */
const DESCRIPTIONS = ['context', 'format', 'location', 'measurand', 'phase'];

/** Whether each of them is text or absent: of any other it is not known what it would have said. */
export function isDescribed(sampled: JsonObject): boolean {
  return DESCRIPTIONS.every((name) => isAbsent(sampled[name]) || typeof sampled[name] === 'string');
}

/**
 * A sampled value in the system's units, or why it cannot be used.
 *
 * @param text - decimal text
 * @param unit - as the charger named it; undefined or null where it named none
 * @param multiplier - the value counts in 10^`multiplier` of the unit
 */
export function readReading(
  text: string,
  measurand: string,
  unit: unknown,
  multiplier = 0,
): Exclude<MeterSample['reading'], { kind: 'signed' }> {
  const plain = PLAIN.get(measurand);
  if (plain !== undefined && (isAbsent(unit) || unit === plain || unit === plain.toUpperCase())) {
    // Measurands for which OCPP 1.6 has no unit of measure; the value counts in the measurand's own unit.
    const normalised = normaliseValue(text, 'Percent', multiplier);
    if (normalised === undefined) return unusable('value is no decimal number');
    return { kind: 'value', value: normalised.value, unit: plain };
  }
  const meant = unitOf(unit, measurand);
  if (meant === undefined) return unusable('no unit, and none is certain for the measurand');
  const normalised = normaliseValue(text, meant, multiplier);
  if (normalised === undefined) return unusable('value is no decimal number, or of no known unit');
  if (!UNITS.some(([start, units]) => measurand.startsWith(start) && units.includes(normalised.unit))) {
    return unusable('unit does not fit the measurand');
  }
  return { kind: 'value', ...normalised };
}

const PLAIN: ReadonlyMap<string, 'Hz' | 'rpm' | 'ratio'> = new Map([
  ['Frequency', 'Hz'],
  ['RPM', 'rpm'],
  ['Power.Factor', 'ratio'],
]);

/** Which units a measurand can have, by how its name starts; the first is the one that is meant where none is given. */
const UNITS: readonly [start: string, units: readonly string[]][] = [
  ['Energy.Active', ['Wh']],
  ['Energy.Reactive', ['varh']],
  ['Power.Active', ['W']],
  ['Power.Offered', ['W']],
  ['Power.Reactive', ['var', 'VA']],
  ['Current', ['A']],
  ['Voltage', ['V']],
  ['SoC', ['percent']],
  ['Temperature', ['celsius']],
];

/** Without a unit an energy is in Wh (OCPP 1.6 §7.43, 2.x `UnitOfMeasureType`). For the others none is certain. */
function unitOf(unit: unknown, measurand: string): string | undefined {
  if (typeof unit === 'string') return unit;
  if (!isAbsent(unit)) return undefined;
  return measurand.startsWith('Energy.Active') ? 'Wh' : undefined;
}

/** A sample that is kept but not believed. */
export function unusable(reason: string): { kind: 'unusable'; reason: string } {
  return { kind: 'unusable', reason };
}

export function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
