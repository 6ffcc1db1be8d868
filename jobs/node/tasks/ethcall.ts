import { revertReason } from '../chain.ts';
import { RpcError } from '../rpc.ts';
import {
  asAddress,
  asBytes,
  asCount,
  asDecimal,
  attribute,
  expectOwnChain,
  goodInputs,
  type TaskCall,
  type TaskType,
} from '../task.ts';

/**
 * Calls a contract of the job's chain without a tx, on top of the newest block, or of what is `pending`; gives the bytes it
 * returns. Why a call reverts is always told, with `extractRevertReason` or without.
 */
export const ethcall: TaskType = {
  required: ['contract', 'data'],
  optional: [
    'from',
    'gas',
    'gasunlimited',
    'gasprice',
    'gastipcap',
    'gasfeecap',
    'extractrevertreason',
    'block',
    'evmchainid',
  ],
  check: (attributes) => {
    if (attributes.gasunlimited === 'true' && attributes.gas) return 'gasUnlimited: leave gas out, or this';
    return /^\s*(latest|pending)?\s*$/.test(attributes.block ?? '') ? undefined : 'block: expected latest or pending';
  },
  run: async (call) => {
    goodInputs(call, Number.POSITIVE_INFINITY);
    expectOwnChain(call);
    const from = attribute(call, 'from');
    const gas = attribute(call, 'gas');
    const data = asBytes(attribute(call, 'data'), 'data');
    if (data.length === 0) throw new Error('data: expected a selector and its arguments');
    try {
      const result = await call.services.chain.read({
        from: from === undefined ? undefined : asAddress(from, 'from'),
        to: asAddress(attribute(call, 'contract'), 'contract'),
        data: `0x${Buffer.from(data).toString('hex')}`,
        gas: gas === undefined ? undefined : asCount(gas, 'gas', 0),
        gasPriceWei: weiOf(call, 'gasprice', 'gasPrice'),
        tipWei: weiOf(call, 'gastipcap', 'gasTipCap'),
        maxFeeWei: weiOf(call, 'gasfeecap', 'gasFeeCap'),
        isPending: call.attributes.block?.trim() === 'pending',
      });
      return { value: new Uint8Array(Buffer.from(result.slice(2), 'hex')) };
    } catch (error) {
      throw error instanceof RpcError ? new Error(`the call failed: ${revertReason(error)}`) : error;
    }
  },
};

function weiOf(call: TaskCall, name: string, shown: string): bigint | undefined {
  const value = attribute(call, name);
  if (value === undefined) return undefined;
  const wei = asDecimal(value, shown);
  if (!wei.isWhole() || wei.unscaled < 0n) throw new Error(`${shown}: expected a whole number, not negative`);
  return wei.unscaled;
}
