import { Interface } from 'ethers';
import {
  asAddress,
  asBytes,
  asCount,
  asFlag,
  attribute,
  goodInputs,
  mapAttribute,
  type TaskCall,
  type TaskType,
} from '../task.ts';

/** Gas limit of a tx where neither its task nor its spec names one. */
export const DEFAULT_GAS_LIMIT = 500_000;
const DEFAULT_CONFIRMATIONS = 1;
/** What a forwarder takes itself. */
const FORWARD_GAS = 50_000;

/** Of Chainlink's `AuthorizedForwarder`. */
const FORWARDER = new Interface(['function forward(address to, bytes data)']);

/**
 * Sends a tx from one of the node's accounts, through the node's forwarder where the spec allows that, and waits until it is mined, `minConfirmations` deep (its own block is 1; 0 does
 * not wait). Gives the receipt, or nothing if it did not wait.
 */
export const ethtx: TaskType = {
  required: ['to', 'data'],
  optional: ['from', 'gaslimit', 'txmeta', 'minconfirmations', 'failonrevert', 'evmchainid', 'transmitchecker'],
  check: (attributes) => {
    if (attributes.from?.trim()) return 'from: the node chooses its account; leave it out';
    if (attributes.evmchainid?.trim()) return "evmChainID: a job's txs go to its own chain; leave it out";
    return undefined;
  },
  run: (call) => {
    goodInputs(call, Number.POSITIVE_INFINITY);
    mapAttribute(call, 'txmeta');
    const to = asAddress(attribute(call, 'to'), 'to');
    const data = `0x${Buffer.from(asBytes(attribute(call, 'data'), 'data')).toString('hex')}`;
    const gasLimit = asCount(attribute(call, 'gaslimit') ?? call.gasLimit, 'gasLimit', DEFAULT_GAS_LIMIT);
    const request = {
      key: call.key,
      runId: call.runId,
      afterBlock: call.blockNumber,
      ...forwarded(call, to, data, gasLimit),
      worthWei: call.worthWei,
      minConfirmations: asCount(attribute(call, 'minconfirmations'), 'minConfirmations', DEFAULT_CONFIRMATIONS),
      failOnRevert: asFlag(attribute(call, 'failonrevert'), 'failOnRevert', false),
    };
    call.services.sender.submit(request);
    if (request.minConfirmations === 0) return { value: null };
    return { pending: (signal) => call.services.sender.outcome(call.key, signal) };
  },
};

function forwarded(call: TaskCall, to: string, data: string, gasLimit: number) {
  const { forwarder } = call.services;
  if (!call.isForwarded || forwarder === undefined) return { to, data, gasLimit };
  return {
    to: forwarder,
    data: FORWARDER.encodeFunctionData('forward', [to, data]),
    gasLimit: gasLimit + FORWARD_GAS,
  };
}
