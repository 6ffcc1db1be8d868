import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ValidationSeverity, validate } from 'dockerfile-utils';
import { copied, execForm, ROOT, readCompose, readDockerfile } from './files.ts';

const packages = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  engines: { node: string };
  dependencies: Record<string, string>;
};
const stages = readDockerfile();
const image = stages.at(-1) ?? [];
const inImage = copied(image);
const rests = (name: string) => image.filter((line) => line.name === name).map(({ rest }) => rest);
const isInImage = (file: string) => inImage.some((path) => file === path || file.startsWith(`${path}/`));

/** What a linter of Dockerfiles finds, everything that it looks for taken as an error. */
function lint(text: string): string[] {
  const { ERROR } = ValidationSeverity;
  return validate(text, {
    deprecatedMaintainer: ERROR,
    directiveCasing: ERROR,
    emptyContinuationLine: ERROR,
    instructionCasing: ERROR,
    instructionCmdMultiple: ERROR,
    instructionEntrypointMultiple: ERROR,
    instructionHealthcheckMultiple: ERROR,
    instructionJSONInSingleQuotes: ERROR,
    instructionWorkdirRelative: ERROR,
  }).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`);
}

describe('the image', () => {
  it('is told by a Dockerfile in which a linter finds nothing', () => {
    const text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
    expect(lint(text)).toEqual([]);
    expect(lint(text.replace('WORKDIR /devsen', 'WORKDIR devsen').replace('EXPOSE 9220', 'EXPOSE many'))).toHaveLength(
      2,
    );
  });

  it('is made of files that there are, and that .dockerignore lets through', () => {
    const sources = stages.flatMap(copied);
    expect(sources.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const ignore = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
    const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(ignore).toContain('*');
    expect([...new Set(sources)].sort()).toEqual(allowed.sort());
  });

  it('runs the Node that package.json asks for, as a user without rights', () => {
    const [, major] = /^>=(\d+)\./.exec(packages.engines.node) ?? [];
    for (const stage of stages) expect(stage[0]?.rest).toMatch(new RegExp(`^node:${major}-slim( AS \\w+)?$`));
    expect(rests('USER')).toEqual(['node']);
  });

  it('holds every program that a container starts', () => {
    const { services } = readCompose();
    const commands = Object.values(services).flatMap(({ image: name, command, entrypoint, healthcheck }) =>
      name === 'devsen' ? [command ?? [], entrypoint ?? [], healthcheck?.test ?? []] : [],
    );
    commands.push(...[...rests('CMD'), ...rests('HEALTHCHECK')].map(execForm));
    const programs = new Set(commands.flat().filter((word) => word.endsWith('.ts')));
    expect([...programs].sort()).toEqual([
      'network/add-charger.ts',
      'network/ask.ts',
      'network/chainlink/main.ts',
      'network/chargers.ts',
      'network/check-health.ts',
      'network/local-chain.ts',
      'network/operator.ts',
      'network/set-up.ts',
      'ocpp-gateway/main.ts',
    ]);
    for (const program of programs) expect([program, existsSync(join(ROOT, program))]).toEqual([program, true]);
    expect([...programs].filter((program) => !isInImage(program))).toEqual([]);
  });

  it('holds every file and package that its own files import', () => {
    const folders = inImage.filter((path) => statSync(join(ROOT, path)).isDirectory());
    const files = [...folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: ROOT })), 'hardhat.config.ts'];
    const missing: string[] = [];
    for (const file of files) {
      const code = readFileSync(join(ROOT, file), 'utf8');
      for (const [, from = ''] of code.matchAll(/^(?:import|export) (?!type )[^;=']*?from '([^']+)'/gm)) {
        if (from.startsWith('node:')) continue;
        const isThere = from.startsWith('.')
          ? isInImage(relative(ROOT, join(ROOT, dirname(file), from)))
          : packageOf(from) in packages.dependencies;
        if (!isThere) missing.push(`${file} imports ${from}`);
      }
    }
    expect(missing).toEqual([]);
    expect(files.length).toBeGreaterThan(100);
  });

  it('has a folder, owned by its user, wherever a volume is mounted', () => {
    const [, made = ''] = /^install -d -o node -g node (.*)$/.exec(rests('RUN')[0] ?? '') ?? [];
    const mounts = Object.values(readCompose().services)
      .filter(({ image: name }) => name === 'devsen')
      .flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[1] ?? ''));
    expect([...new Set(mounts)].sort()).toEqual(made.split(/\s+/).sort());
  });
});

/** `@scope/name` of `@scope/name/deep/file.js`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
