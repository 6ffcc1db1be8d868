import { type Contract, type ContractTransactionReceipt, type ContractTransactionResponse, formatEther } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import type { Session } from './session.ts';

/** How long a tx may take to be mined, ms. */
const MINED_WITHIN_MS = 180_000;

/**
 * Sends a tx and waits until it is mined; with `--dry-run` only says what it would do and cost, and sends nothing. It is
 * tried out first, so what a contract refuses costs nothing.
 *
 * @param what - what it does, in a few words
 * @returns undefined for a dry run
 * @throws what ethers throws if the contract refuses; DevsenError `TIMEOUT` if it is not mined
 */
export async function transact(
  session: Session,
  what: string,
  contract: Contract,
  name: string,
  ...args: unknown[]
): Promise<ContractTransactionReceipt | undefined> {
  const { output, provider, isDryRun, account } = session;
  const method = contract.getFunction(name);
  const gas = await method.estimateGas(...args);
  if (isDryRun) {
    const { maxFeePerGas, gasPrice } = await provider.getFeeData();
    const price = gasPrice ?? maxFeePerGas ?? 0n;
    const cost = { gas, feeWei: gas * price };
    const to = await contract.getAddress();
    output.result({ dryRun: true, what, from: account, to, method: name, ...cost }, () => {
      return `Would ${what}: ${name} of ${to} as ${account}, ${gas} gas, about ${formatEther(cost.feeWei)} ether. Nothing was sent.`;
    });
    return undefined;
  }
  output.progress(`${what} …`);
  const sent = (await method.send(...args)) as ContractTransactionResponse;
  const receipt = await sent.wait(1, MINED_WITHIN_MS);
  if (receipt === null) throw new DevsenError('TIMEOUT', `the tx ${sent.hash} is not mined yet`);
  return receipt;
}
