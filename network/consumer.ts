import { type Contract, Interface, type InterfaceAbi, type JsonRpcProvider, type Signer } from 'ethers';
import { DevsenError } from '../core/errors.ts';
import { deviceIdOf } from '../core/identity.ts';
import { decodeChargerStatus } from '../core/queries.ts';
import type { ChargerStatus, Status } from '../core/status.ts';
import { readArtifact } from './artifacts.ts';
import { contractAt } from './contracts.ts';
import { until } from './deadline.ts';
import { REQUEST_TOPICS, type RequestView, requestIdIn, takeIn } from './requests.ts';

export interface Question {
  provider: JsonRpcProvider;
  signer: Signer;
  consumer: string;
  oracle: string;
  identity: string;
  connector: number;
  /** How long an agreement may take, ms. */
  answerLimitMs: number;
  /** How long to wait, after the agreement, for the operators that have not answered yet, ms. */
  stragglerLimitMs: number;
  operators: number;
  onAsked?: (requestId: string) => void;
}

/** What came of a question. */
export interface Reply {
  request: RequestView;
  status: ChargerStatus | undefined;
  /** What the consumer contract holds, read back from it. */
  held: (ChargerStatus & { toldAtSec: number }) | undefined;
  tookMs: number;
}

/**
 * Asks through the example consumer and waits for what becomes of it.
 *
 * @throws DevsenError `NOT_FOUND` if there is no such charger, `CONFLICT` if the ledger refuses, `TIMEOUT`
 */
export async function askStatus(question: Question): Promise<Reply> {
  const { provider, oracle, identity, connector, operators } = question;
  const consumer = await contractAt('ExampleStatusConsumer', question.consumer, question.signer);
  const deviceId = deviceIdOf(identity);
  const startedMs = performance.now();
  const receipt = await send(consumer, deviceId, identity, connector);
  const requests = new Map<string, RequestView>();
  let nextBlock = receipt.blockNumber;
  const look = async () => {
    const head = await provider.getBlockNumber();
    if (head < nextBlock) return;
    const logs = await provider.getLogs({
      address: oracle,
      topics: [REQUEST_TOPICS],
      fromBlock: nextBlock,
      toBlock: head,
    });
    for (const log of logs) takeIn(requests, log, Date.now());
    nextBlock = head + 1;
  };
  const requestId = requestIdIn(receipt.logs, oracle);
  if (requestId === undefined) throw new DevsenError('INTERNAL', 'the ledger logged no request');
  question.onAsked?.(requestId);
  const request = await until('the request to be on record', question.answerLimitMs, async () => {
    await look();
    return requests.get(requestId);
  });
  await until('the operators to agree', question.answerLimitMs, async () => {
    await look();
    return request.outcome === 'open' ? undefined : true;
  });
  const tookMs = performance.now() - startedMs;
  if (request.outcome === 'answered') {
    await until('the other operators', question.stragglerLimitMs, async () => {
      await look();
      return request.observations.length >= operators ? true : undefined;
    }).catch((error) => {
      if (!(error instanceof DevsenError) || error.code !== 'TIMEOUT') throw error;
    });
  }
  return {
    request,
    status: request.answer === undefined ? undefined : decodeChargerStatus(request.answer),
    held: await readHeld(consumer, deviceId, connector),
    tookMs,
  };
}

async function send(consumer: Contract, deviceId: string, identity: string, connector: number) {
  try {
    const tx = await consumer.getFunction('ask')(deviceId, connector);
    return await tx.wait();
  } catch (error) {
    const data = (error as { data?: string }).data;
    const { abi } = await readArtifact('OracleDEVSEN');
    const reason = data ? new Interface(abi as InterfaceAbi).parseError(data) : undefined;
    if (reason?.name === 'UnknownDevice') {
      throw new DevsenError('NOT_FOUND', `no charger is registered as ${identity}`, { cause: error });
    }
    if (reason) {
      throw new DevsenError('CONFLICT', `the ledger refuses: ${reason.name}(${reason.args.join(', ')})`, {
        cause: error,
      });
    }
    throw error;
  }
}

async function readHeld(consumer: Contract, deviceId: string, connector: number) {
  const known = await consumer.getFunction('latest')(deviceId, connector);
  if (known.toldAt === 0n) return undefined;
  return {
    status: Number(known.status) as Status,
    errorClass: Number(known.errorClass),
    observedAtSec: Number(known.observedAt),
    online: Boolean(known.online),
    toldAtSec: Number(known.toldAt),
  };
}
