import type { KeyObject } from 'node:crypto';
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
import { type CommandQuery, decodeSessionParams, type RequestApproval } from '../core/request-approval.ts';
import {
  encodeCommandAnswer,
  encodeConfigurationAnswer,
  encodeReply,
  encodeSessionAnswer,
  encodeStartAnswer,
} from '../core/session-answers.ts';
import type { CommandReader } from './command-reader.ts';
import { certain, type EndpointAnswer } from './endpoints.ts';
import type { Knowing } from './knowing.ts';
import { sessionFields } from './session-endpoints.ts';

export interface FollowMeans {
  knowing: Pick<Knowing, 'untilKnown'>;
  command: CommandReader;
  /** The key that the chain has of a charger's meter; undefined if it has none. */
  meterKeyOf: (deviceId: string) => Promise<KeyObject | undefined>;
  /** How long one question may wait, ms. */
  waitMs: number;
}

/**
 * Looks at what became of a request second by second, and gives the first answer there is.
 *
 * @param read - what stands between the record of a second and the rule, if something is to
 * @throws DevsenError as `untilKnown` does, and `CANNOT_KNOW` where this operator cannot say
 */
export async function followRequest(
  { knowing, command, meterKeyOf, waitMs }: FollowMeans,
  asked: RequestApproval,
  caller: AbortSignal,
  read: (record: CommandRecordAt) => CommandRecordAt = (record) => record,
): Promise<{ answer: Answer; sec: number }> {
  const { query, deviceId, requestId, asOfSec } = asked;
  const sessionId = query === 'stop-charge' ? sessionIn(asked) : requestId;
  const meterKey = query === 'stop-charge' ? await meterKeyOf(deviceId) : undefined;
  const signal = AbortSignal.any([caller, AbortSignal.timeout(waitMs)]);
  for (let sec = asOfSec; ; sec++) {
    await knowing.untilKnown(sec, signal);
    const record = read({ ...command(deviceId, requestId, sessionId, asOfMs(sec)), meterKey });
    const answer = certain(answerAt(record, asked, sec));
    if (answer !== undefined) return { answer, sec };
  }
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
