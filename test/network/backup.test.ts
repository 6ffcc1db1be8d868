import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openDatabase } from '../../jobs/node/database.ts';
import { backUpOperator } from '../../network/backup.ts';
import { makeTestRecord } from '../adapter/record.ts';
import { makeTestGateway } from '../support/batches.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'devsen-backup-'));
});
afterEach(() => rm(dir, { recursive: true }));

describe("a backup of an operator's databases", () => {
  it('is a record like the one that goes on being written meanwhile, in a single file', async () => {
    const gateway = makeTestGateway({ bootedAtMs: 1_000_000 });
    const path = join(dir, 'adapter.sqlite');
    const record = makeTestRecord([gateway.listed()], path);
    record.apply(gateway.flush(1_000_000));
    gateway.open('CH-1', 1_001_000);
    gateway.status('CH-1', 1_002_000, 1, 'Charging');
    record.apply(gateway.flush(1_003_000));
    const copies = await backUpOperator([path, join(dir, 'none.sqlite')], join(dir, 'kept'), 1_795_305_600_000);
    expect(copies).toEqual([join(dir, 'kept', '2026-11-22T00-00-00.000Z', 'adapter.sqlite')]);
    expect(await readdir(join(dir, 'kept', '2026-11-22T00-00-00.000Z'))).toEqual(['adapter.sqlite']);
    gateway.status('CH-1', 1_004_000, 1, 'Faulted');
    const next = gateway.flush(1_005_000);
    record.apply(next);

    const restored = makeTestRecord([gateway.listed()], copies[0]);
    expect([restored.told('CH-1', 1, 1_002), restored.count('batches')]).toEqual(['Charging@1002', 2]);
    restored.apply(next);
    expect(restored.told('CH-1', 1, 1_004)).toBe(record.told('CH-1', 1, 1_004));
    restored.db.close();
    record.db.close();
  });

  it('copies a job node’s database while the node has it open, for itself alone', async () => {
    const path = join(dir, 'jobs.sqlite');
    const db = openDatabase(path);
    try {
      db.exec("INSERT INTO account VALUES ('0x01', '31337')");
      const [copy = ''] = await backUpOperator([path], join(dir, 'kept'), 0);
      const restored = openDatabase(copy);
      expect(restored.prepare('SELECT * FROM account').all()).toEqual([{ address: '0x01', chain_id: '31337' }]);
      restored.close();
      expect(() => openDatabase(path)).toThrow('another process uses it');
    } finally {
      db.close();
    }
    openDatabase(path).close();
  });

  it('says so if there is nothing to copy, or what is there is no database, and leaves nothing half done', async () => {
    const none = join(dir, 'none.sqlite');
    await expect(backUpOperator([none], dir, 0)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const damaged = join(dir, 'damaged.sqlite');
    await writeFile(damaged, 'no database '.repeat(1_000));
    await expect(backUpOperator([damaged], join(dir, 'kept'), 0)).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    });
    expect(await readdir(join(dir, 'kept', '1970-01-01T00-00-00.000Z'))).toEqual([]);
  });
});
