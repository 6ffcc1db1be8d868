import { call } from '../contracts.ts';
import { must, mustEqual } from './check.ts';
import { checkAllBack, eventIn, type Place, plugIn, requestSession } from './session.ts';
import type { Stage } from './stage.ts';

/** A session that too few operators answered for. */
export interface WithoutQuorum extends Place {
  /** Tx by which anybody ended the question after its deadline. */
  txHash: string;
}

const DEPOSIT = 20n * 10n ** 18n;

/**
 * Stops all operators but one, and has a driver start: nothing comes of it, and from the deadline of the question on anybody
 * may end it, with which everything is back. The deadline is let pass by the chain's own clock, so nothing that is asked
 * after this is answered for: it comes last.
 */
export async function playWithoutQuorum(stage: Stage): Promise<WithoutQuorum> {
  const { network, people } = stage;
  const { fleet, state, provider } = network;
  const charger = await stage.charger('CP-LAST');
  await plugIn(charger, 1);
  for (const { name } of state.operators.slice(1)) await fleet.kill(name, 'SIGTERM');

  const place = await requestSession(stage, people.driver, 'CP-LAST', 1, DEPOSIT);
  const ledger = await stage.contract('OracleDEVSEN', state.addresses.oracle);
  const { askedAt } = (await call(ledger, 'requestOf', place.sessionId)) as { askedAt: bigint };
  const linkBefore = (await call(ledger, 'accountJuels', people.driver.account)) as bigint;
  await provider.send('evm_setNextBlockTimestamp', [Number(askedAt) + Number(await call(ledger, 'DEADLINE_SEC'))]);
  // Not the driver: whoever has an interest.
  const receipt = await stage.send(people.asker, ledger, 'expire', place.sessionId);
  await checkAllBack(stage, place, 'Expired', DEPOSIT);
  mustEqual('transaction at the charger', charger.connector(1).transaction, undefined);
  const { refundJuels } = eventIn(receipt, ledger, 'Expired') as { refundJuels: bigint };
  const { feeJuels } = (await call(ledger, 'requestOf', place.sessionId)) as { feeJuels: bigint };
  const linkAfter = (await call(ledger, 'accountJuels', people.driver.account)) as bigint;
  mustEqual('LINK that came back', linkAfter - linkBefore, refundJuels);
  must('no silent operator was paid', refundJuels >= feeJuels * BigInt(state.operators.length - 1));
  return { ...place, txHash: receipt.hash };
}
