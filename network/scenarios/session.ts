import type { Contract, Log, Result, TransactionReceipt } from 'ethers';
import { SESSION_STATES } from '../../core/abi.ts';
import { DevsenError } from '../../core/errors.ts';
import { REASONS, STOPS } from '../../core/session-answers.ts';
import type { Charger } from '../../simulator/charger.ts';
import { type Car, countEnergy } from '../../simulator/connector-state.ts';
import { call } from '../contracts.ts';
import { until } from '../deadline.ts';
import { mustDo, mustEqual } from './check.ts';
import type { Person } from './people.ts';
import { LIMIT_MS, type Stage } from './stage.ts';

/** Most power of the scenarios' chargers, W: what is paid for flows within seconds. */
export const POWER_W = 400_000;
/** Well over the 100 Wh under which a session is sent back whole. */
export const ENOUGH_WH = 250;
/** A session at a charger. */
export interface Place {
  identity: string;
  connector: number;
  sessionId: string;
}

/** A session that was paid: token base units. */
export interface Paid extends Place {
  cost: bigint;
  fee: bigint;
  refunded: bigint;
  energyWh: bigint;
  stop: string;
  /** Tx in which it was settled. */
  txHash: string;
}

export const SESSION_OVER: readonly string[] = ['Settled', 'Rejected', 'Expired', 'Suspect'];

export function emptyCar(): Car {
  return { battery: { capacityWh: 200_000, levelWh: 20_000 }, maxPowerW: POWER_W };
}

/** Plugs a car in, and sees that the charger has told so. */
export async function plugIn(charger: Charger, connector: number, car = emptyCar()): Promise<void> {
  mustDo(charger.plug(connector, car));
  await charger.settled();
}

/** Locks a deposit and asks for a start. @param deposit - token base units of the charger's tariff */
export async function requestSession(
  stage: Stage,
  who: Person,
  identity: string,
  connector: number,
  deposit: bigint,
): Promise<Place> {
  const device = await stage.device(identity);
  const [tariffId] = (await call(device, 'tariffNow')) as [bigint];
  const receipt = await stage.send(who, device, 'startCharge', connector, deposit, tariffId, who.account);
  const sessionId = String(eventIn(receipt, device, 'SessionRequested').sessionId);
  return { identity, connector, sessionId };
}

/** Plugs in, locks a deposit and waits until the session is Active. */
export async function beginSession(
  stage: Stage,
  who: Person,
  charger: Charger,
  connector: number,
  deposit: bigint,
): Promise<Place> {
  await plugIn(charger, connector);
  const place = await requestSession(stage, who, charger.identity, connector, deposit);
  await untilState(stage, place, 'Active');
  return place;
}

/** Waits until so much has flown since the transaction began, Wh. */
export async function untilEnergy(charger: Charger, connector: number, energyWh = ENOUGH_WH): Promise<void> {
  await until(`energy to flow at ${charger.identity}/${connector}`, LIMIT_MS, () => {
    const now = countEnergy(charger.connector(connector), Date.now());
    return now.transaction !== undefined && now.meterWh - now.transaction.startWh >= energyWh ? true : undefined;
  });
}

/** Waits until the charger has ended the transaction, and told so. */
export async function untilOver(charger: Charger, connector: number): Promise<void> {
  await until(`the transaction at ${charger.identity}/${connector} to end`, LIMIT_MS, () =>
    charger.connector(connector).transaction === undefined ? true : undefined,
  );
  await charger.settled();
}

/** @throws DevsenError `CONFLICT` if the session goes another way */
export async function untilState(stage: Stage, place: Place, wanted: string): Promise<void> {
  const device = await stage.device(place.identity);
  const what = `the session at ${place.identity}/${place.connector}`;
  let last = '';
  await until(`${what} to be ${wanted}`, LIMIT_MS, async () => {
    const { state } = (await call(device, 'sessionOf', place.sessionId)) as { state: bigint };
    last = SESSION_STATES[Number(state)] ?? '';
    return last === wanted || SESSION_OVER.includes(last) ? true : undefined;
  });
  if (last !== wanted) {
    const reason = await closedReason(device, place.sessionId);
    throw new DevsenError('CONFLICT', `${what} is ${last} (${reason}), not ${wanted}`);
  }
}

/** Why a session is over, as its charger's contract logged it. */
export async function closedReason(device: Contract, sessionId: string): Promise<string> {
  const [log] = await logsOf(device, 'SessionClosed', sessionId);
  return REASONS[Number(log?.args.reason ?? 0n)] ?? 'None';
}

/** Waits until a request to the oracles is over. */
export async function untilAnswered(stage: Stage, requestId: string): Promise<void> {
  const ledger = await stage.contract('OracleDEVSEN', stage.network.state.addresses.oracle);
  await until('the operators to agree', LIMIT_MS, async () => {
    const { outcome } = (await call(ledger, 'requestOf', requestId)) as { outcome: bigint };
    return outcome === 0n ? undefined : true;
  });
}

