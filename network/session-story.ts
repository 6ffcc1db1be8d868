import { type Contract, formatEther, parseEther, type TransactionReceipt, Wallet } from 'ethers';
import { SESSION_STATES } from '../core/abi.ts';
import { DevsenError } from '../core/errors.ts';
import { deviceIdOf } from '../core/identity.ts';
import type { Charger } from '../simulator/charger.ts';
import { countEnergy, registerOf } from '../simulator/connector-state.ts';
import { call, contractAt } from './contracts.ts';
import { until } from './deadline.ts';
import type { LocalNetwork } from './local-network.ts';
import { signerOf } from './one-by-one.ts';
import type { Terminal } from './terminal.ts';

const CONNECTOR = 2;
const CAR = { battery: { capacityWh: 100_000, levelWh: 20_000 }, maxPowerW: 300_000 };
const DEPOSIT = parseEther('5');
/** At 300 kW within two or three seconds; a session of less than 0.1 kWh would be refunded whole. */
const ENOUGH_WH = 200;
const ANSWER_LIMIT_MS = 60_000;

/** Whose tokens move, token base units in the vault. */
interface Ledger {
  driver: bigint;
  owner: bigint;
  treasury: bigint;
  locked: bigint;
}

/**
 * Plays a session that is paid for: a driver locks tokens, the operators have the charger start, energy flows, the driver
 * has it stop, and the contract pays the owner and the treasury and gives the rest back.
 *
 * @throws DevsenError if a step takes too long, or if the tokens do not add up
 */
export async function playSession(
  network: LocalNetwork,
  charger: Charger,
  identity: string,
  { step, print, paint }: Terminal,
): Promise<void> {
  const { keys, chain, provider } = network;
  const driver = new Wallet(keys.driver).address;
  const address = String(await call(chain.contracts.factory, 'deviceOf', deviceIdOf(identity)));
  const device = await contractAt('DeviceDEVSEN', address, signerOf(keys.driver, provider));
  const before = await readLedger(network, driver);

  const sessionId = await step(
    `a driver plugs in at ${identity}/${CONNECTOR} and locks ${formatEther(DEPOSIT)} tokens`,
    async () => {
      const refused = charger.plug(CONNECTOR, CAR);
      if (refused !== undefined) throw new DevsenError('CONFLICT', `the charger did nothing: ${refused}`);
      await charger.settled();
      const [tariffId] = (await call(device, 'tariffNow')) as [bigint];
      const receipt = await transact(device, 'startCharge', CONNECTOR, DEPOSIT, tariffId, driver);
      const asked = receipt.logs.flatMap((log) => device.interface.parseLog(log) ?? []);
      return String(asked.find(({ name }) => name === 'SessionRequested')?.args.sessionId);
    },
  );
  await step('enough operators approve, the charger starts, the contract knows', () =>
    untilState(device, sessionId, 'Active'),
  );
  await step('energy flows', async () => {
    const beganWh = charger.connector(CONNECTOR).transaction?.startWh ?? 0;
    await until('the car to take energy', ANSWER_LIMIT_MS, () => readWh(charger) - beganWh >= ENOUGH_WH || undefined);
  });
  await step('the driver has it stop, the operators agree on the end, the contract settles', async () => {
    await transact(device, 'stopCharge', sessionId, driver);
    await untilState(device, sessionId, 'Settled');
  });

  const after = await readLedger(network, driver);
  const { energyWh } = (await call(device, 'sessionOf', sessionId)) as { energyWh: bigint };
  print(`    ${Number(energyWh) / 1_000} kWh`);
  for (const who of ['driver', 'owner', 'treasury', 'locked'] as const) {
    const moved = after[who] - before[who];
    print(
      `    ${who.padEnd(8)} ${formatEther(before[who])} → ${paint('strong', formatEther(after[who]))} ${paint('faint', signed(moved))}`,
    );
  }
  await step('every token is where it belongs', async () => check(before, after));
}

function check(before: Ledger, after: Ledger): void {
  const sum = ({ driver, owner, treasury, locked }: Ledger) => driver + owner + treasury + locked;
  if (sum(before) !== sum(after)) throw new DevsenError('CONFLICT', 'the tokens before and after do not add up');
  if (after.locked !== before.locked) throw new DevsenError('CONFLICT', 'tokens are still locked');
  if (after.owner <= before.owner || after.treasury <= before.treasury) {
    throw new DevsenError('CONFLICT', 'the owner or the treasury was not paid');
  }
}

async function readLedger({ state, keys, chain }: LocalNetwork, driver: string): Promise<Ledger> {
  const { token, payment: vault } = state.addresses;
  const payment = await contractAt('PaymentDEVSEN', vault, chain.contracts.admin);
  const free = async (account: string) => (await call(payment, 'freeOf', token, account)) as bigint;
  const [ofDriver, owner, treasury, held] = await Promise.all([
    free(driver),
    free(new Wallet(keys.manager).address),
    free(String(await call(payment, 'treasury'))),
    call(payment, 'heldOf', token) as Promise<bigint>,
  ]);
  return { driver: ofDriver, owner, treasury, locked: held - ofDriver - owner - treasury };
}

function readWh(charger: Charger): number {
  return registerOf(countEnergy(charger.connector(CONNECTOR), Date.now()));
}

async function untilState(device: Contract, sessionId: string, wanted: string): Promise<void> {
  let last = '';
  await until(`the session to be ${wanted}`, ANSWER_LIMIT_MS, async () => {
    last = SESSION_STATES[Number(((await call(device, 'sessionOf', sessionId)) as { state: bigint }).state)] ?? '';
    return last === wanted || ['Rejected', 'Expired', 'Suspect'].includes(last) || undefined;
  });
  if (last !== wanted) throw new DevsenError('CONFLICT', `the session is ${last}, not ${wanted}`);
}

async function transact(contract: Contract, name: string, ...args: unknown[]): Promise<TransactionReceipt> {
  return (await (await contract.getFunction(name).send(...args)).wait()) as TransactionReceipt;
}

function signed(amount: bigint): string {
  return amount > 0n ? `+${formatEther(amount)}` : formatEther(amount);
}
