import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { id, Wallet } from 'ethers';
import { deviceIdOf } from '../../core/identity.ts';
import { call, connectContracts, contractAt, type NetworkContracts } from '../../network/contracts.ts';
import { deployNetwork } from '../../network/deploy.ts';
import {
  deployContract,
  ensureCharger,
  ensureTerms,
  ensureUser,
  fundLinkAccount,
  ROLES,
} from '../../network/provision.ts';
import { startChain, type TestChain } from '../support/chain.ts';
import { makeOperators, requestsIn } from './support/oracles.ts';

const OPERATORS = 22;
const FAULTS = 7;
const CALLBACK_GAS = 200_000n;

let chain: TestChain;
let folder: string;

let network: NetworkContracts;

beforeAll(async () => {
  chain = await startChain({ accounts: 1 + OPERATORS });
  folder = await mkdtemp(join(tmpdir(), 'devsen-gas-'));
  const admin = new Wallet(chain.privateKey(0), chain.provider);
  const addresses = await deployNetwork({ admin, deploymentDir: join(folder, 'd'), pollMs: 50 });
  network = await connectContracts(addresses, admin);
  await ensureTerms(network, ['charger-status'], 1n);
  await ensureUser(network, admin.address, ROLES.manager);
  await ensureCharger(network, admin, {
    identity: 'CP-1',
    latitudeDeg: 0,
    longitudeDeg: 0,
    authorizationKeyHash: id('key'),
    connectors: [{ evse: 1, standard: 0, format: 0, powerType: 0, maxPowerW: 0 }],
  });
}, 120_000);

afterAll(async () => {
  await chain.close();
  await rm(folder, { recursive: true });
});

describe('the least gas with which a Chainlink Operator passes an answer on', () => {
  it('delivers the longest answer of the largest set with all of the gas promised to the consumer', async () => {
    const wallets = Array.from({ length: OPERATORS }, (_, i) => i + 1);
    const operators = await makeOperators(chain, network, wallets, FAULTS);

    const oracle = await network.oracle.getAddress();
    const meter = await contractAt('GasMeter', await deployContract('GasMeter', network.admin, oracle), network.admin);
    await fundLinkAccount(network, await meter.getAddress(), 1_000n);
    const asked = await (await meter.getFunction('ask').send(deviceIdOf('CP-1'), 1)).wait();
    const requests = requestsIn(asked as never);
    // f operators give each of three answers: it is the last of all who decides, and every record is written at once.
    const answers = ['ab', 'cd', 'ef'].map((byte) => `0x${byte.repeat(1024)}`);
    const answer = answers[0] as string;

    for (let i = 0; i < OPERATORS - 1; i++) await operators[i]?.answer(requests[i] as never, answers[i % 3] as string);
    expect(await call(meter, 'gasGiven')).toBe(0n);

    const last = operators.at(-1);
    const request = requests.at(-1);
    if (last === undefined || request === undefined) throw new Error('the last operator was not asked');
    const leastGas = await last.leastGas(request, answer);

    await last.answer(request, answer, leastGas);

    const gasGiven = (await call(meter, 'gasGiven')) as bigint;
    // A few gas go into reaching the callback's first line.
    expect(gasGiven).toBeGreaterThan(CALLBACK_GAS - 1_000n);
    expect(gasGiven).toBeLessThanOrEqual(CALLBACK_GAS);
  }, 300_000);
});
