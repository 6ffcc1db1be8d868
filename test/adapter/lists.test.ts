import { describe, expect, it } from '@jest/globals';
import { concat, keccak256 } from 'ethers';
import { makeAvailabilityList } from '../../adapter/availability-list.ts';
import { makeBatchExport } from '../../adapter/batch-export.ts';
import { MOST_ANSWER_BYTES } from '../../adapter/bridge.ts';
import type { Endpoint } from '../../adapter/endpoints.ts';
import { makeEvidence } from '../../adapter/evidence.ts';
import { type EventProof, verifyEventProof } from '../../core/event-proof.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { makeTestGateway } from '../support/batches.ts';
import { makeTestRecord } from './record.ts';
import { CHARGER, DAY, ms, SESSION, tellStory } from './session-story.ts';

const { signal } = new AbortController();
const knowing = { untilKnown: async () => {} };

describe('the evidence of a session', () => {
  /** An hour of meter values, so that no single answer can hold it. */
  function begin() {
    const gateway = makeTestGateway({ bootedAtMs: ms(DAY) });
    const record = makeTestRecord([gateway.listed()]);
    const story = tellStory(gateway, record.apply);
    story.start(60, 1_000);
    for (let sec = 90; sec < 3_600; sec += 60) story.meter(sec, 1_000 + sec);
    story.stop(3_600, 4_600);
    story.flush(3_602);
    const batches = makeBatchExport(record.db, record.ingest.batchText);
    const means = { db: record.db, knowing, session: record.sessionReader, batches: () => batches };
    const evidence = makeEvidence(means).get('evidence') as Endpoint;
    const asOf = DAY + 3_601;
    const ask = (more: object = {}) =>
      evidence({ deviceId: deviceIdOf(CHARGER), sessionId: SESSION, asOf, ...more }, signal);
    return { gateway, record, ask, asOf, means };
  }

  it('is all that the answer on chain rests on, and the gateway’s key alone shows that it is true', async () => {
    const { gateway, record, ask, asOf } = begin();
    const proofs: EventProof[] = [];
    let pages = 0;
    for (let from: number | null = 0; from !== null; pages++) {
      const { fields, logged } = await ask({ from });
      expect(Buffer.byteLength(JSON.stringify(fields))).toBeLessThan(MOST_ANSWER_BYTES);
      expect(Object.keys(logged ?? fields)).not.toContain('proofs');
      proofs.push(...(fields.proofs as EventProof[]));
      from = fields.next as number | null;
    }
    expect(pages).toBeGreaterThan(1);
    const hashes = proofs.map((proof) => {
      const proven = verifyEventProof(proof, gateway.key.address);
      return proven.isProven ? `0x${proven.hash}` : proven.reason;
    });
    const told = record.session(CHARGER, SESSION, asOf);
    const { evidence } = told.isKnown ? told.answer : { evidence: '' };
    expect(keccak256(concat(hashes))).toBe(evidence);
    expect((await ask()).result).toBe(evidence);
    expect((await ask({ from: proofs.length })).fields).toMatchObject({ proofs: [], next: null });
  });

  it('is none where nothing is on record, and is not given in part', async () => {
    const { ask, means, asOf } = begin();
    expect((await ask({ sessionId: `0x${'11'.repeat(32)}` })).fields).toEqual({
      verdict: 'CannotKnow',
      events: 0,
      next: null,
      proofs: [],
    });
    const without = makeEvidence({ ...means, batches: () => undefined }).get('evidence') as Endpoint;
    const question = { deviceId: deviceIdOf(CHARGER), sessionId: SESSION, asOf };
    await expect(without(question, signal)).rejects.toThrow('this operator has not all of the evidence');
  });
});

describe('the list of what is available', () => {
  const NOW_MS = 1_000_010_000;

  function begin(inCell: string[] = []) {
    const gateway = makeTestGateway({ bootedAtMs: NOW_MS - 10_000 });
    const record = makeTestRecord([gateway.listed()]);
    record.apply(gateway.flush(NOW_MS - 9_000));
    const statuses = { A: ['Available', 'Charging'], B: ['Available', 'Available'], C: ['Faulted'], D: ['Available'] };
    for (const charger of Object.keys(statuses)) gateway.open(charger, NOW_MS - 8_000);
    for (const [charger, told] of Object.entries(statuses)) {
      for (const [n, status] of told.entries()) gateway.status(charger, NOW_MS - 7_000, n + 1, status);
    }
    gateway.close('D', NOW_MS - 6_000);
    record.apply(gateway.flush(NOW_MS));
    const endpoint = makeAvailabilityList({
      db: record.db,
      knowing,
      reader: record.reader,
      chargersInCell: async (row, column) => (row === 3_069 && column === 4_257 ? inCell : []),
      now: () => NOW_MS,
    }).get('availability-list') as Endpoint;
    return (data: object = {}) => endpoint({ ...data }, signal);
  }
  const free = (charger: string, connector: number) => ({
    deviceId: deviceIdOf(charger),
    connector,
    observedAt: (NOW_MS - 7_000) / 1000,
  });
  const inOrder = (rows: ReturnType<typeof free>[]) =>
    rows.sort((one, other) => (one.deviceId < other.deviceId ? -1 : 1));

  it('holds connectors that are online and Available, as of a moment ago', async () => {
    const { result, fields } = await begin()();
    expect(result).toEqual(inOrder([free('A', 1), free('B', 1), free('B', 2)]));
    expect(fields).toEqual({ asOf: NOW_MS / 1000 - 1, next: null });
  });

  it('is of a cell of the map where one is given, and goes on after a charger', async () => {
    const ask = begin([deviceIdOf('B'), deviceIdOf('C'), deviceIdOf('UNHEARD')]);
    expect((await ask({ row: 3_069, column: '4257' })).result).toEqual([free('B', 1), free('B', 2)]);
    expect((await ask({ row: 3_069, column: 4_258 })).result).toEqual([]);
    expect((await ask({ row: 3_069, column: 4_257, after: `0x${'ff'.repeat(32)}` })).result).toEqual([]);
    await expect(ask({ row: 1 })).rejects.toThrow('row and column must be given together');
    await expect(ask({ row: 4_001, column: 0 })).rejects.toThrow('row must be a whole number from 0 to 4000');
  });

  it('comes in pages of a hundred chargers', async () => {
    const many = Array.from({ length: 101 }, (_, n) => `0x${n.toString(16).padStart(64, '0')}`);
    const { fields } = await begin(many)({ row: 3_069, column: 4_257 });
    expect(fields.next).toBe(many[99]);
  });
});
