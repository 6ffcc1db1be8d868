import { describe, expect, it } from '@jest/globals';
import { AbiCoder, Wallet } from 'ethers';
import {
  approvalSigner,
  approvalTypedData,
  decodeCommandParams,
  decodeGetParams,
  decodeSessionParams,
  decodeSetParams,
  decodeStartParams,
  messageIdOf,
  parseApproval,
  type RequestApproval,
  type SignedApproval,
  sessionTag,
} from '../../core/request-approval.ts';
import { encodeSessionParams, encodeStartParams } from '../../core/session-answers.ts';

const NETWORK = `31337:0x${'ab'.repeat(20)}`;
const REQUEST_ID = `0x${'0123456789abcdef'.repeat(4)}`;
const wallet = new Wallet(`0x${'11'.repeat(32)}`);

function approval(more: Partial<RequestApproval> = {}): RequestApproval {
  const params = encodeStartParams(1, 5_000n);
  return {
    requestId: REQUEST_ID,
    deviceId: `0x${'22'.repeat(32)}`,
    query: 'start-charge',
    params,
    asOfSec: 1_000,
    ...more,
  };
}

async function sign(given: RequestApproval, network = NETWORK): Promise<SignedApproval> {
  const { domain, types, message } = approvalTypedData(network, given);
  return {
    ...given,
    operator: wallet.address.toLowerCase(),
    signature: await wallet.signTypedData(domain, types, message),
  };
}

describe('an approval of a request', () => {
  it('names its signer', async () => {
    expect(approvalSigner(NETWORK, await sign(approval()))).toBe(wallet.address.toLowerCase());
  });

  it.each<[string, Partial<RequestApproval>]>([
    ['request', { requestId: `0x${'33'.repeat(32)}` }],
    ['charger', { deviceId: `0x${'33'.repeat(32)}` }],
    ['query', { query: 'stop-charge' }],
    ['parameters', { params: encodeStartParams(1, 5_001n) }],
    ['time', { asOfSec: 1_001 }],
  ])('is none of another %s', async (_what, other) => {
    const signed = await sign(approval());
    expect(approvalSigner(NETWORK, { ...signed, ...other })).not.toBe(wallet.address.toLowerCase());
  });

  it('is none in another network', async () => {
    const signed = await sign(approval(), `1:0x${'ab'.repeat(20)}`);
    expect(approvalSigner(NETWORK, signed)).not.toBe(wallet.address.toLowerCase());
  });

  it('is read back from its JSON text', async () => {
    const signed = await sign(approval());
    expect(parseApproval(JSON.stringify(signed))).toEqual(signed);
  });

  it.each<[string, unknown, string]>([
    ['requestId', '0x12', 'approval: requestId is malformed'],
    ['deviceId', 7, 'approval: deviceId is malformed'],
    ['query', 'charger-status', 'approval: query needs none'],
    ['params', 'xx', 'approval: params is malformed'],
    ['asOfSec', 1.5, 'approval: asOfSec is no whole number'],
    ['operator', undefined, 'approval: operator is malformed'],
    ['signature', '0x00', 'approval: signature is malformed'],
  ])('is refused with a wrong %s', async (field, value, message) => {
    const signed = await sign(approval());
    expect(() => parseApproval(JSON.stringify({ ...signed, [field]: value }))).toThrow(message);
  });

  it('is refused if it is no JSON or no object', () => {
    expect(() => parseApproval('{')).toThrow('approval is no JSON');
    expect(() => parseApproval('[]')).toThrow('approval is no object');
  });
});

describe('what a request becomes at the charger', () => {
  it('has a message id of 36 characters', () => {
    expect(messageIdOf(REQUEST_ID)).toBe('ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNF');
  });

  it('has an idTag of 20 characters', () => {
    expect(sessionTag(REQUEST_ID)).toBe('0123456789ABCDEF0123');
  });
});

describe('parameters', () => {
  const abi = AbiCoder.defaultAbiCoder();

  it('are read back as they were encoded', () => {
    expect(decodeStartParams(encodeStartParams(2, 7_000n))).toEqual({ connector: 2, energyLimitWh: 7_000n });
    expect(decodeSessionParams(encodeSessionParams(REQUEST_ID))).toEqual({ sessionId: REQUEST_ID });
    expect(decodeGetParams(abi.encode(['string[]'], [['A', 'B']]))).toEqual({ keys: ['A', 'B'] });
    expect(decodeSetParams(abi.encode(['string', 'string'], ['K', 'V']))).toEqual({ key: 'K', value: 'V' });
    expect(decodeCommandParams(abi.encode(['string', 'string'], ['Reset', '{ "type": "Soft" }']))).toEqual({
      action: 'Reset',
      payload: '{ "type": "Soft" }',
    });
  });
});
