import { Wallet } from 'ethers';
import { settlingTurn } from '../../core/settling-turn.ts';
import { call } from '../contracts.ts';
import { SETTLE_SLOT_SEC } from '../local-plan.ts';
import { must, mustEqual } from './check.ts';
import { checkAllBack, logsOf, type Place, plugIn, requestSession } from './session.ts';
import type { Stage } from './stage.ts';

/** A session that too few operators answered for. */
export interface WithoutQuorum extends Place {
  /** Tx by which the operator that was left ended the question after its deadline. */
  txHash: string;
}

const DEPOSIT = 20n * 10n ** 18n;
/** Place of the operator that is not stopped. */
const LEFT = 0;

/**
 * Stops all operators but one, and has a driver start: nothing comes of it, and after the deadline of the question the
 * operator that is left ends it by itself, with which everything is back. The deadline, and the turns of those who are away,
 * are let pass by the chain's own clock, so nothing that is asked after this is answered for: it comes last.
 */
export async function playWithoutQuorum(stage: Stage): Promise<WithoutQuorum> {
  const { network, people } = stage;
  const { fleet, state, keys, provider } = network;
  const operators = state.operators.length;
  const charger = await stage.charger('CP-LAST');
  await plugIn(charger, 1);
  for (const { name } of state.operators.slice(LEFT + 1)) await fleet.kill(name, 'SIGTERM');

  const place = await requestSession(stage, people.driver, 'CP-LAST', 1, DEPOSIT);
  const ledger = await stage.contract('OracleDEVSEN', state.addresses.oracle);
  const { askedAt } = (await call(ledger, 'requestOf', place.sessionId)) as { askedAt: bigint };
  const linkBefore = (await call(ledger, 'accountJuels', people.driver.account)) as bigint;
  const deadlineSec = Number(askedAt) + Number(await call(ledger, 'DEADLINE_SEC'));
  let attempt = 0;
  while (settlingTurn(place.sessionId, attempt, operators) !== LEFT) attempt++;
  // Nobody sends a tx that would bring a block with the later time.
  await provider.send('evm_setNextBlockTimestamp', [deadlineSec + attempt * SETTLE_SLOT_SEC]);
  await provider.send('evm_mine', []);
  await checkAllBack(stage, place, 'Expired', DEPOSIT);
  const [expired] = await logsOf(ledger, 'Expired', place.sessionId);
  const txHash = expired?.transactionHash ?? '';
  const receipt = await provider.getTransactionReceipt(txHash);
  mustEqual('who ended the question', receipt?.from, new Wallet(keys.operators[LEFT]?.node ?? '').address);
  mustEqual('transaction at the charger', charger.connector(1).transaction, undefined);
  const refundJuels = expired?.args.refundJuels as bigint;
  const { feeJuels } = (await call(ledger, 'requestOf', place.sessionId)) as { feeJuels: bigint };
  const linkAfter = (await call(ledger, 'accountJuels', people.driver.account)) as bigint;
  mustEqual('LINK that came back', linkAfter - linkBefore, refundJuels);
  must('no silent operator was paid', refundJuels >= feeJuels * BigInt(operators - 1));
  return { ...place, txHash };
}
