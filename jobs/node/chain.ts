import { AbiCoder } from 'ethers';
import { z } from 'zod';
import { DevsenError } from '../../core/errors.ts';
import { type Rpc, RpcError } from './rpc.ts';

export interface Block {
  number: number;
  hash: string;
  parentHash: string;
  /** Undefined on chains without EIP-1559. */
  baseFeeWei: bigint | undefined;
}

export interface ChainLog {
  address: string;
  topics: string[];
  data: string;
  blockNumber: number;
  blockHash: string;
  txHash: string;
  logIndex: number;
}

export interface Receipt {
  blockNumber: number;
  blockHash: string;
  txHash: string;
  isSuccess: boolean;
  gasUsed: bigint;
}

/** A call that changes nothing. */
export interface CallRequest {
  from: string | undefined;
  to: string;
  /** 0x-hex. */
  data: string;
  /** Gas limit; the endpoint's own if undefined. */
  gas: number | undefined;
  /** What a unit of gas pays; nothing where undefined. */
  gasPriceWei?: bigint | undefined;
  tipWei?: bigint | undefined;
  maxFeeWei?: bigint | undefined;
  /** Whether on top of what is not mined yet. */
  isPending?: boolean;
}

const hex = z.string().regex(/^0x[0-9a-fA-F]*$/);
const quantity = hex.transform((text) => Number(BigInt(text)));
const big = hex.transform((text) => BigInt(text));
const lower = hex.transform((text) => text.toLowerCase());

const BLOCK = z.object({ number: quantity, hash: lower, parentHash: lower, baseFeePerGas: big.nullish() }).transform(
  (raw): Block => ({
    number: raw.number,
    hash: raw.hash,
    parentHash: raw.parentHash,
    baseFeeWei: raw.baseFeePerGas ?? undefined,
  }),
);

const LOG = z
  .object({
    address: lower,
    topics: z.array(lower),
    data: hex,
    blockNumber: quantity,
    blockHash: lower,
    transactionHash: lower,
    logIndex: quantity,
  })
  .transform(({ transactionHash, ...log }): ChainLog => ({ ...log, txHash: transactionHash }));

const RECEIPT = z
  .object({ blockNumber: quantity, blockHash: lower, transactionHash: lower, status: quantity, gasUsed: big })
  .transform(
    (raw): Receipt => ({
      blockNumber: raw.blockNumber,
      blockHash: raw.blockHash,
      txHash: raw.transactionHash,
      isSuccess: raw.status === 1,
      gasUsed: raw.gasUsed,
    }),
  );

export type Chain = ReturnType<typeof makeChain>;

/** What is asked of the chain, with its answers checked for shape. Every call throws as `Rpc` does. */
export function makeChain(rpc: Rpc) {
  const call = async <T>(
    shape: z.ZodType<T, z.ZodTypeDef, unknown>,
    method: string,
    ...params: unknown[]
  ): Promise<T> => {
    const answer = shape.safeParse(await rpc(method, params));
    if (!answer.success) throw new DevsenError('CHAIN_UNAVAILABLE', `chain: ${method}: an answer of another shape`);
    return answer.data;
  };
  const at = (number: number) => `0x${number.toString(16)}`;
  return {
    chainId: () => call(big, 'eth_chainId'),
    head: () => call(BLOCK, 'eth_getBlockByNumber', 'latest', false),
    /** Null if there is no such block (yet, or any more). */
    block: (number: number) => call(BLOCK.nullable(), 'eth_getBlockByNumber', at(number), false),
    logs: (filter: {
      address: string;
      topics: readonly (string | readonly string[] | null)[];
      from: number;
      to: number;
    }) =>
      call(z.array(LOG), 'eth_getLogs', {
        address: filter.address,
        topics: filter.topics,
        fromBlock: at(filter.from),
        toBlock: at(filter.to),
      }),
    receipt: (txHash: string) => call(RECEIPT.nullable(), 'eth_getTransactionReceipt', txHash),
    /** Nonce of the account's next tx, counting mined ones only. */
    minedNonce: (account: string) => call(quantity, 'eth_getTransactionCount', account, 'latest'),
    balanceWei: (account: string) => call(big, 'eth_getBalance', account, 'latest'),
    gasPriceWei: () => call(big, 'eth_gasPrice'),
    tipWei: () => call(big, 'eth_maxPriorityFeePerGas'),
    /** @returns the hash; a refusal is an RpcError */
    broadcast: (rawTx: string) => call(hex, 'eth_sendRawTransaction', rawTx),
    /**
     * What a call to a contract gives, on top of the newest block.
     *
     * @throws RpcError if it would revert
     */
    read: (tx: CallRequest) => call(hex, 'eth_call', callFields(tx), tx.isPending ? 'pending' : 'latest'),
    /** @throws RpcError if it would revert */
    estimateGas: (tx: CallRequest) => call(big, 'eth_estimateGas', callFields(tx), 'latest'),
    /** What a tx would do on top of a block: undefined if it would succeed, else why it would revert. */
    simulate: async (
      tx: { from: string; to: string; data: string; gasLimit: number },
      block: Pick<Block, 'number'>,
    ): Promise<string | undefined> => {
      try {
        const { from, to, data, gasLimit } = tx;
        await call(hex, 'eth_call', { from, to, data, gas: at(gasLimit) }, at(block.number));
        return undefined;
      } catch (error) {
        if (error instanceof RpcError && isExecutionFailure(error)) return revertReason(error);
        throw error instanceof RpcError
          ? new DevsenError('CHAIN_UNAVAILABLE', 'chain: eth_call was refused', { cause: error })
          : error;
      }
    },
  };
}

function callFields({ from, to, data, gas, gasPriceWei, tipWei, maxFeeWei }: CallRequest) {
  const quantities = { gas, gasPrice: gasPriceWei, maxPriorityFeePerGas: tipWei, maxFeePerGas: maxFeeWei };
  const given = Object.entries(quantities).filter(([, value]) => value !== undefined);
  return {
    to,
    data,
    ...(from && { from }),
    ...Object.fromEntries(given.map(([name, n]) => [name, `0x${n?.toString(16)}`])),
  };
}

/** Whether the call itself failed, and not the node that was to run it (rate limit, missing state …). */
function isExecutionFailure(error: RpcError): boolean {
  return error.code === 3 || error.data !== undefined || /revert|invalid opcode|out of gas|stack/i.test(error.message);
}

const ERROR_STRING = '0x08c379a0';

/** Why a call reverted: its reason, its custom error's selector, or what the chain's node says. */
export function revertReason(error: RpcError): string {
  if (error.data?.startsWith(ERROR_STRING)) {
    try {
      return String(AbiCoder.defaultAbiCoder().decode(['string'], `0x${error.data.slice(10)}`)[0]);
    } catch {
      // Not the shape its selector promises: the node's own message has to do.
    }
  }
  if (error.data && error.data !== '0x') return `custom error ${error.data.slice(0, 10)}`;
  return error.message.slice(0, 200);
}
