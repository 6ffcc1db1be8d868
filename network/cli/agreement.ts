import type { Contract } from 'ethers';
import { call } from '../contracts.ts';
import type { Session } from './session.ts';

/** How many operators say what was agreed on: `agreeing` of the `asked`, whom `faults` could be wrong of. */
export interface Agreement {
  requestId: string;
  agreeing: number;
  asked: number;
  faults: number;
}

/** Which operators stand behind the last agreed status of a connector, by the logs; undefined if it was never agreed on. */
export async function agreementOnStatus(
  session: Session,
  device: Contract,
  connector: number,
): Promise<Agreement | undefined> {
  const logs = await device.queryFilter(device.getEvent('StatusAgreed')(null, connector), 0);
  const last = logs.at(-1) as unknown as { args: { requestId: string } } | undefined;
  if (last === undefined) return undefined;
  const { requestId } = last.args;
  const ledger = await session.contract('OracleDEVSEN');
  const [answered, observed, row] = await Promise.all([
    ledger.queryFilter(ledger.getEvent('Answered')(requestId), 0),
    ledger.queryFilter(ledger.getEvent('Observed')(requestId), 0),
    call(ledger, 'requestOf', requestId) as Promise<{ operatorSetId: bigint }>,
  ]);
  const answerIn = (log: unknown) => (log as { args?: { answer?: string } } | undefined)?.args?.answer;
  const agreed = answerIn(answered[0]);
  const set = (await call(ledger, 'operatorSet', row.operatorSetId)) as { oracles: string[]; faults: bigint };
  return {
    requestId,
    agreeing: observed.filter((log) => agreed !== undefined && answerIn(log) === agreed).length,
    asked: set.oracles.length,
    faults: Number(set.faults),
  };
}
