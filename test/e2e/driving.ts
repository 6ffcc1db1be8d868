import { type Contract, type TransactionReceipt, Wallet } from 'ethers';
import { SESSION_STATES } from '../../core/abi.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { REASONS, STOPS } from '../../core/session-answers.ts';
import { call, contractAt } from '../../network/contracts.ts';
import { until } from '../../network/deadline.ts';
import { signerOf } from '../../network/one-by-one.ts';
import type { TestNetwork } from './test-network.ts';

const LIMIT_MS = 180_000;

/** A session as its charger's contract has it. */
export interface SessionNow {
  state: string;
  stop: string;
  energyWh: number;
  startedAtSec: number;
  endedAtSec: number;
}

/** What a driver does at one charger, by its contract. */
export interface Driving {
  /** @returns the session's id */
  start: (depositUnits: bigint) => Promise<string>;
  stop: (sessionId: string) => Promise<void>;
  /** Has the operators asked what became of a session. */
  askResult: (sessionId: string) => Promise<void>;
  session: (sessionId: string) => Promise<SessionNow>;
  /** Waits until a session is in one of these states. */
  untilIn: (sessionId: string, ...states: string[]) => Promise<SessionNow>;
  /** From a session's lock on to the deadline after which its deposit may be sent back, s. */
  deadlineSec: () => Promise<number>;
  /** Sends the deposit of a session back whose deadline has passed. */
  expire: (sessionId: string) => Promise<void>;
  /** Why a session was closed. */
  reason: (sessionId: string) => Promise<string>;
}

/** Signs all that the driver of a network does: txs go out one after the other, whichever charger they are for. */
export async function makeDriver({ keys, chain, provider }: TestNetwork) {
  const signer = signerOf(keys.driver, provider);
  const account = new Wallet(keys.driver).address;
  const at = async (identity: string): Promise<Driving> => {
    const address = String(await call(chain.contracts.factory, 'deviceOf', deviceIdOf(identity)));
    return drivingAt(await contractAt('DeviceDEVSEN', address, signer), account);
  };
  return { account, at };
}

function drivingAt(device: Contract, account: string): Driving {
  const send = async (name: string, ...args: unknown[]) =>
    (await (await device.getFunction(name).send(...args)).wait()) as TransactionReceipt;
  const session = async (sessionId: string): Promise<SessionNow> => {
    const row = (await call(device, 'sessionOf', sessionId)) as Record<string, bigint>;
    return {
      state: SESSION_STATES[Number(row.state)] ?? '',
      stop: STOPS[Number(row.stop)] ?? '',
      energyWh: Number(row.energyWh),
      startedAtSec: Number(row.startedAt),
      endedAtSec: Number(row.endedAt),
    };
  };
  return {
    start: async (depositUnits) => {
      const { logs } = await send('startCharge', 1, depositUnits, 1, account);
      const requested = logs
        .map((log) => device.interface.parseLog(log))
        .find((log) => log?.name === 'SessionRequested');
      return String(requested?.args.sessionId);
    },
    stop: async (sessionId) => void (await send('stopCharge', sessionId, account)),
    askResult: async (sessionId) => void (await send('requestSessionResult', sessionId, account)),
    session,
    // Asks the chain ten times a second, not a hundred times: it has other things to do.
    untilIn: (sessionId, ...states) =>
      until(`a session to be ${states.join(' or ')}`, LIMIT_MS, async () => {
        const now = await session(sessionId);
        if (states.includes(now.state)) return now;
        throw new Error(`it is ${now.state}`);
      }),
    deadlineSec: async () => Number(await call(device, 'SESSION_SEC')),
    expire: async (sessionId) => void (await send('expireSession', sessionId)),
    reason: async (sessionId) => {
      const [log] = await device.queryFilter(device.getEvent('SessionClosed')(sessionId));
      return REASONS[Number((log as unknown as { args: { reason: bigint } } | undefined)?.args.reason ?? 0n)] ?? '';
    },
  };
}
