import { z } from 'zod';
import { asOfMs } from '../core/as-of.ts';
import { chargerStatusAt, type Known } from '../core/charger-status.ts';
import { DevsenError } from '../core/errors.ts';
import { meterReadingAt } from '../core/meter-reading.ts';
import { encodeChargerStatus, encodeMeterReading, encodeUptime } from '../core/queries.ts';
import { uptimeBetween } from '../core/uptime.ts';
import type { Knowing } from './knowing.ts';
import type { MeterReader } from './meter-reader.ts';
import type { RecordReader } from './record-reader.ts';
import type { UptimeReader } from './uptime-reader.ts';

/** An answer: what goes on chain, what it says in plain fields, and the time it is about, Unix ms. */
export interface EndpointAnswer {
  /** ABI-encoded, 0x-prefixed hex; or a list of that, or of what a job spec picks from. */
  result: string | readonly (object | string)[];
  fields: Record<string, unknown>;
  /** What of it may be logged; the fields unless told. Frames hold idTags. */
  logged?: Record<string, unknown>;
  aboutMs: number;
}

/** One question the bridge answers, for a run of that id where it is told. */
export type Endpoint = (
  data: Record<string, unknown>,
  signal: AbortSignal,
  jobRunId?: string,
) => Promise<EndpointAnswer>;

export interface EndpointMeans {
  knowing: Pick<Knowing, 'untilKnown'>;
  reader: Pick<RecordReader, 'at'>;
  meter: MeterReader;
  uptime: UptimeReader;
}

/** A whole number, also as decimal text: job specs hand numbers on in either form. */
export function whole(most: number) {
  const message = `must be a whole number from 0 to ${most}`;
  return z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^\d{1,16}$/, message)
          .transform(Number),
      ],
      {
        errorMap: () => ({ message }),
      },
    )
    .refine((value) => Number.isSafeInteger(value) && value >= 0 && value <= most, message);
}

/** The latest time that can be asked about, Unix seconds. */
export const LATEST_SEC = 99_999_999_999;

/** The longest period that `uptime` is answered for. */
const LONGEST_PERIOD_SEC = 100 * 86_400;

/** 32 bytes, given as hex of either case. */
export const BYTES32 = z
  .string({ message: 'must be 32 bytes as 0x and 64 hex digits' })
  .regex(/^0x[0-9a-fA-F]{64}$/, 'must be 32 bytes as 0x and 64 hex digits')
  .transform((text) => text.toLowerCase());
const OF_CONNECTOR = z.object({ deviceId: BYTES32, connector: whole(65_535), asOf: whole(LATEST_SEC) });
const OF_PERIOD = z.object({
  deviceId: BYTES32,
  from: whole(LATEST_SEC),
  to: whole(LATEST_SEC),
  asOf: whole(LATEST_SEC),
});

/** Every endpoint by its name; the names are those of the queries. */
export function makeEndpoints({ knowing, reader, meter, uptime }: EndpointMeans): ReadonlyMap<string, Endpoint> {
  const chargerStatus: Endpoint = async (data, signal) => {
    const { deviceId, connector, asOf } = check(OF_CONNECTOR, data);
    await knowing.untilKnown(asOf, signal);
    const atMs = asOfMs(asOf);
    const answer = certain(chargerStatusAt(reader.at(deviceId, atMs), connector, atMs));
    const { status, errorClass, observedAtSec, online } = answer;
    const fields = { status, errorClass, observedAt: observedAtSec, online };
    return { result: encodeChargerStatus(answer), fields, aboutMs: asOf * 1000 };
  };
  const meterReading: Endpoint = async (data, signal) => {
    const { deviceId, connector, asOf } = check(OF_CONNECTOR, data);
    await knowing.untilKnown(asOf, signal);
    const atMs = asOfMs(asOf);
    const answer = certain(meterReadingAt(meter(deviceId, atMs), connector, atMs));
    const { registerWh, powerW, observedAtSec, isSigned } = answer;
    const fields = { registerWh, powerW, observedAt: observedAtSec, signed: isSigned };
    return { result: encodeMeterReading(answer), fields, aboutMs: asOf * 1000 };
  };
  const uptimeOf: Endpoint = async (data, signal) => {
    const { deviceId, from, to, asOf } = check(OF_PERIOD, data);
    checkPeriod(from, to, asOf);
    await knowing.untilKnown(asOf, signal);
    const record = certain(uptime(deviceId, from, to));
    const answer = certain(uptimeBetween(record, from, to));
    return { result: encodeUptime(answer), fields: { ...answer }, aboutMs: to * 1000 };
  };
  return new Map([
    ['charger-status', chargerStatus],
    ['meter-reading', meterReading],
    ['uptime', uptimeOf],
  ]);
}

/** @throws DevsenError `INPUT_INVALID` for a period that `uptime` is not answered for */
export function checkPeriod(from: number, to: number, asOf: number): void {
  if (from > to) throw new DevsenError('INPUT_INVALID', 'from must not lie after to');
  if (to > asOf) throw new DevsenError('INPUT_INVALID', 'to must not lie after asOf');
  if (to - from > LONGEST_PERIOD_SEC) {
    throw new DevsenError('INPUT_INVALID', `to must not lie more than ${LONGEST_PERIOD_SEC} s after from`);
  }
}

/** @throws DevsenError `NOT_YET` if this operator cannot know */
export function certain<Answer>(known: Known<Answer>): Answer {
  if (!known.isKnown) throw new DevsenError('NOT_YET', `this operator cannot know: ${known.reason}`);
  return known.answer;
}

/** @throws DevsenError `INPUT_INVALID` naming every field that is wrong */
export function check<Schema extends z.ZodTypeAny>(schema: Schema, data: unknown): z.output<Schema> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new DevsenError('INPUT_INVALID', wrong.join('; '));
}
