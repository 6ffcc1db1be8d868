import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gatewayEnv, type LocalPlaces, operatorDir, operatorEnv } from './local-plan.ts';

/** The folder of the gateway's own and of the chargers' own files in a network of containers. */
export const gatewayDir = (dir: string): string => join(dir, 'gateway');
export const chargersDir = (dir: string): string => join(dir, 'chargers');

/** What a part is told, one variable a line, in the folder that only its container and the set-up see. */
const SETTINGS_FILE = 'settings.env';

/** The folders of the parts of a network of containers; each may be a volume of its own. */
export function partFolders(dir: string, operators: number): string[] {
  return [gatewayDir(dir), chargersDir(dir), ...Array.from({ length: operators }, (_, n) => operatorDir(dir, n))];
}

/** Leaves nothing in a network's folder but the folders of its parts, all empty. */
export async function emptyFolders(dir: string, operators: number): Promise<void> {
  const parts = partFolders(dir, operators);
  await Promise.all(parts.map((part) => mkdir(part, { recursive: true })));
  for (const folder of [dir, ...parts]) {
    const paths = (await readdir(folder)).map((name) => join(folder, name));
    const gone = paths.filter((path) => !parts.includes(path));
    await Promise.all(gone.map((path) => rm(path, { recursive: true })));
  }
}

/** Writes what the gateway and each operator are told; only the owner may read it. */
export async function writeSettings(places: LocalPlaces): Promise<void> {
  const write = (folder: string, env: Record<string, string>) => {
    const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
    return writeFile(join(folder, SETTINGS_FILE), lines.join(''), { mode: 0o600 });
  };
  await write(gatewayDir(places.dir), gatewayEnv(places));
  for (const n of places.operatorAccounts.keys()) await write(operatorDir(places.dir, n), operatorEnv(places, n));
}
