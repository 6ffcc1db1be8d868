import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OCPP_VERSIONS } from '../../core/ocpp-version.ts';
import { chargerActions } from '../../ocpp-gateway/dialect.ts';
import { DIALECTS } from '../../ocpp-gateway/dialects.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const ALL = [
  'core',
  'runtime',
  'ocpp-gateway',
  'adapter',
  'jobs',
  'simulator',
  'app',
  'network',
  'test',
  'bench',
  'setup',
];
/** What each part may import; `network`, `test` and `bench` may import everything. */
const ALLOWED: Record<string, string[]> = {
  core: ['core'],
  runtime: ['core', 'runtime'],
  'ocpp-gateway': ['core', 'runtime', 'ocpp-gateway'],
  adapter: ['core', 'runtime', 'adapter'],
  jobs: ['core', 'runtime', 'jobs'],
  simulator: ['core', 'runtime', 'simulator'],
  app: ['core', 'runtime', 'app'],
};

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(realpathSync(tmpdir()), 'devsen-walls-'));
  copyFileSync(join(ROOT, 'biome.json'), join(dir, 'biome.json'));
});

afterEach(() => rmSync(dir, { recursive: true }));

/** Lints a project of these files by this project's rules: path and rule of each finding, sorted. */
function findings(files: Record<string, string>): string[] {
  for (const [path, code] of Object.entries(files)) {
    mkdirSync(join(dir, dirname(path)), { recursive: true });
    writeFileSync(join(dir, path), code);
  }
  const biome = spawnSync(
    join(ROOT, 'node_modules', '.bin', 'biome'),
    ['lint', '--reporter=github', '--max-diagnostics=none', '.'],
    { cwd: dir, encoding: 'utf8' },
  );
  const found = [...biome.stdout.matchAll(/title=lint\/\w+\/(\w+),file=([^,]+),/g)];
  return found.map(([, rule, file]) => `${relative(dir, file ?? '')} ${rule}`).sort();
}

const importing = (path: string) => `import { thing } from '${path}';\n\nexport const mine = thing;\n`;

describe('the walls between the parts', () => {
  it('let a part import what it may and nothing else, from every depth', () => {
    const files: Record<string, string> = {};
    const expected: string[] = [];
    for (const [part, allowed] of Object.entries(ALLOWED)) {
      for (const other of ALL) {
        for (const depth of [0, 1]) {
          const file = `${part}/${'deep/'.repeat(depth)}imports-${other}.ts`;
          files[file] = importing(`${'../'.repeat(depth + 1)}${other}/thing.ts`);
          if (!allowed.includes(other)) expected.push(`${file} noRestrictedImports`);
        }
      }
    }
    expect(findings(files)).toEqual(expected.sort());
  });

  it('keep I/O out of the core', () => {
    const modules = ['node:fs', 'node:fs/promises', 'node:net', 'node:http', 'node:sqlite', 'node:child_process'];
    const files = Object.fromEntries(modules.map((name, n) => [`core/io-${n}.ts`, importing(name)]));
    expect(findings(files)).toEqual(modules.map((_, n) => `core/io-${n}.ts noRestrictedImports`));
  });

  it('let only a main.ts read the environment', () => {
    const code = 'export const key = process.env.KEY;\n';
    expect(findings({ 'adapter/main.ts': code, 'adapter/other.ts': code, 'jobs/node/main.ts': code })).toEqual([
      'adapter/other.ts noProcessEnv',
    ]);
  });

  it('let no two files import one another', () => {
    expect(
      findings({
        'core/a.ts': "import { b } from './b.ts';\n\nexport const a = () => b;\n",
        'core/b.ts': "import { a } from './a.ts';\n\nexport const b = () => a;\n",
      }),
    ).toEqual(['core/a.ts noImportCycles', 'core/b.ts noImportCycles']);
  });

  it('let nothing of gateway and adapter name a version of OCPP, or a message, but what is of one version', () => {
    const actions = Object.values(DIALECTS).flatMap((dialect) => [...chargerActions(dialect), ...dialect.commands]);
    const names = new Set([...OCPP_VERSIONS, ...actions]);
    const namingIn = (part: string) => {
      const isNaming = (file: string) => {
        const texts = readFileSync(join(ROOT, part, file), 'utf8').matchAll(/(['"`])([\w.]+)\1/g);
        return [...texts].some(([, , text = '']) => names.has(text));
      };
      return readdirSync(join(ROOT, part)).filter(isNaming).sort();
    };
    expect(namingIn('ocpp-gateway')).toEqual([
      'answers16.ts',
      'answers20.ts',
      'commands20.ts',
      'dialects.ts',
      'own-calls16.ts',
      'own-calls20.ts',
      'payload-checks.ts',
      'told16.ts',
      'told20.ts',
    ]);
    expect(namingIn('adapter')).toEqual(['migrations.ts']);
  });
});
