import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Supervised, startProcess } from '../../network/supervisor.ts';
import { startWatchdog, type Watchdog } from '../../network/watchdog.ts';

const START = join(import.meta.dirname, '..', '..', 'network', 'start.ts');
const MINUTES_MS = 60_000;

describe('npm start -- --once', () => {
  let watchdog: Watchdog;
  const lines: string[] = [];
  let process_: Supervised;

  beforeAll(async () => {
    watchdog = startWatchdog();
    process_ = await startProcess(
      {
        name: 'once',
        command: process.execPath,
        args: ['--disable-warning=ExperimentalWarning', START, '--once', '--no-build'],
        onLine: (line) => void lines.push(line),
      },
      watchdog,
    );
  });
  afterAll(() => watchdog.close(), MINUTES_MS);

  it(
    'plays the whole way through, says each step, and exits 0',
    async () => {
      const exit = await process_.exited;
      expect({ code: exit.code, lines: exit.code === 0 ? [] : lines }).toEqual({ code: 0, lines: [] });
      for (const n of [1, 2, 3, 4])
        expect(lines).toContainEqual(expect.stringMatching(`^ {4}operator-${n}: Charging, since`));
      expect(lines).toContainEqual(expect.stringMatching(/^ {4}the contract holds: Charging, since/));
      expect(lines).toContainEqual(expect.stringMatching(/^ {4}owner +0\.0 → 0\.\d+ \+/));
      expect(lines).toContainEqual(expect.stringMatching(/every token is where it belongs/));
      expect(lines.at(-1)).toMatch(/^All agreed\. \d+\.\d s in all$/);
    },
    3 * MINUTES_MS,
  );
});
