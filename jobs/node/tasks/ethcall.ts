import { revertReason } from '../chain.ts';
import { RpcError } from '../rpc.ts';
import { asAddress, asBytes, asCount, attribute, goodInputs, type TaskType } from '../task.ts';

/** Calls a contract of the job's chain without a tx, on top of the newest block; gives the bytes it returns. */
export const ethcall: TaskType = {
  required: ['contract', 'data'],
  optional: ['from', 'gas', 'gasunlimited', 'evmchainid'],
  check: (attributes) => {
    if (attributes.evmchainid?.trim()) return "evmChainID: a job's calls go to its own chain; leave it out";
    if (attributes.gasunlimited === 'true' && attributes.gas) return 'gasUnlimited: leave gas out, or this';
    return undefined;
  },
  run: async (call) => {
    goodInputs(call, Number.POSITIVE_INFINITY);
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
      });
      return { value: new Uint8Array(Buffer.from(result.slice(2), 'hex')) };
    } catch (error) {
      throw error instanceof RpcError ? new Error(`the call failed: ${revertReason(error)}`) : error;
    }
  },
};
