/**
 * What `npm run …` can do: the file that Node runs and what must be there for it. Arguments after `--` are passed on.
 */
export const COMMANDS = {
  start: { file: 'network/start.ts', needs: ['redis'] },
  test: { file: 'setup/test.mjs', needs: ['redis'] },
  bench: { file: 'bench/run.ts', needs: ['redis'] },
  ask: { file: 'network/ask.ts', needs: [] },
  'add-charger': { file: 'network/add-charger.ts', needs: [] },
  command: { file: 'network/command-main.ts', needs: [] },
  jobs: { file: 'jobs/main.ts', needs: [] },
  backup: { file: 'network/backup-main.ts', needs: [] },
  deploy: { file: 'network/deploy-main.ts', needs: [] },
  soak: { file: 'bench/soak/main.ts', needs: ['redis'] },
  simulate: { file: 'simulator/main.ts', needs: [] },
  devsen: { file: 'network/cli/main.ts', needs: [] },
  sessions: { file: 'setup/sessions.mjs', needs: [] },
  coverage: { file: 'setup/coverage.mjs', needs: [] },
  fuzz: { file: 'setup/fuzz.mjs', needs: [] },
  gas: { file: 'setup/gas.mjs', needs: [] },
};
