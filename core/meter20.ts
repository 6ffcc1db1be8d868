import type { MeterSample } from './charger-fact.ts';
import { readChargerTime } from './charger-time.ts';
import { isObject, type JsonObject } from './json.ts';
import { isAbsent, numberIn } from './meant-value.ts';
import { DEFAULT_MEASURAND, isDescribed, readReading, textOr, unusable } from './meter-sample.ts';

/**
 * The samples of an OCPP 2.x `MeterValueType[]`, flat and in order. A sampled value with a signed record gives two: the
 * value, and the record as the meter signed it. Nothing throws.
 *
 * @see OCPP 2.0.1 part 2 §2 `MeterValueType`, `SampledValueType`, `SignedMeterValueType`, `UnitOfMeasureType`
 */
export function readMeterValues20(meterValues: unknown, receivedAtMs: number): MeterSample[] {
  if (!Array.isArray(meterValues)) return [];
  const samples: MeterSample[] = [];
  for (const meterValue of meterValues) {
    if (!isObject(meterValue) || !Array.isArray(meterValue.sampledValue)) continue;
    const takenAt = readChargerTime(meterValue.timestamp, receivedAtMs);
    for (const sampled of meterValue.sampledValue) {
      if (!isObject(sampled)) continue;
      const head = { ...describe(sampled), takenAt };
      samples.push({ ...head, reading: read(sampled) });
      const signed = signedRecord(sampled.signedMeterValue);
      if (signed !== undefined) samples.push({ ...head, reading: { kind: 'signed', data: signed } });
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
  const { value, unitOfMeasure } = sampled;
  if (numberIn(value) === undefined) return unusable('value is no number');
  if (!isDescribed(sampled)) return unusable('what was measured is no text');
  if (!isAbsent(unitOfMeasure) && !isObject(unitOfMeasure)) return unusable('unitOfMeasure is no object');
  const { unit, multiplier: given } = unitOfMeasure ?? {};
  const multiplier = numberIn(given ?? 0);
  if (multiplier === undefined) return unusable('multiplier is no number');
  // The shortest decimal that names the double, which for up to 15 digits is what the charger wrote.
  return readReading(String(value), textOr(sampled.measurand, DEFAULT_MEASURAND), unit, multiplier);
}

/** The record that the meter signed, as it was sent: in Base64 as OCPP 2.x has it, or plain. */
function signedRecord(signed: unknown): string | undefined {
  const data = isObject(signed) ? signed.signedMeterData : undefined;
  return typeof data === 'string' && data !== '' ? data : undefined;
}
