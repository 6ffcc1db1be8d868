/** Tests run as ES modules; `npm run jest` sets the flags that this needs. */
export default {
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  transform: {
    '\\.ts$': '<rootDir>/test/setup/strip-types.js',
    '/node_modules/(ethers/lib\\.esm|@noble/[^/]+/esm)/': '<rootDir>/test/setup/bind-globals.js',
  },
  transformIgnorePatterns: ['/node_modules/(?!(ethers/lib\\.esm|@noble/[^/]+/esm)/)'],
  testEnvironment: '<rootDir>/test/setup/environment.js',
  globalSetup: '<rootDir>/test/setup/global-setup.js',
  reporters: ['default', '<rootDir>/test/setup/exit-reporter.js'],
  injectGlobals: false,
  testSequencer: '<rootDir>/test/setup/longest-first.js',
  // One more than the least machine has cores: tests wait for processes, blocks and sockets much of the time.
  maxWorkers: 3,
  openHandlesTimeout: 0,
  // Enough for a machine that is busy with other things: a test that hangs says so by its own waits.
  testTimeout: 120_000,
  watchman: false,
};
