import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import hardhatEthers from '@nomicfoundation/hardhat-ethers';
import hardhatIgnition from '@nomicfoundation/hardhat-ignition';
import { defineConfig } from 'hardhat/config';
import type { HardhatPlugin } from 'hardhat/types/plugins';

/** Compilers come from npm, so a build needs no download: each `path` is the package's own `soljson.js`. */
const soljson = (specifier: string): string => fileURLToPath(import.meta.resolve(`${specifier}/soljson.js`));

/** Runs and calls of the Solidity fuzz and invariant tests: `short` to count coverage, `long` over a million calls. */
const solidityTest = (fuzzRuns: number, invariantRuns: number, invariantDepth: number) => ({
  fuzz: { runs: fuzzRuns, seed: '0xde75e4' },
  invariant: { runs: invariantRuns, depth: invariantDepth, failOnRevert: true },
});

const solc = { version: '0.8.37', path: soljson('solc') };

/**
 * Tests deploy contracts as those were compiled by themselves. Their own code is several times as long, runs once, and is
 * not optimised: that would be half the work of a build. One settings object for all of them, as Hardhat compiles files
 * together whose settings are the same object.
 */
const plainTests: HardhatPlugin = {
  id: 'devsen-plain-tests',
  hookHandlers: {
    config: async () => ({
      default: async () => ({
        resolveUserConfig: async (userConfig, resolve, next) => {
          const config = await next(userConfig, resolve);
          const { compilers, overrides } = config.solidity.profiles.default ?? {};
          const usual = compilers?.find(({ version }) => version === solc.version);
          if (usual === undefined || overrides === undefined) return config;
          const plain = { ...usual, settings: { ...usual.settings, optimizer: { enabled: false } } };
          for (const file of globSync('test/contracts/**/*.sol', { cwd: import.meta.dirname })) overrides[file] = plain;
          return config;
        },
      }),
    }),
    solidity: async () => ({
      default: async () => ({
        getCompilationJobErrors: async (context, job, output, next) => {
          const found = await next(context, job, output);
          // What is compiled here but for tests has its true size elsewhere.
          const isPlain = [...job.dependencyGraph.getRoots().keys()].some((name) => name.startsWith('test/'));
          return isPlain ? found.filter(({ message }) => !/^Contract (?:code|initcode) size/.test(message)) : found;
        },
      }),
    }),
  },
};

export default defineConfig({
  plugins: [hardhatEthers, hardhatIgnition, plainTests],
  paths: {
    sources: ['./contracts', './bench/contracts'],
    tests: { solidity: './test/contracts' },
    ignition: './network/ignition',
  },
  solidity: {
    npmFilesToBuild: [
      '@chainlink/contracts/src/v0.8/operatorforwarder/Operator.sol',
      '@chainlink/contracts/src/v0.8/operatorforwarder/AuthorizedForwarder.sol',
      '@chainlink/contracts/src/v0.8/shared/token/ERC677/LinkToken.sol',
      '@chainlink/contracts/src/v0.8/shared/token/ERC677/BurnMintERC677.sol',
    ],
    compilers: [
      {
        ...solc,
        settings: { evmVersion: 'cancun', optimizer: { enabled: true, runs: 10_000 } },
      },
      {
        // Chainlink's Operator says exactly 0.8.19.
        version: '0.8.19',
        path: soljson('solc-0.8.19'),
        settings: { evmVersion: 'paris', optimizer: { enabled: true, runs: 1_000_000 } },
      },
    ],
    overrides: {
      // The largest contract: with more runs it would not fit into the 24,576 bytes that a chain takes.
      'contracts/DeviceDEVSEN.sol': {
        ...solc,
        settings: { evmVersion: 'cancun', optimizer: { enabled: true, runs: 200 } },
      },
    },
  },
  networks: {
    /**
     * The local chain. Blocks may share a second: otherwise each one mined at once gets a later second, chain time runs
     * ahead of the clock, and an oracle asked 'as of' a block would wait for it.
     */
    local: {
      type: 'edr-simulated',
      chainType: 'l1',
      chainId: 31337,
      allowBlocksWithSameTimestamp: true,
      initialBaseFeePerGas: 1_000_000_000,
    },
  },
  test: {
    solidity: {
      profiles: {
        default: solidityTest(256, 256, 64),
        short: solidityTest(16, 16, 64),
        long: solidityTest(10_000, 1_000, 256),
      },
    },
  },
});
