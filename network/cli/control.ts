import { AbiCoder, type Contract, type ContractTransactionReceipt } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { REASONS, VERDICTS } from '../../core/session-answers.ts';
import { until } from '../deadline.ts';

/** What came of a question that a charger's manager asked through the chain. */
export interface ControlEnd {
  requestId: string;
  /** `Done`, `Refused`, …; `NotAgreed` if the operators did not agree in time. */
  verdict: string;
  reason: string;
  /** The agreed answer, 0x-hex; empty if there is none. */
  answer: string;
}

/** A request lives five minutes. */
const ANSWER_LIMIT_MS = 330_000;

/** Waits for what the oracles agree on about the request that a tx of `DeviceDEVSEN` asked. */
export async function controlEnd(device: Contract, receipt: ContractTransactionReceipt): Promise<ControlEnd> {
  const asked = receipt.logs
    .flatMap((log) => device.interface.parseLog(log) ?? [])
    .find(({ name }) => name === 'ControlRequested');
  if (asked === undefined) throw new DevsenError('INTERNAL', 'the charger logged no request');
  const requestId = String(asked.args.requestId);
  const logOf = async (name: 'ControlAnswered' | 'ControlNotAgreed') => {
    const filter = device.filters[name]?.(requestId);
    const [log] = filter === undefined ? [] : await device.queryFilter(filter, receipt.blockNumber);
    return log as { args: { verdict: bigint; reason: bigint; answer: string } } | undefined;
  };
  return until('the operators to agree', ANSWER_LIMIT_MS, async () => {
    const answered = await logOf('ControlAnswered');
    if (answered !== undefined) {
      const { verdict, reason, answer } = answered.args;
      return { requestId, verdict: VERDICTS[Number(verdict)] ?? '', reason: REASONS[Number(reason)] ?? '', answer };
    }
    const isLost = (await logOf('ControlNotAgreed')) !== undefined;
    return isLost ? { requestId, verdict: 'NotAgreed', reason: 'None', answer: '' } : undefined;
  });
}

/** The values in an answer to `get-configuration`. */
export function valuesIn(answer: string): string[] {
  const [, , values] = AbiCoder.defaultAbiCoder().decode(['uint8', 'uint8', 'string[]'], answer);
  return [...values];
}

/** @throws DevsenError `CONFLICT` if it was not done, with the reason */
export function mustBeDone({ verdict, reason }: ControlEnd): void {
  if (verdict === 'Done') return;
  throw new DevsenError('CONFLICT', `not done: ${verdict}${reason === 'None' ? '' : ` (${reason})`}`);
}
