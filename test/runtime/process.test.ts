import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { keepUntilExit } from '../support/children.ts';
import { waitFor } from '../support/wait.ts';

const RUNTIME = pathToFileURL(join(import.meta.dirname, '../../runtime')).href;

/** Runs a part whose `start` is the given source text. */
function run(start: string) {
  const source = `
    import { makeLog } from '${RUNTIME}/log.ts';
    import { runAsProcess } from '${RUNTIME}/process.ts';
    const log = makeLog('part', 'info');
    await runAsProcess(log, ${start});`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  keepUntilExit(child);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const entries = () =>
    output
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  return { child, entries };
}

const STARTED = `setTimeout(() => log.info('started'), 1); setInterval(() => {}, 1e6);`;

describe('a part that runs as a process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('closes on %s and exits with 0', async (signal) => {
    const { child, entries } = run(`async () => { ${STARTED} return { close: async () => log.info('closed') }; }`);
    await waitFor(() => entries().length === 1, { what: 'the start' });
    child.kill(signal);
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(entries().map(({ msg }) => msg)).toEqual(['started', 'stopping', 'closed']);
  });

  it('exits with 0 at a signal while it waits for its start', async () => {
    const { child, entries } = run(`() => new Promise(() => { ${STARTED} })`);
    await waitFor(() => entries().length === 1, { what: 'the wait' });
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  it('exits at once with 1 at a second signal', async () => {
    const { child, entries } = run(`async () => { ${STARTED} return { close: () => new Promise(() => {}) }; }`);
    await waitFor(() => entries().length === 1, { what: 'the start' });
    child.kill('SIGTERM');
    await waitFor(() => entries().length === 2, { what: 'the stop' });
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([1, null]);
  });

  it.each([
    ['its start fails', `async () => { throw new Error('no start'); }`, 'no start'],
    [
      'an error escapes',
      `async () => { setTimeout(() => { throw new Error('escaped'); }, 1); ${STARTED} return { close: async () => {} }; }`,
      'escaped',
    ],
    [
      'a rejection escapes',
      `async () => { void Promise.reject(new Error('rejected')); ${STARTED} return { close: async () => {} }; }`,
      'rejected',
    ],
  ])('logs why and exits with 1 if %s', async (_, start, message) => {
    const { child, entries } = run(start);
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(entries().at(-1)).toMatchObject({ level: 60, part: 'part', err: { message }, msg: 'stopped by an error' });
  });

  it('cuts secrets out of its log', async () => {
    const { child, entries } = run(
      `async () => { log.info({ idTag: 'a', card: { idTag: 'b', deep: { privateKey: 'c' } }, chargerId: 'CP1' }); process.exit(0); }`,
    );
    await once(child, 'close');
    expect(entries()[0]).toMatchObject({
      idTag: '[cut]',
      card: { idTag: '[cut]', deep: { privateKey: '[cut]' } },
      chargerId: 'CP1',
    });
  });
});
