import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Writes into package-lock.json the optional packages for other platforms that npm left out.
 *
 * npm keeps only those optional packages in the lock that the machine which wrote it could get, yet `npm ci` refuses a
 * lock that does not name them all. Their versions are exact in the packages that ask for them, so nothing is guessed.
 * Run by `npm run lock` after any change of dependencies.
 */
const PATH = new URL('../package-lock.json', import.meta.url);

const OS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const CPU = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

/** @returns the entries a lock lacks, by their path in it */
export function missingEntries(lock) {
  const missing = {};
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isLocked(lock, path, name)) continue;
      if (!/^\d+\.\d+\.\d+[-\w.]*$/.test(version))
        throw new Error(`${path} asks for ${name} ${version}: no exact version`);
      missing[`node_modules/${name}`] = {
        version,
        ...platformOf(name),
        ...(entry.dev ? { dev: true } : {}),
        optional: true,
      };
    }
  }
  return missing;
}

/** Whether a package that stands at `path` finds `name` in its own folder's or an outer node_modules. */
function isLocked(lock, path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    if (`${folder}${folder === '' ? '' : '/'}node_modules/${name}` in lock.packages) return true;
    if (folder === '') return false;
  }
}

/** The `cpu`, `libc` and `os` of a platform's package, as its name tells them; npm skips it everywhere else. */
function platformOf(name) {
  const words = name.split('/').at(-1).split('-');
  const named = (known) => words.filter((word) => known.includes(word)).slice(0, 1);
  const libc = { gnu: ['glibc'], gnueabihf: ['glibc'], musl: ['musl'], musleabihf: ['musl'] }[words.at(-1)];
  const [os, cpu] = [named(OS), named(CPU)];
  if (os.length === 0 || cpu.length === 0) throw new Error(`${name}: no platform in its name`);
  return { cpu, ...(libc ? { libc } : {}), os };
}

if (import.meta.main ?? process.argv[1] === fileURLToPath(import.meta.url)) {
  const lock = JSON.parse(readFileSync(PATH, 'utf8'));
  const missing = missingEntries(lock);
  lock.packages = Object.fromEntries(
    Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => a.localeCompare(b, 'en')),
  );
  writeFileSync(PATH, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`package-lock.json: added ${Object.keys(missing).length} optional packages for other platforms`);
}