/**
 * Waits until a session is settled, and works out for itself what it costs: by the tariff, the figures on chain, and the
 * energy by what the charger itself has told.
 *
 * @throws DevsenError `CONFLICT` if owner, treasury or occupant got anything else, to the token unit
 */
export async function checkPaid(stage: Stage, place: Place, stop: string, tag = tagOf(place.sessionId)): Promise<Paid> {
  await untilState(stage, place, 'Settled');
  const device = await stage.device(place.identity);
  const vault = await stage.contract('PaymentDEVSEN', stage.network.state.addresses.payment);
  const session = (await call(device, 'sessionOf', place.sessionId)) as Record<string, bigint>;
  const { startedAt = 0n, endedAt = 0n, idleSec = 0n, energyWh = 0n } = session;
  const what = `session at ${place.identity}/${place.connector}`;
  mustEqual(`stop of the ${what}`, STOPS[Number(session.stop)], stop);
  mustEqual(`energy of the ${what}, Wh`, Number(energyWh), toldWh(stage, place, tag));

  const { tariff } = (await call(device, 'tariffOf', session.tariffId)) as { tariff: Result };
  // By place: a result is an array, whose `flat` is not the price.
  const [, perKwh, perMinute, flat, perIdleMinute] = tariff.toArray() as [string, bigint, bigint, bigint, bigint];
  const chargingSec = endedAt - startedAt - idleSec;
  const perSixty = perKwh * energyWh * 60n + (perMinute * chargingSec + perIdleMinute * idleSec) * 1_000n;
  const key = await call(vault, 'keyOf', await device.getAddress(), place.sessionId);
  const [locked] = await logsOf(vault, 'Locked', key);
  const [settled] = await logsOf(vault, 'Settled', key);
  if (locked === undefined || settled === undefined) {
    throw new DevsenError('CONFLICT', `the ${what} was not locked and settled in the vault`);
  }
  const amount = locked.args.amount as bigint;
  const full = flat + perSixty / 60_000n;
  const cost = full < amount ? full : amount;
  const feeBps = (await call(vault, 'feeBps')) as bigint;
  const fee = (cost * feeBps) / 10_000n;
  const { toPayee, fee: feePaid, refunded } = settled.args as unknown as Record<'toPayee' | 'fee' | 'refunded', bigint>;
  const owner = String(await call(device, 'manager'));
  mustEqual(
    `what the ${what} paid`,
    { payee: String(settled.args.payee), toPayee, fee: feePaid, refunded },
    { payee: owner, toPayee: cost - fee, fee, refunded: amount - cost },
  );
  return { ...place, cost, fee, refunded, energyWh, stop, txHash: settled.transactionHash };
}

/** Waits until all of a session's deposit is back. @returns why, as the contract logged it */
export async function checkAllBack(stage: Stage, place: Place, state: string, deposit: bigint): Promise<string> {
  await untilState(stage, place, state);
  const device = await stage.device(place.identity);
  const vault = await stage.contract('PaymentDEVSEN', stage.network.state.addresses.payment);
  const key = await call(vault, 'keyOf', await device.getAddress(), place.sessionId);
  const logs = await logsOf(vault, state === 'Expired' ? 'Expired' : 'Refunded', key);
  // What expires at the ledger is refunded by the charger's contract, what expires at its own deadline by the vault.
  const back = logs.length > 0 ? logs : await logsOf(vault, 'Refunded', key);
  mustEqual(
    `what came back of the session at ${place.identity}/${place.connector}`,
    back.map(({ args }) => args.amount),
    [deposit],
  );
  return closedReason(device, place.sessionId);
}

/** The tag that a contract's session has at its charger. */
function tagOf(sessionId: string): string {
  return sessionId.slice(2, 22).toUpperCase();
}

/** What a charger told that it delivered in the transaction of a tag, Wh. @throws DevsenError `CONFLICT` if it did not */
function toldWh(stage: Stage, { identity }: Place, tag: string): number {
  const told = stage.told(identity);
  const start = told.find((message) => message.kind === 'start' && message.idTag === tag);
  const stop = told.find(
    (message) => message.kind === 'stop' && start?.kind === 'start' && message.transaction === start.transaction,
  );
  if (start?.kind === 'start' && stop?.kind === 'stop') return stop.registerWh - start.registerWh;
  throw new DevsenError('CONFLICT', `${identity} has told no start and end of its session`);
}

type Parsed = Log & { args: Record<string, unknown> };

/** Logs of a contract by name and first indexed argument. */
export async function logsOf(contract: Contract, event: string, first: unknown): Promise<Parsed[]> {
  return (await contract.queryFilter(contract.getEvent(event)(first), 0)) as unknown as Parsed[];
}

/** Arguments of an event in a tx. @throws DevsenError `INTERNAL` if it is not there */
export function eventIn(receipt: TransactionReceipt, contract: Contract, event: string): Record<string, unknown> {
  const found = receipt.logs
    .flatMap((log) => contract.interface.parseLog(log) ?? [])
    .find(({ name }) => name === event);
  if (found === undefined) throw new DevsenError('INTERNAL', `the tx logged no ${event}`);
  return found.args as unknown as Record<string, unknown>;
}
