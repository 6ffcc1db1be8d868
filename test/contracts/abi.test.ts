import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Interface, type InterfaceAbi } from 'ethers';
import {
  DEVICE_ABI,
  FACTORY_ABI,
  OPERATOR_ABI,
  ORACLE_ABI,
  PAYMENT_ABI,
  REWARDS_ABI,
  TOKEN_ABI,
  USER_ABI,
  USER_STATES,
} from '../../core/abi.ts';
import { QUERIES } from '../../core/queries.ts';
import { REASONS, STOPS, VERDICTS } from '../../core/session-answers.ts';
import { STATUS_NAMES } from '../../core/status.ts';
import { type ContractName, readArtifact } from '../../network/artifacts.ts';

const INTERFACES = join(import.meta.dirname, '..', '..', 'contracts', 'interfaces');

describe('what the services know of the contracts', () => {
  const cases: [ContractName, readonly string[]][] = [
    ['UserDEVSEN', USER_ABI],
    ['FactoryDEVSEN', FACTORY_ABI],
    ['DeviceDEVSEN', DEVICE_ABI],
    ['OracleDEVSEN', ORACLE_ABI],
    ['PaymentDEVSEN', PAYMENT_ABI],
    ['RewardsDEVSEN', REWARDS_ABI],
    ['TokenDEVSEN', TOKEN_ABI],
    ['Operator', OPERATOR_ABI],
  ];
  it.each(cases)('is in the ABI of the compiled %s, line by line', async (name, abi) => {
    const { abi: compiled } = await readArtifact(name);
    const lines = new Set(new Interface(compiled as InterfaceAbi).format(false));
    const missing = new Interface(abi).format(false).filter((line) => !lines.has(line));
    expect(missing).toEqual([]);
  });

  it('numbers queries, statuses and states of users as the contracts do', async () => {
    const pascalCase = (name: string) => name.replace(/(^|-)(\w)/g, (_, _dash, letter: string) => letter.toUpperCase());
    expect(await membersOf('IOracleDEVSEN', 'Query')).toEqual(['None', ...QUERIES.map(({ name }) => pascalCase(name))]);
    expect(QUERIES.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await membersOf('IDeviceDEVSEN', 'Status')).toEqual(STATUS_NAMES);
    expect(await membersOf('IUserDEVSEN', 'UserState')).toEqual([...USER_STATES]);
    expect(await membersOf('../libraries/Answers', 'Verdict')).toEqual([...VERDICTS]);
    expect(await membersOf('../libraries/Answers', 'Reason')).toEqual([...REASONS]);
    expect(await membersOf('../libraries/Answers', 'Stop')).toEqual([...STOPS]);
  });
});

/** Members of an enum in the order in which an interface's source has them. */
async function membersOf(file: string, name: string): Promise<string[]> {
  const source = await readFile(join(INTERFACES, `${file}.sol`), 'utf8');
  const body = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(source)?.[1] ?? '';
  return body.split(',').map((member) => member.trim());
}
