/** The tests that take longest on two cores, by the beginning of their path, longest first: some wait more than they work. */
export const LONGEST = [
  'test/e2e/scenarios',
  'test/e2e/crashes',
  'test/jobs/sender',
  'test/e2e/live',
  'test/e2e/chaos',
  'test/containers/network',
  'test/jobs/crash',
  'test/jobs/lanes',
  'test/adapter/durability',
  'test/adapter/agreement',
];

/**
 * Jest's order of test files: a long one that began last would keep one worker busy while the others have nothing to do.
 * Jest itself learns the times only as it runs, and a fresh checkout has none; the rest goes by size, as a first guess.
 */
export default class LongestFirst {
  sort(tests) {
    const ranked = tests.map((test) => ({
      test,
      rank: rankOf(test),
      size: test.context.hasteFS.getSize(test.path) ?? 0,
    }));
    return ranked.sort((a, b) => a.rank - b.rank || b.size - a.size).map(({ test }) => test);
  }

  /** `--shard`: every n-th of the files, so that each shard has its part of the long ones. */
  shard(tests, { shardIndex, shardCount }) {
    return this.sort(tests).filter((_, n) => n % shardCount === shardIndex - 1);
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
}

function rankOf({ path, context }) {
  const at = LONGEST.findIndex((name) => path.startsWith(`${context.config.rootDir}/${name}`));
  return at === -1 ? LONGEST.length : at;
}
