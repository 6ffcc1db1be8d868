import { describe, expect, it } from '@jest/globals';
import { AbiCoder, getAddress, Interface, Log, type Provider } from 'ethers';
import { ORACLE_ABI } from '../../core/abi.ts';
import { encodeChargerStatus, encodeChargerStatusParams } from '../../core/queries.ts';
import { STATUS } from '../../core/status.ts';
import { readAnswer } from '../../network/request-account.ts';
import { type RequestView, takeIn } from '../../network/requests.ts';

const ledger = new Interface(ORACLE_ABI);
const requestId = `0x${'11'.repeat(32)}`;
const deviceId = `0x${'22'.repeat(32)}`;
const consumer = `0x${'33'.repeat(20)}`;
const oracle = getAddress(`0x${'ab'.repeat(20)}`);
const answer = encodeChargerStatus({
  status: STATUS.Charging,
  errorClass: 0,
  observedAtSec: 1_767_225_610,
  online: true,
});

function logOf(event: string, ...values: unknown[]): Log {
  const { data, topics } = ledger.encodeEventLog(event, values);
  const place = { blockNumber: 1, blockHash: requestId, transactionHash: requestId, transactionIndex: 0, index: 0 };
  return new Log({ address: consumer, data, topics, removed: false, ...place }, {} as Provider);
}

const requested = logOf('Requested', requestId, consumer, deviceId, 1, 1_767_225_600, 1, encodeChargerStatusParams(2));

describe('the requests of a ledger', () => {
  it('are followed from the question over each answer to the agreement', () => {
    const requests = new Map<string, RequestView>();
    expect(takeIn(requests, requested, 5)).toMatchObject({
      kind: 'asked',
      request: { connector: 2, asOfSec: 1_767_225_600 },
    });
    const observed = takeIn(requests, logOf('Observed', requestId, oracle, answer), 6);
    expect(observed).toMatchObject({
      kind: 'observed',
      observation: { oracle: oracle.toLowerCase(), answer, seenAtMs: 6 },
    });
    expect(takeIn(requests, logOf('Answered', requestId, answer), 7)?.kind).toBe('answered');
    expect(requests.get(requestId)).toMatchObject({ outcome: 'answered', answer, observations: [{ seenAtMs: 6 }] });
  });

  it('end without agreement when they expire', () => {
    const requests = new Map<string, RequestView>();
    takeIn(requests, requested, 5);
    expect(takeIn(requests, logOf('Expired', requestId, 4n), 6)?.kind).toBe('expired');
    expect(requests.get(requestId)).toMatchObject({ outcome: 'expired', answer: undefined });
  });

  it('that began before are passed over', () => {
    expect(takeIn(new Map(), logOf('Answered', requestId, answer), 7)).toBeUndefined();
  });

  it('have answers that are read as a status, or else as their bytes', () => {
    expect(readAnswer(answer)).toBe('Charging, since 00:00:10Z');
    expect(readAnswer('0x1234')).toBe('0x1234');
    const noStatus = AbiCoder.defaultAbiCoder().encode(['uint8', 'uint8', 'uint64', 'bool'], [99, 0, 0, true]);
    expect(readAnswer(noStatus)).toBe(noStatus);
  });
});
