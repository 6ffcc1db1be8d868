import { z } from 'zod';
import { asOfMs } from '../core/as-of.ts';
import { chargerStatusAt } from '../core/charger-status.ts';
import { DevsenError } from '../core/errors.ts';
import { encodeChargerStatus } from '../core/queries.ts';
import type { Knowing } from './knowing.ts';
import type { RecordReader } from './record-reader.ts';

/** An answer: what goes on chain, what it says in plain fields, and the time it is about, Unix ms. */
export interface EndpointAnswer {
  /** ABI-encoded, 0x-prefixed hex. */
  result: string;
  fields: Record<string, unknown>;
  aboutMs: number;
}

/** One question the bridge answers. */
export type Endpoint = (data: Record<string, unknown>, signal: AbortSignal) => Promise<EndpointAnswer>;

export interface EndpointMeans {
  knowing: Pick<Knowing, 'untilKnown'>;
  reader: Pick<RecordReader, 'at'>;
}

/** A whole number, also as decimal text: job specs hand numbers on in either form. */
function whole(most: number) {
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

const LATEST_SEC = 99_999_999_999;

const CHARGER_STATUS = z.object({
  deviceId: z
    .string({ message: 'must be 32 bytes as 0x and 64 hex digits' })
    .regex(/^0x[0-9a-fA-F]{64}$/, 'must be 32 bytes as 0x and 64 hex digits')
    .transform((text) => text.toLowerCase()),
  connector: whole(65_535),
  asOf: whole(LATEST_SEC),
});

/** Every endpoint by its name; the names are those of the queries. */
export function makeEndpoints({ knowing, reader }: EndpointMeans): ReadonlyMap<string, Endpoint> {
  const chargerStatus: Endpoint = async (data, signal) => {
    const { deviceId, connector, asOf } = check(CHARGER_STATUS, data);
    await knowing.untilKnown(asOf, signal);
    const atMs = asOfMs(asOf);
    const known = chargerStatusAt(reader.at(deviceId, atMs), connector, atMs);
    if (!known.isKnown) throw new DevsenError('NOT_YET', `this operator cannot know: ${known.reason}`);
    const { status, errorClass, observedAtSec, online } = known.answer;
    return {
      result: encodeChargerStatus(known.answer),
      fields: { status, errorClass, observedAt: observedAtSec, online },
      aboutMs: asOf * 1000,
    };
  };
  return new Map([['charger-status', chargerStatus]]);
}

function check<Schema extends z.ZodTypeAny>(schema: Schema, data: unknown): z.output<Schema> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new DevsenError('INPUT_INVALID', wrong.join('; '));
}
