import { getAddress } from 'ethers';
import { DevsenError } from '../core/errors.ts';

/** What an operator puts into its own copy of a job spec. */
export interface JobSpecPlaces {
  /** The operator's own Operator contract. */
  contractAddress: string;
  evmChainId: bigint | number | string;
  /** Contracts that may ask: the request ledger. */
  requesters: readonly string[];
  /** Blocks, the request's own included, before a request is answered; left as it is if undefined. */
  minConfirmations?: number;
}

/**
 * Fills an operator's addresses into a job spec template of this folder. The result can be run by the job node, or
 * pasted into a Chainlink node.
 *
 * @param template - TOML with `contractAddress`, `evmChainID`, `requesters` and `minIncomingConfirmations`, a line each
 * @returns TOML
 * @throws DevsenError `JOB_SPEC_INVALID` if the template lacks one of these lines
 */
export function renderJobSpec(template: string, places: JobSpecPlaces): string {
  const lines: Record<string, string> = {
    contractAddress: `"${getAddress(places.contractAddress.toLowerCase())}"`,
    evmChainID: `"${BigInt(places.evmChainId)}"`,
    requesters: `[${places.requesters.map((address) => `"${getAddress(address.toLowerCase())}"`).join(', ')}]`,
  };
  if (places.minConfirmations !== undefined) lines.minIncomingConfirmations = String(places.minConfirmations);
  let text = template;
  for (const [field, value] of Object.entries(lines)) {
    const line = new RegExp(`^${field}[ \\t]*=.*$`, 'm');
    if (!line.test(text)) throw new DevsenError('JOB_SPEC_INVALID', `the template has no line "${field} = …"`);
    text = text.replace(line, `${field} = ${value}`);
  }
  return text;
}

/** What an operator puts into its own copy of a job spec that the clock begins. */
export interface CronSpecPlaces {
  evmChainId: bigint | number | string;
  /** The account that sends the node's txs, or its forwarder. */
  linkPayer: string;
  /** When it runs; left as it is if undefined. */
  schedule?: string;
}

/**
 * Fills an operator's places into a template of a job that the clock begins.
 *
 * @param template - TOML with lines `evmChainID` and `schedule`; with a `payer` task where its txs ask the ledger
 * @returns TOML
 * @throws DevsenError `JOB_SPEC_INVALID` if the template lacks one of these
 */
export function renderCronSpec(template: string, { evmChainId, linkPayer, schedule }: CronSpecPlaces): string {
  const chainLine = /^evmChainID[ \t]*=.*$/m;
  const scheduleLine = /^schedule[ \t]*=.*$/m;
  const payerTask = /^(\s*payer\s+\[type="memo" value=<")0x[0-9a-fA-F]{40}"/m;
  const hasPayer = payerTask.test(template) || !template.includes('linkPayer');
  if (!chainLine.test(template) || !scheduleLine.test(template) || !hasPayer) {
    const lacks = 'no line "evmChainID = …" or "schedule = …", or no task "payer"';
    throw new DevsenError('JOB_SPEC_INVALID', `the template has ${lacks}`);
  }
  const text = template
    .replace(chainLine, `evmChainID = "${BigInt(evmChainId)}"`)
    .replace(payerTask, `$1${getAddress(linkPayer.toLowerCase())}"`);
  return schedule === undefined ? text : text.replace(scheduleLine, `schedule = "${schedule}"`);
}
