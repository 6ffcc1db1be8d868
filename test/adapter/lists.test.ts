import { describe, expect, it } from '@jest/globals';
import { makeAvailabilityList } from '../../adapter/availability-list.ts';
import type { Endpoint } from '../../adapter/endpoints.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { makeTestGateway } from '../support/batches.ts';
import { makeTestRecord } from './record.ts';

const { signal } = new AbortController();
const knowing = { untilKnown: async () => {} };

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
