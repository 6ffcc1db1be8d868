import { type Contract, Interface, type TransactionReceipt } from 'ethers';
import { ORACLE_ABI } from '../../core/abi.ts';
import { until } from '../../network/deadline.ts';
import type { Charger } from '../../simulator/charger.ts';
import { countEnergy, registerOf } from '../../simulator/connector-state.ts';
import type { ChainWatch } from './chain-watch.ts';
import type { Seen } from './figures.ts';

/** At 400 kW within two seconds; a session of less than 0.1 kWh would be refunded whole. */
const ENOUGH_WH = 200;
const STEP_LIMIT_MS = 600_000;
const ledger = new Interface(ORACLE_ABI);

/** One question to the operators, and the tx that asked it. */
export interface Asked extends Seen {
  requestId: string;
  gas: number;
}

/** How a session went; what it did not come to is undefined. */
export interface Played {
  identity: string;
  start: Asked;
  stop: Asked | undefined;
  /** The contract's state of it at the end; Requested or Active if nobody brought it to one. */
  state: string;
}

/** Everything that one session needs. */
export interface SessionPart {
  charger: Charger;
  /** The charger's contract, as the driver. */
  device: Contract;
  driver: string;
  deposit: bigint;
  watch: ChainWatch;
}

/** Locks tokens, waits until the charger charges, has it stop, and waits until the session is closed. */
export async function playSession({ charger, device, driver, deposit, watch }: SessionPart): Promise<Played> {
  const { identity } = charger;
  const asked = await send(device, 'startCharge', 1, deposit, 1, driver);
  const sessionId = String(
    asked.receipt.logs.map((log) => device.interface.parseLog(log)).find((log) => log?.name === 'SessionRequested')
      ?.args.sessionId,
  );
  const closed = () => watch.closed.get(sessionId)?.state;
  const open = (state: string, stop?: Asked): Played => ({ identity, start: asked, stop, state: closed() ?? state });
  try {
    const hasBegun = () => closed() !== undefined || watch.started.has(sessionId) || undefined;
    await until(`${identity} to start`, STEP_LIMIT_MS, hasBegun);
    if (closed() !== undefined) return open('');
    const beganWh = charger.connector(1).transaction?.startWh ?? 0;
    const takenWh = () => registerOf(countEnergy(charger.connector(1), Date.now())) - beganWh;
    await until(`energy to flow at ${identity}`, STEP_LIMIT_MS, () => takenWh() >= ENOUGH_WH || undefined);
  } catch {
    return open(watch.started.has(sessionId) ? 'Active' : 'Requested');
  }
  const stop = await send(device, 'stopCharge', sessionId, driver);
  await until(`${identity} to be settled`, STEP_LIMIT_MS, closed).catch(() => {});
  return open('Active', stop);
}

async function send(
  device: Contract,
  name: string,
  ...args: unknown[]
): Promise<Asked & { receipt: TransactionReceipt }> {
  const sent = await device.getFunction(name).send(...args);
  const receipt = (await sent.wait()) as TransactionReceipt;
  const atMs = performance.now();
  const requested = receipt.logs.map((log) => ledger.parseLog(log)).find((log) => log?.name === 'Requested');
  const requestId = String(requested?.args.requestId);
  return { requestId, gas: Number(receipt.gasUsed), block: receipt.blockNumber, atMs, receipt };
}
