import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Contract, id, Wallet } from 'ethers';
import { deviceIdOf } from '../core/identity.ts';
import { encodeChargerStatus, encodeChargerStatusParams, QUERIES, specIdOf } from '../core/queries.ts';
import { STATUS } from '../core/status.ts';
import { connectContracts, contractAt, type NetworkContracts, send } from '../network/contracts.ts';
import { deployNetwork } from '../network/deploy.ts';
import {
  deployContract,
  ensureCharger,
  ensureExampleConsumer,
  ensureTerms,
  ensureUser,
  fundLinkAccount,
  mintLink,
  ROLES,
} from '../network/provision.ts';
import { makeOperators, requestsIn, type TestOperator } from '../test/contracts/support/oracles.ts';
import { startChain, type TestChain } from '../test/support/chain.ts';

/** Gas for a request and all its fulfilments that the plainest known consumer needs, real `Operator`s, LINK-paid. */
const GOALS = { 4: 684_589, 7: 1_152_302, 16: 2_556_377 } as const;
const SIZES = [4, 7, 16] as const;
const FEE_JUELS = 10n ** 17n;
/** Rounds before the one that counts, so that every balance and counter is there already. */
const WARM_UP = 2;

const DEVICE_ID = deviceIdOf('BENCH-1');
const PARAMS = encodeChargerStatusParams(1);
const SPEC_ID = specIdOf(QUERIES[0].externalJobId);

interface Row {
  size: (typeof SIZES)[number];
  ledgerGas: number;
  floorGas: number;
}

/** Measures gas per answered request: the request and all n fulfilments, all operators agreeing. */
export async function run({ json }: { json: boolean }): Promise<void> {
  const chain = await startChain({ accounts: 1 + 16 });
  const folder = await mkdtemp(join(tmpdir(), 'devsen-gas-'));
  try {
    const network = await prepare(chain, join(folder, 'deployment'));
    const rows: Row[] = [];
    for (const size of SIZES) rows.push(await measure(chain, network, size));
    print(rows);
    const [n4, n7, n16] = rows.map(({ ledgerGas }) => ledgerGas);
    if (json) process.stdout.write(`${JSON.stringify({ bench: 'gas', n4, n7, n16 })}\n`);
  } finally {
    await chain.close();
    await rm(folder, { recursive: true });
  }
}

async function prepare(chain: TestChain, deploymentDir: string): Promise<NetworkContracts> {
  const admin = new Wallet(chain.privateKey(0), chain.provider);
  const addresses = await deployNetwork({ admin, deploymentDir, pollMs: 50 });
  const network = await connectContracts(addresses, admin);
  await ensureTerms(network, ['charger-status'], FEE_JUELS);
  await ensureUser(network, admin.address, ROLES.manager);
  await ensureCharger(network, admin, {
    identity: 'BENCH-1',
    latitudeDeg: 0,
    longitudeDeg: 0,
    authorizationKeyHash: id('bench'),
    connectors: [{ evse: 1, standard: 0, format: 0, powerType: 0, maxPowerW: 0 }],
  });
  return network;
}

async function measure(chain: TestChain, network: NetworkContracts, size: Row['size']): Promise<Row> {
  const wallets = Array.from({ length: size }, (_, i) => i + 1);
  const operators = await makeOperators(chain, network, wallets, (size - 1) / 3);
  const admin = await network.admin.getAddress();

  const ours = await contractAt('ExampleStatusConsumer', await ensureExampleConsumer(network), network.admin);
  await fundLinkAccount(network, await ours.getAddress(), 1_000n * FEE_JUELS);

  const oracles = operators.map(({ oracle }) => oracle);
  const link = await network.link.getAddress();
  const floorAt = await deployContract(
    'PlainConsumer',
    network.admin,
    link,
    oracles,
    (size - 1) / 3 + 1,
    SPEC_ID,
    FEE_JUELS,
  );
  const floor = await contractAt('PlainConsumer', floorAt, network.admin);
  await mintLink(network, admin, 1_000n * FEE_JUELS);
  await send(network.link, 'transfer', floorAt, 1_000n * FEE_JUELS);

  return {
    size,
    ledgerGas: await steadyGas(operators, ours, 'ask', [DEVICE_ID, 1]),
    floorGas: await steadyGas(operators, floor, 'request', [DEVICE_ID, PARAMS]),
  };
}

/** Gas of the last of several answered requests. */
async function steadyGas(operators: TestOperator[], consumer: Contract, ask: string, args: unknown[]): Promise<number> {
  let gas = 0n;
  for (let round = 0; round <= WARM_UP; round++) {
    const answer = encodeChargerStatus({
      status: round % 2 === 0 ? STATUS.Available : STATUS.Charging,
      errorClass: 0,
      observedAtSec: 1_750_000_000 + round,
      online: true,
    });
    const asked = await (await consumer.getFunction(ask).send(...args)).wait();
    if (asked === null) throw new Error('the request was not mined');
    gas = asked.gasUsed;
    const requests = requestsIn(asked);
    for (const operator of operators) {
      const request = requests.find(({ oracle }) => oracle === operator.oracle);
      if (request === undefined) throw new Error('an operator was not asked');
      gas += (await operator.answer(request, answer)).gasUsed;
    }
  }
  return Number(gas);
}

function print(rows: Row[]): void {
  const whole = (n: number) => n.toLocaleString('en').padStart(11);
  const lines = [
    'Gas per answered request: the request and all n fulfilments, all agreeing, through real Chainlink Operators',
    '',
    '   n        ledger   plain consumer   ratio         goal',
    ...rows.map(({ size, ledgerGas, floorGas }) => {
      const ratio = (ledgerGas / floorGas).toFixed(3).padStart(7);
      const verdict = ledgerGas <= GOALS[size] ? 'met' : 'MISSED';
      return `${String(size).padStart(4)}   ${whole(ledgerGas)}      ${whole(floorGas)} ${ratio}  ${whole(GOALS[size])}  ${verdict}`;
    }),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
