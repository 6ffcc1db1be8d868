import type { MeterSample } from './charger-fact.ts';
import { readChargerTime } from './charger-time.ts';
import { isObject, type JsonObject } from './json.ts';
import { normaliseValue } from './units.ts';

const DEFAULT_MEASURAND = 'Energy.Active.Import.Register';

/**
 * The samples of an OCPP 1.6 `MeterValue[]`, flat and in order. Whatever cannot be read gives no sample, or one that is
 * `unusable` with its reason; nothing throws.
 *
 * @see OCPP 1.6 §7.32 MeterValue, §7.43 SampledValue
 */
export function readMeterValues(meterValues: unknown, receivedAtMs: number): MeterSample[] {
  if (!Array.isArray(meterValues)) return [];
  const samples: MeterSample[] = [];
  for (const meterValue of meterValues) {
    if (!isObject(meterValue) || !Array.isArray(meterValue.sampledValue)) continue;
    const takenAt = readChargerTime(meterValue.timestamp, receivedAtMs);
    for (const sampled of meterValue.sampledValue) {
      if (isObject(sampled)) samples.push({ ...describe(sampled), takenAt, reading: read(sampled) });
    }
  }
  return samples;
}

function describe(sampled: JsonObject): Omit<MeterSample, 'takenAt' | 'reading'> {
  return {
    measurand: textOr(sampled.measurand, DEFAULT_MEASURAND),
    context: textOr(sampled.context, 'Sample.Periodic'),
    location: textOr(sampled.location, 'Outlet'),
    ...(typeof sampled.phase === 'string' ? { phase: sampled.phase } : {}),
  };
}

function read(sampled: JsonObject): MeterSample['reading'] {
  const { value, format } = sampled;
  if (typeof value !== 'string') return { kind: 'unusable', reason: 'value is no text' };
  if (format === 'SignedData') return { kind: 'signed', data: value };
  const measurand = textOr(sampled.measurand, DEFAULT_MEASURAND);
  const plain = PLAIN.get(measurand);
  if (plain !== undefined && sampled.unit === undefined) {
    // Measurands for which OCPP 1.6 has no unit of measure; the value counts in the measurand's own unit.
    const normalised = normaliseValue(value, 'Percent');
    if (normalised === undefined) return { kind: 'unusable', reason: 'value is no decimal number' };
    return { kind: 'value', value: normalised.value, unit: plain };
  }
  const unit = unitOf(sampled.unit, measurand);
  if (unit === undefined) return { kind: 'unusable', reason: 'no unit, and none is certain for the measurand' };
  const normalised = normaliseValue(value, unit);
  if (normalised === undefined) return { kind: 'unusable', reason: 'value is no decimal number, or of no known unit' };
  if (!UNITS.some(([start, units]) => measurand.startsWith(start) && units.includes(normalised.unit))) {
    return { kind: 'unusable', reason: 'unit does not fit the measurand' };
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

/** OCPP 1.6 §7.43: without a unit an energy is in Wh. For the others no default is written down, so none is certain. */
function unitOf(unit: unknown, measurand: string): string | undefined {
  if (typeof unit === 'string') return unit;
  if (unit !== undefined) return undefined;
  return measurand.startsWith('Energy.Active') ? 'Wh' : undefined;
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
