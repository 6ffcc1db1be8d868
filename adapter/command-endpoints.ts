import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { asOfMs } from '../core/as-of.ts';
import type { ChargerReply } from '../core/charger-call.ts';
import {
  type CommandRecordAt,
  controlAnswerAt,
  type Followed,
  startAnswerAt,
  stopAnswerAt,
} from '../core/command-answer.ts';
import { DevsenError } from '../core/errors.ts';
import {
  COMMAND_QUERIES,
  type CommandQuery,
  decodeSessionParams,
  type RequestApproval,
} from '../core/request-approval.ts';
import {
  encodeCommandAnswer,
  encodeConfigurationAnswer,
  encodeReply,
  encodeSessionAnswer,
  encodeStartAnswer,
} from '../core/session-answers.ts';
import type { CommandReader } from './command-reader.ts';
import { BYTES32, certain, check, type Endpoint, type EndpointAnswer, LATEST_SEC, whole } from './endpoints.ts';
import type { Knowing } from './knowing.ts';
import { sessionFields } from './session-endpoints.ts';

export interface CommandEndpointMeans {
  knowing: Pick<Knowing, 'untilKnown'>;
  command: CommandReader;
  /** Approves what the chain asked; see `Approvals`. */
  approve: (requestId: string, asOfSec: number) => Promise<RequestApproval>;
  /** The key that the chain has of a charger's meter; undefined if it has none. */
  meterKeyOf: (deviceId: string) => Promise<KeyObject | undefined>;
  /** How long one question may wait, ms. */
  waitMs: number;
}

const OF_REQUEST = z.object({
  requestId: BYTES32,
  deviceId: BYTES32,
  params: z.string({ message: 'must be bytes as 0x-hex' }).regex(/^0x([0-9a-fA-F]{2})*$/, 'must be bytes as 0x-hex'),
  asOf: whole(LATEST_SEC),
});

/**
 * The endpoints that have a charger do something, by their names. Each approves what the chain asked, whatever it is told beside
 * that, and then answers from the record what became of it; the same request may be asked about again and again.
 */
export function makeCommandEndpoints(means: CommandEndpointMeans): ReadonlyMap<string, Endpoint> {
  return new Map(COMMAND_QUERIES.map((query) => [query, endpointOf(query, means)]));
}

function endpointOf(
  query: CommandQuery,
  { knowing, command, approve, meterKeyOf, waitMs }: CommandEndpointMeans,
): Endpoint {
  return async (data, caller) => {
    const { requestId, deviceId, params, asOf } = check(OF_REQUEST, data);
    const asked = await approve(requestId, asOf);
    const isSame =
      asked.query === query &&
      asked.deviceId === deviceId &&
      asked.params === params.toLowerCase() &&
      asked.asOfSec === asOf;
    if (!isSame) throw new DevsenError('INPUT_INVALID', 'the chain asked something else under this requestId');

    const sessionId = query === 'stop-charge' ? sessionIn(asked) : requestId;
    const meterKey = query === 'stop-charge' ? await meterKeyOf(deviceId) : undefined;
    const signal = AbortSignal.any([caller, AbortSignal.timeout(waitMs)]);
    for (let sec = asOf; ; sec++) {
      await knowing.untilKnown(sec, signal);
      const record = { ...command(deviceId, requestId, sessionId, asOfMs(sec)), meterKey };
      const answer = certain(answerAt(record, asked, sec));
      if (answer !== undefined) return { ...answer, aboutMs: sec * 1000 };
    }
  };
}

type Answer = Omit<EndpointAnswer, 'aboutMs'>;

function answerAt(record: CommandRecordAt, asked: RequestApproval, sec: number): Followed<Answer> {
  const { query, asOfSec } = asked;
  if (query === 'start-charge') {
    return mapped(startAnswerAt(record, asked, asOfSec, sec), (answer) => {
      const { verdict, reason, transaction, meterStartWh, startedAtSec } = answer;
      const fields = { verdict, reason, transaction, meterStartWh: Number(meterStartWh), startedAt: startedAtSec };
      return { result: encodeStartAnswer(answer), fields };
    });
  }
  if (query === 'stop-charge') {
    return mapped(stopAnswerAt(record, asked, asOfSec, sec), (answer) => ({
      result: encodeSessionAnswer(answer),
      fields: sessionFields(answer),
    }));
  }
  return mapped(controlAnswerAt(record, asked, asOfSec, sec), (reply) => {
    const { verdict, reason } = reply;
    return { result: ENCODERS[query](reply), fields: { verdict, reason } };
  });
}

const ENCODERS: Readonly<
  Record<Exclude<CommandQuery, 'start-charge' | 'stop-charge'>, (reply: ChargerReply) => string>
> = { 'get-configuration': encodeConfigurationAnswer, 'set-configuration': encodeReply, command: encodeCommandAnswer };

function mapped<From, To>(followed: Followed<From>, map: (answer: From) => To): Followed<To> {
  if (!followed.isKnown || followed.answer === undefined) return followed as Followed<never>;
  return { isKnown: true, answer: map(followed.answer) };
}

function sessionIn({ params }: RequestApproval): string {
  try {
    return decodeSessionParams(params).sessionId;
  } catch (cause) {
    throw new DevsenError('INPUT_INVALID', 'params: no session', { cause });
  }
}
