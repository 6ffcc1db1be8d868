import { Wallet } from 'ethers';
import { settlingTurn } from '../../core/settling-turn.ts';
import { call } from '../contracts.ts';
import { must, mustDo } from './check.ts';
import { beginSession, checkPaid, type Paid, untilEnergy } from './session.ts';
import type { Stage } from './stage.ts';

/** A session that ended at the charger, and whom it was settled by. */
export interface Unasked {
  paid: Paid;
  /** The operator whose turn it was, and who was away. */
  away: string;
  /** Account of the operator's node that asked instead. */
  askedBy: string;
}

const DEPOSIT = 20n * 10n ** 18n;

/**
 * A car is unplugged while it charges, and the operator whose turn it is to have that settled is away: another does it,
 * without anybody's call. The operator that was away is back at the end.
 */
export async function playUnasked(stage: Stage): Promise<Unasked> {
  const { fleet, state, keys } = stage.network;
  const charger = await stage.charger('CP-ENDS');
  const place = await beginSession(stage, stage.people.driver, charger, 1, DEPOSIT);
  await untilEnergy(charger, 1);
  const turn = settlingTurn(place.sessionId, 0, state.operators.length);
  const away = state.operators[turn]?.name ?? '';
  await fleet.kill(away, 'SIGKILL');
  mustDo(charger.unplug(1));
  await charger.settled();
  const paid = await checkPaid(stage, place, 'EVDisconnected');

  const device = await stage.device('CP-ENDS');
  const ledger = await stage.contract('OracleDEVSEN', state.addresses.oracle);
  const [log] = await device.queryFilter(device.getEvent('ResultRequested')(null, place.sessionId), 0);
  const { payer } = (await call(ledger, 'requestOf', log?.topics[1])) as { payer: string };
  const others = keys.operators.filter((_, n) => n !== turn).map(({ node }) => new Wallet(node).address);
  must('another operator asked', others.includes(payer));
  await fleet.startAgain(away);
  return { paid, away, askedBy: payer };
}
