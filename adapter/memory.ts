import { DevsenError } from '../core/errors.ts';
import type { RegistrySnapshot } from '../runtime/registry.ts';
import type { Database } from './database.ts';

/** What an adapter keeps of the chain from one start to the next. */
export function makeMemory(db: Database) {
  const select = db.prepare<{ value: string }>('SELECT value FROM meta WHERE name = ?');
  const upsert = db.prepare(
    'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  );
  return {
    /** @throws DevsenError `CONFLICT` if the record is of another network */
    checkNetwork: (network: string) => {
      const known = select.get('network')?.value;
      if (known === undefined) upsert.run('network', network);
      else if (known !== network)
        throw new DevsenError('CONFLICT', `the record is of network ${known}, not ${network}`);
    },
    restored: (): RegistrySnapshot | undefined => {
      const text = select.get('registry')?.value;
      return text === undefined ? undefined : (JSON.parse(text) as RegistrySnapshot);
    },
    keep: (snapshot: RegistrySnapshot) => upsert.run('registry', JSON.stringify(snapshot)),
    isReadable: (): boolean => {
      try {
        select.get('network');
        return true;
      } catch {
        return false;
      }
    },
  };
}
