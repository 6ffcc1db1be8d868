import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { asOfMs } from '../core/as-of.ts';
import { encodeSessionAnswer, type SessionAnswer } from '../core/session-answers.ts';
import { sessionResultAt } from '../core/session-result.ts';
import { BYTES32, certain, check, type Endpoint, LATEST_SEC, whole } from './endpoints.ts';
import type { Knowing } from './knowing.ts';
import type { SessionReader } from './session-reader.ts';

export interface SessionEndpointMeans {
  knowing: Pick<Knowing, 'untilKnown'>;
  session: SessionReader;
  /** The key that the chain has of a charger's meter; undefined if it has none. */
  meterKeyOf: (deviceId: string) => Promise<KeyObject | undefined>;
}

const OF_SESSION = z.object({ deviceId: BYTES32, sessionId: BYTES32, asOf: whole(LATEST_SEC) });

/** The endpoints that tell of sessions, by their names. */
export function makeSessionEndpoints({
  knowing,
  session,
  meterKeyOf,
}: SessionEndpointMeans): ReadonlyMap<string, Endpoint> {
  const sessionResult: Endpoint = async (data, signal) => {
    const { deviceId, sessionId, asOf } = check(OF_SESSION, data);
    const [meterKey] = await Promise.all([meterKeyOf(deviceId), knowing.untilKnown(asOf, signal)]);
    const atMs = asOfMs(asOf);
    const answer = certain(sessionResultAt(session(deviceId, sessionId, atMs), atMs, meterKey));
    return { result: encodeSessionAnswer(answer), fields: sessionFields(answer), aboutMs: asOf * 1000 };
  };
  return new Map([['session-result', sessionResult]]);
}

/** A session's result in plain fields. */
export function sessionFields(answer: SessionAnswer): Record<string, unknown> {
  const { verdict, reason, stop, connector, energyWh, startedAtSec, endedAtSec, idleSec, idTag, evidence } = answer;
  return {
    verdict,
    reason,
    stop,
    connector,
    energyWh: Number(energyWh),
    startedAt: startedAtSec,
    endedAt: endedAtSec,
    idleSec,
    idTagCommitment: idTag,
    evidence,
  };
}
