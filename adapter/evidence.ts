import { z } from 'zod';
import { asOfMs } from '../core/as-of.ts';
import { DevsenError } from '../core/errors.ts';
import type { EventProof } from '../core/event-proof.ts';
import { sessionToldAt } from '../core/session-result.ts';
import type { BatchExport } from './batch-export.ts';
import { MOST_ANSWER_BYTES } from './bridge.ts';
import type { Database } from './database.ts';
import { BYTES32, certain, check, type Endpoint, LATEST_SEC, whole } from './endpoints.ts';
import type { Knowing } from './knowing.ts';
import type { SessionReader } from './session-reader.ts';

/** What an answer holds beside the proofs, bytes, at most. */
const ROOM_FOR_THE_REST = 2_048;

const OF_SESSION = z.object({
  deviceId: BYTES32,
  sessionId: BYTES32,
  asOf: whole(LATEST_SEC),
  from: whole(1_000_000).default(0),
});

export interface EvidenceMeans {
  db: Database;
  knowing: Pick<Knowing, 'untilKnown'>;
  session: SessionReader;
  /** The record as gateways signed it; undefined until the chain has told the network. */
  batches: () => Pick<BatchExport, 'proof'> | undefined;
}

/**
 * The endpoint `evidence`: the events behind a session's result, each with the batch it went out in and that batch's signature,
 * as many as one answer can hold. `result` is the evidence of `session-result`: keccak256 of the events' chain hashes, one
 * after the other. Whoever has the gateway's key checks all of it with `core/event-proof.ts`, and trusts no operator.
 */
export function makeEvidence({ db, knowing, session, batches }: EvidenceMeans): ReadonlyMap<string, Endpoint> {
  const selectIdentity = db.prepare<{ identity: string }>('SELECT identity FROM chargers WHERE device_id = ?');

  const evidence: Endpoint = async (data, signal) => {
    const { deviceId, sessionId, asOf, from } = check(OF_SESSION, data);
    await knowing.untilKnown(asOf, signal);
    const atMs = asOfMs(asOf);
    const { answer, events } = certain(sessionToldAt(session(deviceId, sessionId, atMs), atMs));
    const identity = selectIdentity.get(deviceId)?.identity ?? '';
    const record = batches();
    const proofs: EventProof[] = [];
    let room = MOST_ANSWER_BYTES - ROOM_FOR_THE_REST;
    for (const { epoch, seq, hash } of events.slice(from)) {
      const proof = record?.proof(identity, epoch, seq);
      // Two gateways may each have a connection of one epoch: a proof of the other's event proves nothing here.
      if (proof === undefined || `0x${proof.eventHashes[proof.index]}` !== hash) {
        throw new DevsenError('NOT_YET', 'this operator has not all of the evidence');
      }
      room -= Buffer.byteLength(JSON.stringify(proof)) + 1;
      if (room < 0 && proofs.length > 0) break;
      proofs.push(proof);
    }
    const next = from + proofs.length;
    const about = { verdict: answer.verdict, events: events.length, next: next < events.length ? next : null };
    // Frames hold idTags.
    return { result: answer.evidence, fields: { ...about, proofs }, logged: about, aboutMs: asOf * 1000 };
  };
  return new Map([['evidence', evidence]]);
}
