import { rename, rm } from 'node:fs/promises';
import { backup, DatabaseSync } from 'node:sqlite';
import { DevsenError } from '../core/errors.ts';

/** Pages copied in one step: all of them, so that a process that writes meanwhile does not make it begin again. */
const ALL_PAGES = 2_147_483_647;

/**
 * Copies a SQLite database as it stands at one moment, while others use it, and checks the copy.
 *
 * @param from - the database's file
 * @param to - where the copy appears once it is whole; what is there is replaced
 * @throws DevsenError `DATABASE_UNAVAILABLE` if the database cannot be read, the copy not be written, or either is damaged
 */
export async function backUpDatabase(from: string, to: string): Promise<void> {
  const part = `${to}.part`;
  try {
    const source = new DatabaseSync(from, { readOnly: true, timeout: 5_000 });
    try {
      await backup(source, part, { rate: ALL_PAGES });
    } finally {
      source.close();
    }
    check(part);
    await rename(part, to);
  } catch (cause) {
    await rm(part, { force: true });
    if (cause instanceof DevsenError) throw cause;
    const { message } = cause as Error;
    throw new DevsenError('DATABASE_UNAVAILABLE', `database not backed up: ${message}`, { cause });
  }
}

function check(path: string): void {
  const copy = new DatabaseSync(path);
  try {
    // A copy of a database with a write-ahead log asks for one too; alone, it is a single file.
    copy.exec('PRAGMA journal_mode = DELETE');
    const { quick_check: finding } = copy.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
    if (finding !== 'ok') throw new DevsenError('DATABASE_UNAVAILABLE', 'the copy of the database is damaged');
  } finally {
    copy.close();
  }
}
