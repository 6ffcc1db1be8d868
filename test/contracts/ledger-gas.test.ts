import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Contract, id, parseEther } from 'ethers';
import { deviceIdOf } from '../../core/identity.ts';
import { call, contractAt } from '../../network/contracts.ts';
import { deployContract, fundLinkAccount } from '../../network/provision.ts';
import {
  answerWith,
  CARD,
  hourEndingNow,
  openSessionStage,
  pass,
  requestIdIn,
  type SessionStage,
  transact,
} from '../sessions/stage.ts';
import { requestsIn } from './support/oracles.ts';

const OPERATORS = 22;
const FAULTS = 7;
const CALLBACK_GAS = 200_000n;
const DEADLINE_SEC = 300;

let stage: SessionStage;

beforeAll(async () => {
  stage = await openSessionStage(OPERATORS);
}, 120_000);

afterAll(async () => {
  await stage.close();
});

/** Gas limits of a job spec's txs. */
function limitOf(spec: string): bigint {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'jobs', `${spec}.toml`), 'utf8');
  const limit = /gasLimit="(\d+)"/.exec(text)?.[1];
  if (limit === undefined) throw new Error(`${spec} sets no gas limit`);
  return BigInt(limit);
}

describe('the largest set of operators', () => {
  it('is asked about sessions, and its requests are ended, within the limits of the specs with a quarter to spare', async () => {
    const { device, managed, driver, network } = stage;
    const gas: Record<string, bigint> = {};
    const measure = async (spec: string, contract: Contract, name: string, ...args: unknown[]) => {
      gas[spec] = await contract.getFunction(name).estimateGas(...args);
    };
    // The dearest is the first of all: no operator has a balance or a record yet.
    const cards = id('a session that a card opened');
    await measure('settle-ended-sessions', device, 'requestSessionResult', cards, driver);
    const unanswered = await transact(device, 'startCharge', 1, parseEther('20'), 1, driver);
    await pass(stage, DEADLINE_SEC + 1);
    await measure('expire-requests', network.oracle, 'expire', requestIdIn(unanswered));

    await pass(stage, 3_600);
    const asked = await transact(device, 'requestSessionResult', cards, driver);
    const hour = await hourEndingNow(stage, { idTag: CARD });
    await answerWith(stage, asked, Array<string>(FAULTS + 1).fill(hour));
    await measure('pay-card-sessions', managed, 'settleSession', cards);
    for (const [spec, most] of Object.entries(gas)) {
      expect({ spec, isEnough: (most * 5n) / 4n <= limitOf(spec) }).toEqual({ spec, isEnough: true });
    }
  }, 300_000);

  it("delivers its longest answer with all of the gas promised to the consumer, within the specs' limit", async () => {
    const { network, operators } = stage;
    const oracle = await network.oracle.getAddress();
    const meter = await contractAt('GasMeter', await deployContract('GasMeter', network.admin, oracle), network.admin);
    await fundLinkAccount(network, await meter.getAddress(), parseEther('10'));
    const asked = await (await meter.getFunction('ask').send(deviceIdOf('HAND-1'), 1)).wait();
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
    expect(leastGas).toBeLessThan(limitOf('charger-status'));

    await last.answer(request, answer, leastGas);

    const gasGiven = (await call(meter, 'gasGiven')) as bigint;
    // A few gas go into reaching the callback's first line.
    expect(gasGiven).toBeGreaterThan(CALLBACK_GAS - 1_000n);
    expect(gasGiven).toBeLessThanOrEqual(CALLBACK_GAS);
  }, 300_000);
});
