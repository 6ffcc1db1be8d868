import { describe, expect, it } from '@jest/globals';
import { makeBatchExport } from '../../adapter/batch-export.ts';
import { type EventProof, verifyEventProof, verifyHistory } from '../../core/event-proof.ts';
import { makeTestRecord } from '../adapter/record.ts';
import { makeTestGateway, makeTestKey } from '../support/batches.ts';

const gateway = makeTestGateway({ bootedAtMs: 1_000_000 });
const key = gateway.key.address;

/** Proofs of five events of CH-1, which went out in two batches among those of another charger. */
function prove(): EventProof[] {
  const record = makeTestRecord([gateway.listed()]);
  const teller = gateway.clone();
  record.apply(teller.flush(1_000_000));
  teller.open('CH-1', 1_001_000);
  teller.open('CH-2', 1_001_000);
  teller.status('CH-1', 1_002_000, 1, 'Available');
  record.apply(teller.flush(1_003_000));
  teller.status('CH-2', 1_004_000, 1, 'Faulted');
  teller.status('CH-1', 1_004_000, 1, 'Charging');
  teller.call('CH-1', 1_005_000, 'Heartbeat', {});
  teller.close('CH-1', 1_006_000);
  record.apply(teller.flush(1_007_000));
  const given = makeBatchExport(record.db, record.ingest.batchText);
  const proofs = [0, 1, 2, 3, 4].map((seq) => given.proof('CH-1', 1_001_000, seq) as EventProof);
  expect(given.proof('CH-1', 1_001_000, 5)).toBeUndefined();
  record.db.close();
  return JSON.parse(JSON.stringify(proofs));
}

describe("the proof of a charger's event", () => {
  const proofs = prove();
  const [, second] = proofs as [EventProof, EventProof];

  it('shows by the gateway’s key alone what was told, and when', () => {
    const proven = verifyEventProof(second, key.toUpperCase().replace('0X', '0x'));
    expect(proven).toMatchObject({
      isProven: true,
      event: { charger: 'CH-1', epoch: 1_001_000, seq: 1, receivedAtMs: 1_002_000, kind: 'call' },
    });
    expect(second.watermarkMs).toBe(1_003_000);
  });

  it.each<[string, Partial<EventProof>, string]>([
    ['another frame', { line: second.line.replace('Available', 'Faulted') }, 'chain'],
    ['another time', { line: second.line.replace('1002000', '1002001') }, 'chain'],
    ['no event', { line: 'x' }, 'event'],
    ['another place', { index: 0 }, 'chain'],
    ['a place that is none', { index: -1 }, 'chain'],
    ['another past', { previousHash: '0'.repeat(64) }, 'chain'],
    ['another watermark', { watermarkMs: 1_003_001 }, 'signature'],
    ['another batch number', { number: 7 }, 'signature'],
    ['another network', { network: `1:0x${'0'.repeat(40)}` }, 'signature'],
    [
      'an event left out of the batch',
      { eventHashes: second.eventHashes.slice(0, 3).concat('0'.repeat(64)) },
      'signature',
    ],
    ['a signature that is none', { signature: '00' }, 'signature'],
    ['another signature', { signature: '1'.repeat(128) }, 'signature'],
    ['another key', { publicKey: makeTestKey().publicKey }, 'key'],
    ['a key that is none', { publicKey: `04${'0'.repeat(128)}` }, 'key'],
  ])('shows nothing with %s', (_name, change, reason) => {
    expect(verifyEventProof({ ...second, ...change }, key)).toEqual({ isProven: false, reason });
  });

  it('shows nothing if the chain registers another key', () => {
    expect(verifyEventProof(second, makeTestKey().address)).toEqual({ isProven: false, reason: 'key' });
  });

  it('shows in a row that nothing was left out', () => {
    const history = verifyHistory(proofs, key);
    expect(history.isProven && history.events.map(({ seq, kind }) => `${seq} ${kind}`)).toEqual([
      '0 open',
      '1 call',
      '2 call',
      '3 call',
      '4 close',
    ]);
    expect(verifyHistory([proofs[0], proofs[1], proofs[3]] as EventProof[], key)).toEqual({
      isProven: false,
      index: 2,
    });
    expect(verifyHistory([proofs[1], proofs[0]] as EventProof[], key)).toEqual({ isProven: false, index: 1 });
    expect(verifyHistory([], key)).toEqual({ isProven: true, events: [] });
  });
});
