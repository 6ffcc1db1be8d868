import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '..', '..');

interface Solc {
  compile: (input: string, callbacks: { import: (path: string) => { contents: string } }) => string;
}

describe('the contract in the README', () => {
  it('compiles as it stands, below a pragma and its three imports', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const [, body = ''] = /```solidity\n([\s\S]*?)```/.exec(readme) ?? [];
    const source = `// SPDX-License-Identifier: MIT
      pragma solidity 0.8.37;
      import {IDeviceDEVSEN} from "contracts/interfaces/IDeviceDEVSEN.sol";
      import {IOracleDEVSEN} from "contracts/interfaces/IOracleDEVSEN.sol";
      import {ChargerStatusConsumer} from "contracts/consumer/ChargerStatusConsumer.sol";
      ${body}`;
    const solc = createRequire(import.meta.url)('solc') as Solc;
    const input = {
      language: 'Solidity',
      sources: { 'Readme.sol': { content: source } },
      settings: { outputSelection: { 'Readme.sol': { '*': ['evm.bytecode.object'] } } },
    };
    const find = (path: string) => ({
      contents: readFileSync(join(ROOT, path.startsWith('contracts/') ? path : `node_modules/${path}`), 'utf8'),
    });
    const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
    expect(output.errors ?? []).toEqual([]);
    expect(output.contracts['Readme.sol'].FreeChargers.evm.bytecode.object.length).toBeGreaterThan(1_000);
  });
});
