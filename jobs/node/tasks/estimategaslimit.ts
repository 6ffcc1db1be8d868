import { Decimal } from '../decimal.ts';
import { RpcError } from '../rpc.ts';
import { asAddress, asBytes, asDecimal, attribute, expectOwnChain, goodInputs, type TaskType } from '../task.ts';
import { DEFAULT_GAS_LIMIT } from './ethtx.ts';

/**
 * Gas a tx would take, times `multiplier` (1 if not set), at most the spec's gas limit; that limit itself if the chain
 * cannot say, as for a tx that would revert.
 */
export const estimategaslimit: TaskType = {
  required: ['to', 'data'],
  optional: ['from', 'multiplier', 'evmchainid'],
  run: async (call) => {
    goodInputs(call, Number.POSITIVE_INFINITY);
    expectOwnChain(call);
    const from = attribute(call, 'from');
    const most = BigInt(call.gasLimit ?? DEFAULT_GAS_LIMIT);
    const multiplier = asDecimal(attribute(call, 'multiplier') ?? 1, 'multiplier');
    if (multiplier.unscaled < 0n) throw new Error('multiplier: expected a number, not negative');
    const tx = {
      from: from === undefined ? undefined : asAddress(from, 'from'),
      to: asAddress(attribute(call, 'to'), 'to'),
      data: `0x${Buffer.from(asBytes(attribute(call, 'data'), 'data')).toString('hex')}`,
      gas: undefined,
    };
    try {
      const gas = new Decimal(await call.services.chain.estimateGas(tx)).times(multiplier).truncate();
      return { value: Number(gas < most ? gas : most) };
    } catch (error) {
      if (error instanceof RpcError) return { value: Number(most) };
      throw error;
    }
  },
};
