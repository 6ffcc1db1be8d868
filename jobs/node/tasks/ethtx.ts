import { asAddress, asBytes, asCount, asFlag, attribute, goodInputs, mapAttribute, type TaskType } from '../task.ts';

/** Gas limit of a tx where neither its task nor its spec names one. */
export const DEFAULT_GAS_LIMIT = 500_000;
const DEFAULT_CONFIRMATIONS = 1;

/**
 * Sends a tx from the node's account and waits until it is mined, `minConfirmations` deep (its own block is 1; 0 does
 * not wait). Gives the receipt, or nothing if it did not wait.
 */
export const ethtx: TaskType = {
  required: ['to', 'data'],
  optional: ['from', 'gaslimit', 'txmeta', 'minconfirmations', 'failonrevert', 'evmchainid', 'transmitchecker'],
  check: (attributes) => {
    if (attributes.from?.trim()) return 'from: the node has one account; leave it out';
    if (attributes.evmchainid?.trim()) return "evmChainID: a job's txs go to its own chain; leave it out";
    return undefined;
  },
  run: (call) => {
    goodInputs(call, Number.POSITIVE_INFINITY);
    mapAttribute(call, 'txmeta');
    const to = asAddress(attribute(call, 'to'), 'to');
    const request = {
      key: call.key,
      runId: call.runId,
      afterBlock: call.blockNumber,
      to,
      data: `0x${Buffer.from(asBytes(attribute(call, 'data'), 'data')).toString('hex')}`,
      gasLimit: asCount(attribute(call, 'gaslimit') ?? call.gasLimit, 'gasLimit', DEFAULT_GAS_LIMIT),
      minConfirmations: asCount(attribute(call, 'minconfirmations'), 'minConfirmations', DEFAULT_CONFIRMATIONS),
      failOnRevert: asFlag(attribute(call, 'failonrevert'), 'failOnRevert', false),
    };
    call.services.sender.submit(request);
    if (request.minConfirmations === 0) return { value: null };
    return { pending: (signal) => call.services.sender.outcome(call.key, signal) };
  },
};
