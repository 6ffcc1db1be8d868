/** Tests that need compiled contracts, by the beginning of their path; all others run while the contracts compile. */
export const NEEDS_CONTRACTS = [
  'test/bench/soak-run.test.ts',
  'test/containers/',
  'test/contracts/',
  'test/e2e/',
  'test/gateway/chain.test.ts',
  'test/gateway/commands.test.ts',
  'test/ground/support.test.ts',
  'test/issues/',
  'test/jobs/',
  'test/network/',
  'test/runtime/registry.test.ts',
  'test/sessions/',
];
