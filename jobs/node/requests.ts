import { Interface } from 'ethers';
import { OPERATOR_ABI } from '../../core/abi.ts';
import { specIdOf } from '../../core/queries.ts';
import type { ChainLog } from './chain.ts';
import type { DirectRequestJob, JobSpec } from './spec.ts';
import { makeMap, type Value, type ValueMap } from './values.ts';

const operator = new Interface(OPERATOR_ABI);
const topicOf = (event: string) => operator.getEvent(event)?.topicHash as string;

export const REQUEST_TOPIC = topicOf('OracleRequest');
export const CANCEL_TOPIC = topicOf('CancelOracleRequest');
export const RESPONSE_TOPIC = topicOf('OracleResponse');

/** An OracleRequest log, decoded, and the log itself; all hex in lower case. */
export interface OracleRequest {
  requestId: string;
  requester: string;
  paymentJuels: bigint;
  callbackAddress: string;
  callbackFunctionId: string;
  expiresAtSec: bigint;
  dataVersion: bigint;
  data: string;
  log: ChainLog;
}

/** Both encodings of a job's id in a log's topic: its 32 hex digits as text, and its 16 bytes padded with zeros. */
export function specIdsOf(externalJobId: string): string[] {
  return [specIdOf(externalJobId), `0x${externalJobId.replaceAll('-', '').padEnd(64, '0')}`].map((id) =>
    id.toLowerCase(),
  );
}

/** @returns undefined if the log is no well-formed OracleRequest */
export function decodeRequest(log: ChainLog): OracleRequest | undefined {
  try {
    const parsed = operator.decodeEventLog('OracleRequest', log.data, log.topics);
    return {
      requestId: String(parsed.requestId).toLowerCase(),
      requester: String(parsed.requester).toLowerCase(),
      paymentJuels: parsed.payment,
      callbackAddress: String(parsed.callbackAddr).toLowerCase(),
      callbackFunctionId: String(parsed.callbackFunctionId).toLowerCase(),
      expiresAtSec: parsed.cancelExpiration,
      dataVersion: parsed.dataVersion,
      data: String(parsed.data),
      log,
    };
  } catch {
    return undefined;
  }
}

/** Why a job does not take a request; undefined if it does. */
export function refusalOf(
  job: Pick<DirectRequestJob, 'requesters' | 'minPaymentJuels'>,
  request: Pick<OracleRequest, 'requester' | 'paymentJuels'>,
  minPaymentJuels: bigint,
): 'requester' | 'payment' | undefined {
  if (job.requesters.length > 0 && !job.requesters.includes(request.requester)) return 'requester';
  if (request.paymentJuels < (job.minPaymentJuels ?? minPaymentJuels)) return 'payment';
  return undefined;
}

/**
 * `jobRun` and `jobSpec` as a Chainlink node hands them to a run.
 *
 * @param request - undefined for a run that the clock began
 */
export function givenVars(job: JobSpec, request: OracleRequest | undefined, chainId: bigint): ValueMap {
  const jobSpec = makeMap([
    ['databaseID', 0],
    ['externalJobID', job.externalJobId],
    ['name', job.name],
    ['evmChainID', chainId.toString()],
  ]);
  const jobRun = request ? requestVars(request) : makeMap([['meta', makeMap([])]]);
  return makeMap([
    ['jobSpec', jobSpec],
    ['jobRun', jobRun],
  ]);
}

function requestVars(request: OracleRequest): ValueMap {
  const { log } = request;
  const oracleRequest: Record<string, Value> = {
    specId: log.topics[1] as string,
    requester: request.requester,
    requestId: request.requestId,
    payment: request.paymentJuels.toString(),
    callbackAddr: request.callbackAddress,
    callbackFunctionId: request.callbackFunctionId,
    cancelExpiration: request.expiresAtSec.toString(),
    dataVersion: request.dataVersion.toString(),
    data: request.data,
  };
  return makeMap([
    ['meta', makeMap([['oracleRequest', makeMap(Object.entries(oracleRequest))]])],
    ['logBlockHash', log.blockHash],
    ['logBlockNumber', log.blockNumber],
    ['logTxHash', log.txHash],
    ['logAddress', log.address],
    ['logTopics', log.topics],
    ['logData', new Uint8Array(Buffer.from(log.data.slice(2), 'hex'))],
  ]);
}

/** A request as text for the database. */
export function storeRequest(request: OracleRequest): string {
  return JSON.stringify(request.log);
}

/** @throws Error if the text was not written by `storeRequest` */
export function loadRequest(text: string): OracleRequest {
  const request = decodeRequest(JSON.parse(text) as ChainLog);
  if (!request) throw new Error('a stored request does not decode');
  return request;
}
