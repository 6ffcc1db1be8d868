import { AbiCoder, Contract, Interface, type Log, type TransactionReceipt, Wallet } from 'ethers';
import { OPERATOR_ABI } from '../../../core/abi.ts';
import type { NetworkContracts } from '../../../network/contracts.ts';
import { ensureOperator, ensureOperatorSet } from '../../../network/provision.ts';
import type { TestChain } from '../../support/chain.ts';

/** An operator whose answers the test sends itself, through a real Chainlink `Operator`. */
export interface TestOperator {
  account: string;
  oracle: string;
  /** Sends an answer to a request as it stands in an `OracleRequest` log. */
  answer: (asked: AskedOf, answer: string, gasLimit?: bigint) => Promise<TransactionReceipt>;
  /** The least gas limit of a tx with this answer that the `Operator` does not refuse, or up to 255 more. */
  leastGas: (asked: AskedOf, answer: string) => Promise<bigint>;
}

/** What one `OracleRequest` log says. */
export interface AskedOf {
  oracle: string;
  specId: string;
  requestId: string;
  payment: bigint;
  callbackAddr: string;
  callbackFunctionId: string;
  cancelExpiration: bigint;
  data: string;
}

const operatorInterface = new Interface(OPERATOR_ABI);

/** Operators, each with an account, a signing key and an `Operator` of its own; their set is the current one. */
export async function makeOperators(
  chain: TestChain,
  network: NetworkContracts,
  wallets: number[],
  faults: number,
): Promise<TestOperator[]> {
  const operators: TestOperator[] = [];
  for (const n of wallets) {
    const account = new Wallet(chain.privateKey(n), chain.provider);
    const signingKey = Wallet.createRandom().address;
    const oracle = await ensureOperator(network, { account, signingKey, senders: [account.address] });
    const answering = makeAnswering(new Contract(oracle, OPERATOR_ABI, account));
    operators.push({ account: account.address, oracle, ...answering });
  }
  await ensureOperatorSet(
    network,
    operators.map(({ account }) => account),
    faults,
  );
  return operators;
}

/** The requests that a tx sent to operators. */
export function requestsIn(receipt: TransactionReceipt): AskedOf[] {
  return receipt.logs.flatMap((log: Log) => {
    const parsed = operatorInterface.parseLog(log);
    if (parsed?.name !== 'OracleRequest') return [];
    const { specId, requestId, payment, callbackAddr, callbackFunctionId, cancelExpiration, data } =
      parsed.args.toObject() as Omit<AskedOf, 'oracle'>;
    return [
      { oracle: log.address, specId, requestId, payment, callbackAddr, callbackFunctionId, cancelExpiration, data },
    ];
  });
}

/** @param own - an `Operator`, as the account that sends its answers */
export function makeAnswering(own: Contract): Pick<TestOperator, 'answer' | 'leastGas'> {
  const fulfil = own.getFunction('fulfillOracleRequest2');
  return {
    answer: async (asked, answer, gasLimit = 1_000_000n) => {
      const sent = await fulfil.send(...argumentsOf(asked, answer), { gasLimit });
      const receipt = await sent.wait();
      if (receipt === null) throw new Error('the answer was not mined');
      return receipt;
    },
    leastGas: async (asked, answer) => {
      let [refused, taken] = [21_000n, 2_000_000n];
      while (taken - refused > 255n) {
        const gasLimit = (refused + taken) / 2n;
        const isTaken = await fulfil.staticCall(...argumentsOf(asked, answer), { gasLimit }).then(
          () => true,
          () => false,
        );
        if (isTaken) taken = gasLimit;
        else refused = gasLimit;
      }
      return taken;
    },
  };
}

function argumentsOf(asked: AskedOf, answer: string): unknown[] {
  const data = AbiCoder.defaultAbiCoder().encode(['bytes32', 'bytes'], [asked.requestId, answer]);
  const { requestId, payment, callbackAddr, callbackFunctionId, cancelExpiration } = asked;
  return [requestId, payment, callbackAddr, callbackFunctionId, cancelExpiration, data];
}
