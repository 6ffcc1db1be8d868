import { access, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DevsenError } from '../core/errors.ts';
import { backUpDatabase } from '../runtime/sqlite-backup.ts';

/**
 * Copies an operator's databases into a new folder named by the time.
 *
 * @param databases - their files; one that is not there is left out
 * @param folder - under which the new one is made
 * @returns the copies
 * @throws DevsenError `NOT_FOUND` if none is there, `DATABASE_UNAVAILABLE` if one cannot be copied
 */
export async function backUpOperator(databases: readonly string[], folder: string, nowMs: number): Promise<string[]> {
  const found: string[] = [];
  for (const path of databases) {
    if (await isThere(path)) found.push(path);
  }
  if (found.length === 0) throw new DevsenError('NOT_FOUND', `no database at ${databases.join(' or ')}`);
  const target = join(folder, new Date(nowMs).toISOString().replaceAll(':', '-'));
  await mkdir(target, { recursive: true });
  const copies: string[] = [];
  for (const path of found) {
    const copy = join(target, basename(path));
    await backUpDatabase(path, copy);
    copies.push(copy);
  }
  return copies;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
