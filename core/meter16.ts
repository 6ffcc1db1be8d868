import type { MeterSample } from './charger-fact.ts';
import { readChargerTime } from './charger-time.ts';
import { isObject, type JsonObject } from './json.ts';
import { textIn } from './meant-value.ts';
import { DEFAULT_MEASURAND, isDescribed, readReading, textOr, unusable } from './meter-sample.ts';

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
  const { format, unit } = sampled;
  const value = textIn(sampled.value);
  if (value === undefined) return unusable('value is neither text nor number');
  if (!isDescribed(sampled)) return unusable('what was measured is no text');
  if (format === 'SignedData') return { kind: 'signed', data: value };
  return readReading(value, textOr(sampled.measurand, DEFAULT_MEASURAND), unit);
}
