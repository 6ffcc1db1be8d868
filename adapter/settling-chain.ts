import { Contract, Interface, type Provider, ZeroAddress, ZeroHash } from 'ethers';
import { DEVICE_ABI, FACTORY_ABI, ORACLE_ABI, PAYMENT_ABI, SESSION_STATES, USER_ABI } from '../core/abi.ts';
import { asChainError } from '../runtime/chain.ts';
import type { RegistrySnapshot } from '../runtime/registry.ts';
import { recentLogs } from './recent-logs.ts';

export type SessionState = (typeof SESSION_STATES)[number];

/** A session as the chain has it. */
export interface SessionOnChain {
  /** The charger's contract. */
  device: string;
  /** At the confirmed depth, and at the newest block: only what is the same at both is acted on. */
  confirmed: SessionState;
  newest: SessionState;
}

/** What an operator must know of the chain to bring sessions to an end. Each throws DevsenError `CHAIN_UNAVAILABLE`. */
export interface SettlingChain {
  /** Its place, from 0, among the operators that requests go to; undefined if none go to it. */
  place: (account: string) => Promise<{ place: number; operators: number } | undefined>;
  /** A session of a charger; undefined if the chain knows no such charger. */
  session: (deviceId: string, sessionId: string) => Promise<SessionOnChain | undefined>;
  /** Whether a question about it is open at the newest block, or was asked since a time, Unix seconds. */
  isAsked: (device: string, sessionId: string, sinceSec: number) => Promise<boolean>;
  /** The session that became active last at a connector, 0x-hex; undefined if none did. */
  lastSession: (deviceId: string, connector: number) => Promise<string | undefined>;
  /** Whether the chain knows the card, and its owner would pay for a session at this charger with it. */
  canPayByCard: (device: string, idTag: string) => Promise<boolean>;
}

export interface SettlingChainOptions {
  provider: Provider;
  /** OracleDEVSEN. */
  oracleAddress: string;
  /** Blocks that must stand on top. */
  confirmations: number;
  snapshot: () => RegistrySnapshot;
}

const DEVICE = new Interface(DEVICE_ABI);
const RESULT_REQUESTED = DEVICE.getEvent('ResultRequested')?.topicHash ?? '';
/** `IOracleConsumer.Outcome.Open` and `IUserDEVSEN.UserState.Active`, by their numbers. */
const OPEN = 0n;
const ACTIVE = 1n;

export function readSettlingChain(options: SettlingChainOptions): SettlingChain {
  const { provider, oracleAddress, confirmations, snapshot } = options;
  const ledger = new Contract(oracleAddress, ORACLE_ABI, provider);
  const call = (contract: Contract, name: string, ...args: unknown[]) => contract.getFunction(name)(...args);
  const contractOf = (address: string) => new Contract(address, DEVICE_ABI, provider);
  /** Chargers keep their contract for ever. */
  const devices = new Map<string, string>();
  let deadlineSec: number | undefined;

  const deviceOf = async (deviceId: string): Promise<string | undefined> => {
    const known = devices.get(deviceId);
    if (known !== undefined) return known;
    const device: string = await call(new Contract(snapshot().factory, FACTORY_ABI, provider), 'deviceOf', deviceId);
    if (device === ZeroAddress) return undefined;
    devices.set(deviceId, device);
    return device;
  };
  const stateAt = async (device: string, sessionId: string, blockTag: number): Promise<SessionState> => {
    const { state } = await call(contractOf(device), 'sessionOf', sessionId, { blockTag });
    return SESSION_STATES[Number(state)] ?? 'None';
  };

  return {
    place: (account) =>
      guarded(async () => {
        const own = snapshot().operators.find((operator) => operator.account === account.toLowerCase())?.oracle;
        const [oracles] = await call(ledger, 'operatorSet', await call(ledger, 'operatorSetId'));
        const place = Array.from(oracles as string[], (oracle) => oracle.toLowerCase()).indexOf(own ?? '');
        return place < 0 ? undefined : { place, operators: oracles.length };
      }),
    session: (deviceId, sessionId) =>
      guarded(async () => {
        const device = await deviceOf(deviceId);
        if (device === undefined) return undefined;
        const head = await provider.getBlockNumber();
        const newest = await stateAt(device, sessionId, head);
        const depth = Math.max(0, head - confirmations);
        const confirmed = depth === head ? newest : await stateAt(device, sessionId, depth);
        return { device, confirmed, newest };
      }),
    isAsked: (device, sessionId, sinceSec) =>
      guarded(async () => {
        deadlineSec ??= Number(await call(ledger, 'DEADLINE_SEC'));
        const head = await provider.getBlock('latest');
        if (head === null) return true;
        const openSinceSec = head.timestamp - deadlineSec;
        const filter = { address: device, topics: [RESULT_REQUESTED, null, sessionId] };
        for await (const log of recentLogs(provider, filter, head.number, Math.min(sinceSec, openSinceSec))) {
          const { askedAt, outcome } = await call(ledger, 'requestOf', log.topics[1]);
          if (Number(askedAt) >= sinceSec) return true;
          if (outcome === OPEN && Number(askedAt) >= openSinceSec) return true;
        }
        return false;
      }),
    lastSession: (deviceId, connector) =>
      guarded(async () => {
        const device = await deviceOf(deviceId);
        const last = device === undefined ? ZeroHash : await call(contractOf(device), 'lastSessionAt', connector);
        return last === ZeroHash ? undefined : String(last);
      }),
    canPayByCard: (device, idTag) =>
      guarded(async () => {
        const users = new Contract(snapshot().users, USER_ABI, provider);
        const { state, user } = await call(users, 'idTagState', idTag);
        if (state !== ACTIVE) return false;
        const contract = contractOf(device);
        const { tariff } = await call(contract, 'tariffNow').catch(noTariff);
        if (tariff === undefined) return false;
        const payment = new Contract(await call(contract, 'payment'), PAYMENT_ABI, provider);
        const [{ mostPerSession, remaining }, free] = await Promise.all([
          call(payment, 'cardLimitOf', user, idTag, tariff.token),
          call(payment, 'freeOf', tariff.token, user),
        ]);
        return mostPerSession > 0n && remaining > 0n && free > 0n;
      }),
  };
}

/** A charger without a tariff reverts; anything else is the chain's fault. */
function noTariff(error: unknown): { tariff: undefined } {
  if ((error as { code?: string }).code === 'CALL_EXCEPTION') return { tariff: undefined };
  throw error;
}

async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw asChainError(error);
  }
}
