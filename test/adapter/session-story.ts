import type { KeyObject } from 'node:crypto';
import type { Batch } from '../../core/batch.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { messageIdOf, sessionTag } from '../../core/request-approval.ts';
import { cardSessionId } from '../../core/session-answers.ts';
import { makeTestGateway, type TestGateway } from '../support/batches.ts';
import { makeTestRecord } from './record.ts';

export const ms = (sec: number) => sec * 1000;
/** 2026-11-22T00:00:00Z, in seconds: a charger's clock before 2020 is not believed. */
export const DAY = 1_795_305_600;
export const iso = (sec: number) => new Date(ms(sec)).toISOString();
/** The session that a contract opened. */
export const SESSION = `0x${'5e'.repeat(32)}`;
export const CHARGER = 'CH-1';

/** Watermarks in between, seconds: a gateway that tells none for ten seconds counts as away. */
const WATERMARK_EVERY_SEC = 9;

/**
 * Tells what happens at CH-1 by seconds of the day; the charger is connected from second 1 on.
 *
 * @param take - is handed every batch, of which there are as many as a gateway at work sends
 */
export function tellStory(gateway: TestGateway, take: (...batches: Batch[]) => void, subprotocol = 'ocpp1.6') {
  let toldSec = 0;
  const flush = (sec: number) => {
    const batches: Batch[] = [];
    for (toldSec += WATERMARK_EVERY_SEC; toldSec < sec; toldSec += WATERMARK_EVERY_SEC) {
      batches.push(gateway.flush(ms(DAY + toldSec)));
    }
    toldSec = sec;
    take(...batches, gateway.flush(ms(DAY + sec)));
  };
  const call = (sec: number, action: string, payload: object, result: object = {}) => {
    if (sec > toldSec + 1) flush(sec - 1);
    gateway.call(CHARGER, ms(DAY + sec), action, payload, result);
  };
  const answer = (sec: number, messageId: string, result: object) => {
    if (sec > toldSec + 1) flush(sec - 1);
    gateway.answer(CHARGER, ms(DAY + sec), messageId, result);
  };
  flush(0);
  gateway.open(CHARGER, ms(DAY + 1), ms(DAY + 1), subprotocol);
  return {
    call,
    /** Tells watermarks up to a second. */
    flush,
    /** The gateway is away until then. */
    jump: (sec: number) => {
      toldSec = sec;
      take(gateway.flush(ms(DAY + sec)));
    },
    close: (sec: number) => {
      flush(sec - 1);
      gateway.close(CHARGER, ms(DAY + sec));
    },
    open: (sec: number, epoch = ms(DAY + sec)) => {
      flush(sec - 1);
      gateway.open(CHARGER, ms(DAY + sec), epoch, subprotocol);
    },
    /** The charger answers the call of a request. */
    reply: (sec: number, requestId: string, result: object) => answer(sec, messageIdOf(requestId), result),
    /** The charger answers any call. */
    answer,
    start: (
      sec: number,
      meterStart: number,
      { id = 7, tag = sessionTag(SESSION), atSec = sec, status = 'Accepted', connectorId = 1 } = {},
    ) =>
      call(
        sec,
        'StartTransaction',
        { connectorId, idTag: tag, meterStart, timestamp: iso(DAY + atSec) },
        { transactionId: id, idTagInfo: { status } },
      ),
    stop: (sec: number, meterStop: number, { id = 7, atSec = sec, reason = 'Remote' } = {}) =>
      call(sec, 'StopTransaction', { transactionId: id, meterStop, timestamp: iso(DAY + atSec), reason }),
    meter: (sec: number, registerWh: number, { id = 7 as number | undefined, atSec = sec, connectorId = 1 } = {}) =>
      call(sec, 'MeterValues', {
        connectorId,
        ...(id === undefined ? {} : { transactionId: id }),
        meterValue: [{ timestamp: iso(DAY + atSec), sampledValue: [{ value: `${registerWh}` }] }],
      }),
    /** A meter's signed record, without a value beside it. */
    signed: (sec: number, record: string, { id = 7 as number | undefined } = {}) =>
      call(sec, 'MeterValues', {
        connectorId: 1,
        ...(id === undefined ? {} : { transactionId: id }),
        meterValue: [{ timestamp: iso(DAY + sec), sampledValue: [{ value: record, format: 'SignedData' }] }],
      }),
    status: (sec: number, status: string, atSec = sec) =>
      call(sec, 'StatusNotification', {
        connectorId: 1,
        status,
        errorCode: 'NoError',
        timestamp: iso(DAY + atSec),
      }),
  };
}

/** A charger's record at one operator, told as the story goes. */
export function beginStory(subprotocol?: string) {
  const gateway = makeTestGateway({ bootedAtMs: ms(DAY) });
  const record = makeTestRecord([gateway.listed()]);
  const told = (sec: number, sessionId = SESSION, meterKey?: KeyObject) => {
    const known = record.session(CHARGER, sessionId, DAY + sec, meterKey);
    if (!known.isKnown) return { cannotKnow: known.reason };
    const { idTag, evidence, energyWh, startedAtSec, endedAtSec, ...answer } = known.answer;
    const day = (atSec: number) => (atSec === 0 ? 0 : atSec - DAY);
    return { ...answer, energyWh: Number(energyWh), started: day(startedAtSec), ended: day(endedAtSec) };
  };
  return {
    record,
    ...tellStory(gateway, record.apply, subprotocol),
    /** What is answered as of a second of the day, times by seconds of the day. */
    told,
    /** Verdict and reason alone. */
    verdict: (sec: number, sessionId = SESSION) => {
      const answer = told(sec, sessionId);
      return 'cannotKnow' in answer ? 'cannot know' : `${answer.verdict} ${answer.reason}`;
    },
    /** The id of the session that a card opened with the n-th event of the first connection. */
    cardSession: (seq: number) => cardSessionId(deviceIdOf(CHARGER), BigInt(ms(DAY + 1)), BigInt(seq)),
  };
}
