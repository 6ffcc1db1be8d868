import { Interface } from 'ethers';
import { interpolateJson } from '../references.ts';
import {
  asAddress,
  asBytes,
  asCount,
  asFlag,
  attribute,
  expectOwnChain,
  FinalError,
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
 * Sends a tx from one of the node's accounts, or of those in `from`, through the node's forwarder where the spec allows
 * that, and waits until it is mined, `minConfirmations` deep (its own block is 1; 0 does not wait). Gives the receipt, or
 * nothing if it did not wait. Every tx is tried on the chain first, so `transmitChecker` adds nothing.
 */
export const ethtx: TaskType = {
  required: ['to', 'data'],
  optional: ['from', 'gaslimit', 'txmeta', 'minconfirmations', 'failonrevert', 'evmchainid', 'transmitchecker'],
  run: (call) => {
    goodInputs(call, Number.POSITIVE_INFINITY);
    expectOwnChain(call);
    mapAttribute(call, 'txmeta');
    const to = asAddress(attribute(call, 'to'), 'to');
    const data = `0x${Buffer.from(asBytes(attribute(call, 'data'), 'data')).toString('hex')}`;
    const gasLimit = asCount(attribute(call, 'gaslimit') ?? call.gasLimit, 'gasLimit', DEFAULT_GAS_LIMIT);
    const request = {
      key: call.key,
      from: sendersOf(call),
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

/** The accounts a tx may be sent from: one address, or a list; all of the node's if none is named. */
function sendersOf(call: TaskCall): string[] | undefined {
  const text = call.attributes.from;
  if (!text?.trim()) return undefined;
  const named = text.trim().startsWith('[') ? interpolateJson(text, call.vars, false) : attribute(call, 'from');
  const list = Array.isArray(named) ? named : [named];
  if (list.length === 0) return undefined;
  const from = list.map((address) => asAddress(address, 'from'));
  if (!from.some((one) => call.services.sender.accounts.has(one)))
    throw new FinalError('from: none of these is an account that the node sends from');
  return from;
}

function forwarded(call: TaskCall, to: string, data: string, gasLimit: number) {
  const { forwarder } = call.services;
  if (!call.isForwarded || forwarder === undefined) return { to, data, gasLimit };
  return {
    to: forwarder,
    data: FORWARDER.encodeFunctionData('forward', [to, data]),
    gasLimit: gasLimit + FORWARD_GAS,
  };
}
