import { parseArgs } from 'node:util';

/** One benchmark: prints a table and, if asked, one last line of JSON. */
export interface Bench {
  run: (options: { json: boolean }) => Promise<void>;
}

const BENCHES: Record<string, () => Promise<Bench>> = {
  gateway: () => import('./gateway.ts'),
  adapter: () => import('./adapter.ts'),
  gas: () => import('./gas.ts'),
  jobs: () => import('./jobs.ts'),
  network: () => import('./network.ts'),
};

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const unknown = names.filter((name) => BENCHES[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`No benchmark ${unknown.join(', ')}; there are: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}
for (const name of names) {
  const bench = await BENCHES[name]?.();
  await bench?.run(values);
}
