import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { apiDocument } from '../../docs/generator/api.ts';
import { contractsDocument } from '../../docs/generator/contracts.ts';
import { API, CONTRACTS, ENV_EXAMPLE, OCPP, README, renderReadme } from '../../docs/generator/files.ts';
import { ocppDocument } from '../../docs/generator/ocpp.ts';
import { envExample } from '../../docs/generator/settings.ts';
import { TASK_TYPES } from '../../jobs/node/tasks/table.ts';
import { COMMANDS } from '../../setup/commands.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

describe('the documents', () => {
  it('list the settings that the processes read (else: npm run docs)', () => {
    expect(read(README)).toBe(renderReadme(read(README)));
    expect(read(ENV_EXAMPLE)).toBe(envExample());
  });

  it('list the OCPP messages that the gateway knows, every one of them tested (else: npm run docs)', () => {
    const rows = read(OCPP)
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(read(OCPP)).toBe(ocppDocument());
    expect(rows).toHaveLength(28 + 11 + 64 + 91);
    expect(rows.filter((row) => !row.endsWith('| yes |'))).toEqual([]);
  });

  it('describe the read API as its OpenAPI document does (else: npm run docs)', () => {
    expect(read(API)).toBe(apiDocument());
  });

  it('describe the contracts as their interfaces do (else: npm run docs)', () => {
    expect(read(CONTRACTS)).toBe(contractsDocument());
    // Every function of every interface has a line, and says what it is for.
    const functions = read(CONTRACTS).match(/^- `function .*\n {2}\S/gm) ?? [];
    const declared = readdirSync(join(ROOT, 'contracts/interfaces')).flatMap(
      (file) => read(`contracts/interfaces/${file}`).match(/^ {4}function /gm) ?? [],
    );
    expect(functions).toHaveLength(declared.length);
  });

  it('name a test that there is for each claim about security', () => {
    const rows = read('docs/security.md')
      .split('\n')
      .filter((line) => line.startsWith('| ') && /\.(test\.ts|t\.sol): /.test(line));
    const files = globSync('test/**/*.{test.ts,t.sol}', { cwd: ROOT });
    expect(rows.length).toBeGreaterThan(45);
    for (const row of rows) {
      const [, file = '', name = ''] = /([A-Za-z0-9/-]+\.(?:test\.ts|t\.sol)): (.*) \|$/.exec(row) ?? [];
      const path = files.find((one) => one === `test/${file}`);
      expect([file, name, path !== undefined && read(path).includes(name)]).toEqual([file, name, true]);
    }
  });

  it('name every task type that the job node runs, and no other', () => {
    const [, list = ''] = /keeps to these task types: ([^.]*)\./.exec(read('docs/operator.md')) ?? [];
    expect([...list.matchAll(/`([a-z0-9]+)`/g)].map(([, name]) => name)).toEqual(Object.keys(TASK_TYPES).sort());
  });

  it('name only commands that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(README).matchAll(/\bnpm (?:run )?([a-z][a-z-]*)/g)].map(([, name]) => name);
    const builtIn = ['ci', 'install'];
    expect(named.filter((name) => !builtIn.includes(name ?? '') && scripts[name ?? ''] === undefined)).toEqual([]);
    expect(named).toEqual(expect.arrayContaining(['start', 'test', 'ask', 'add-charger', 'bench']));
  });

  it('reach every command of the set-up by a script of package.json', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const name of Object.keys(COMMANDS)) expect(scripts[name]).toBe(`node setup/run.mjs ${name}`);
  });
});
