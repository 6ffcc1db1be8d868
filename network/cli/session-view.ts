import type { Contract } from 'ethers';
import { SESSION_STATES } from '../../core/abi.ts';
import { DevsenError } from '../../core/errors.ts';
import { REASONS, STOPS } from '../../core/session-answers.ts';
import { call } from '../contracts.ts';
import { until } from '../deadline.ts';
import { liveEnergy } from './live-energy.ts';
import { facts } from './output.ts';
import type { Session } from './session.ts';
import { tokenAt } from './tokens.ts';
import { amountText, timeText } from './values.ts';

/** States in which tokens are locked. */
const OPEN = ['Requested', 'Active', 'Ended', 'Suspect'];
/** The operators answer within five minutes or not at all. */
const ANSWER_LIMIT_MS = 330_000;
/** Whoever waits has asked just now: more than any chain mines meanwhile. */
const ASKED_WITHIN_BLOCKS = 1_000;

/** The last session at connector 1. @throws DevsenError `NOT_FOUND` if there was none */
export async function lastSession(device: Contract): Promise<string> {
  const id = String(await call(device, 'lastSessionAt', 1));
  if (BigInt(id) === 0n) throw new DevsenError('NOT_FOUND', 'there was no session at connector 1: give the id of one');
  return id;
}

/**
 * Waits until a session is in none of these states any more, and says how far the operators are.
 *
 * @param requestId - what they were asked
 * @throws DevsenError `TIMEOUT` that says how the tokens come back
 */
export async function waitWhile(
  session: Session,
  device: Contract,
  { sessionId, requestId }: { sessionId: string; requestId: string },
  states: readonly string[],
): Promise<void> {
  const { output, provider } = session;
  const ledger = await session.contract('OracleDEVSEN');
  const { operatorSetId } = (await call(ledger, 'requestOf', requestId)) as { operatorSetId: bigint };
  const { oracles } = (await call(ledger, 'operatorSet', operatorSetId)) as { oracles: string[] };
  const askedAtBlock = Math.max((await provider.getBlockNumber()) - ASKED_WITHIN_BLOCKS, 0);
  let shown = '';
  const look = async () => {
    const [{ state }, answers] = await Promise.all([
      call(device, 'sessionOf', sessionId) as Promise<{ state: bigint }>,
      ledger.queryFilter(ledger.getEvent('Observed')(requestId), askedAtBlock),
    ]);
    const name = SESSION_STATES[Number(state)] ?? '';
    const text = `session is ${name}; ${answers.length} of ${oracles.length} operators have answered`;
    if (text !== shown) output.progress(text);
    shown = text;
    if (!states.includes(name)) return true;
    // As often as the chain bears it.
    await new Promise((done) => setTimeout(done, provider.pollingInterval));
    return undefined;
  };
  await until('the session to go on', ANSWER_LIMIT_MS, look).catch((cause: DevsenError) => {
    // The chain itself did not answer at last.
    if (cause.cause !== undefined) throw cause;
    const way = `devsen requests expire ${requestId} ends the question, devsen charge expire the session from its deadline on`;
    throw new DevsenError('TIMEOUT', `too few operators answered: ${way}`, { cause });
  });
}

interface SessionRow {
  state: bigint;
  occupant: string;
  connector: bigint;
  startedAt: bigint;
  endedAt: bigint;
  idleSec: bigint;
  energyWh: bigint;
  stop: bigint;
  conflicts: bigint;
}

interface Escrow {
  token: string;
  amount: bigint;
  fee: bigint;
  timestamp: bigint;
}

/** Where a session is, and why. */
export interface SessionEnd {
  state: string;
  reason: string;
}

/** Shows a session: where it is, what it took, what it cost. @throws DevsenError `NOT_FOUND` if there is none */
export async function showSession(
  session: Session,
  identity: string,
  device: Contract,
  sessionId: string,
): Promise<SessionEnd> {
  const row = (await call(device, 'sessionOf', sessionId)) as SessionRow;
  const state = SESSION_STATES[Number(row.state)] ?? '';
  if (state === 'None') throw new DevsenError('NOT_FOUND', `${identity} has no session ${sessionId}`);
  const payment = await session.contract('PaymentDEVSEN');
  const key = await call(payment, 'keyOf', await device.getAddress(), sessionId);
  const escrow = (await call(payment, 'sessionOf', key)) as Escrow;
  const token = BigInt(escrow.token) === 0n ? undefined : await tokenAt(session, escrow.token);
  const reason = await reasonOf(device, sessionId);
  // The chain learns the energy at the end only.
  const live = state === 'Active' ? await liveEnergy(session, identity, sessionId) : undefined;
  const shown = {
    identity,
    sessionId,
    state,
    reason,
    occupant: row.occupant,
    connector: Number(row.connector),
    startedAtSec: Number(row.startedAt),
    endedAtSec: Number(row.endedAt),
    idleSec: Number(row.idleSec),
    energyWh: Number(row.energyWh),
    live: live ?? null,
    stop: STOPS[Number(row.stop)] ?? 'None',
    conflicts: Number(row.conflicts),
    token: token?.address ?? null,
    amount: escrow.amount,
    fee: escrow.fee,
  };
  session.output.result(shown, () =>
    facts([
      ['session', `${identity}/${shown.connector} ${sessionId}`],
      ['state', reason === 'None' ? state : `${state} (${reason})`],
      ['occupant', row.occupant],
      ['started', timeText(row.startedAt)],
      ['ended', endText(shown, state)],
      [
        'energy',
        live === undefined
          ? `${shown.energyWh / 1_000} kWh`
          : `${live.energyWh / 1_000} kWh so far, as ${live.saying} of ${live.asked} operators have it`,
      ],
      ...(token === undefined
        ? []
        : ([
            [OPEN.includes(state) ? 'locked' : 'paid', `${amountText(escrow.amount, token.decimals)} ${token.symbol}`],
          ] as const)),
    ]),
  );
  return { state, reason };
}

function endText({ endedAtSec, stop }: { endedAtSec: number; stop: string }, state: string): string {
  if (endedAtSec > 0) return `${timeText(endedAtSec)} (${stop})`;
  return OPEN.includes(state) ? 'not yet' : 'never';
}

/** Why a session is over, as its last log says. */
async function reasonOf(device: Contract, sessionId: string): Promise<string> {
  const filter = device.filters.SessionClosed?.(sessionId);
  const logs = filter === undefined ? [] : await device.queryFilter(filter, 0);
  const last = logs.at(-1) as { args?: { reason?: bigint } } | undefined;
  return REASONS[Number(last?.args?.reason ?? 0n)] ?? 'None';
}
