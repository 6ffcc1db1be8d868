import { describe, expect, it } from '@jest/globals';
import { AbiCoder, id, ZeroHash } from 'ethers';
import fc from 'fast-check';
import type { Asked, OcppVersion } from '../../core/charger-call.ts';
import { callOf, MAX_ANSWER_BYTES, replyOf } from '../../core/charger-commands.ts';
import { COMMAND_QUERIES } from '../../core/request-approval.ts';
import { encodeConfigurationAnswer, encodeSessionParams, encodeStartParams } from '../../core/session-answers.ts';
import { stopCauseOf, stopMessageId } from '../../core/session-stop.ts';
import { readVariableKey } from '../../core/variable-key.ts';
import { payloadCheck } from '../../ocpp-gateway/payload-checks.ts';

const REQUEST_ID = `0x${'f123456789abcdef'.repeat(4)}`;
const abi = AbiCoder.defaultAbiCoder();
const asked = (query: Asked['query'], params: string): Asked => ({ requestId: REQUEST_ID, query, params });
const start = (connector = 2) => asked('start-charge', encodeStartParams(connector, 5_000n));
const stop = asked('stop-charge', encodeSessionParams(`0x${'11'.repeat(32)}`));
const get = (...keys: string[]) => asked('get-configuration', abi.encode(['string[]'], [keys]));
const set = (key: string, value: string) => asked('set-configuration', abi.encode(['string', 'string'], [key, value]));
const command = (action: string, payload: string) =>
  asked('command', abi.encode(['string', 'string'], [action, payload]));
const called = (version: OcppVersion, request: Asked, transactionId?: number | string) => {
  const call = callOf(version, request, transactionId);
  return call && [call.action, JSON.parse(call.payload)];
};
const outcome = (version: OcppVersion, request: Asked, frame: unknown) => {
  const { verdict, reason } = replyOf(version, request, typeof frame === 'string' ? frame : JSON.stringify(frame));
  return `${verdict} ${reason}`;
};

describe('the call of a request, in OCPP 1.6', () => {
  it.each<[string, Asked, number | undefined, unknown]>([
    ['starts', start(), undefined, ['RemoteStartTransaction', { connectorId: 2, idTag: 'F123456789ABCDEFF123' }]],
    ['stops', stop, 77, ['RemoteStopTransaction', { transactionId: 77 }]],
    ['gets', get('HeartbeatInterval', 'X'), undefined, ['GetConfiguration', { key: ['HeartbeatInterval', 'X'] }]],
    ['sets', set('K', 'V'), undefined, ['ChangeConfiguration', { key: 'K', value: 'V' }]],
    ['commands', command('Reset', '{"type":"Soft"}'), undefined, ['Reset', { type: 'Soft' }]],
  ])('%s, and keeps to the schema', (_what, request, transactionId, expected) => {
    expect(called('ocpp1.6', request, transactionId)).toEqual(expected);
    const [action, payload] = expected as [string, object];
    expect(payloadCheck('ocpp1.6', action)(payload)).toBeUndefined();
  });

  it('passes the payload of a command on byte for byte', () => {
    expect(callOf('ocpp1.6', command('Reset', '{ "type" : "Hard","x":1.0 }'))?.payload).toBe(
      '{ "type" : "Hard","x":1.0 }',
    );
  });

  it.each<[string, Asked, number | string | undefined]>([
    ['a connector 0', start(0), undefined],
    ['no transaction', stop, undefined],
    ['a transaction of another version', stop, 'abc'],
    ['no key', get(), undefined],
    ['a password', set('authorizationkey', '00'.repeat(20)), undefined],
    ['a password in a command', command('ChangeConfiguration', '{"key":"AuthorizationKey","value":"00"}'), undefined],
    ['a payload that is no object', command('Reset', '["Soft"]'), undefined],
    ['a payload that is no JSON', command('Reset', '{'), undefined],
    ['a payload that nests too deep', command('Reset', `{"a":${'['.repeat(64)}${']'.repeat(64)}}`), undefined],
    ['parameters of another shape', asked('set-configuration', '0x12'), undefined],
  ])('is none where there is %s', (_what, request, transactionId) => {
    expect(callOf('ocpp1.6', request, transactionId)).toBeUndefined();
  });
});

describe.each<OcppVersion>(['ocpp2.0.1', 'ocpp2.1'])('the call of a request, in %s', (version) => {
  it.each<[string, Asked, string | undefined, unknown]>([
    [
      'starts',
      start(),
      undefined,
      [
        'RequestStartTransaction',
        // 0xf1234567 without its first bit.
        { evseId: 2, remoteStartId: 1_898_136_935, idToken: { idToken: 'F123456789ABCDEFF123', type: 'Central' } },
      ],
    ],
    ['stops', stop, 'T-1', ['RequestStopTransaction', { transactionId: 'T-1' }]],
    [
      'gets',
      get('OCPPCommCtrlr.HeartbeatInterval', 'Connector@1/2.Type'),
      undefined,
      [
        'GetVariables',
        {
          getVariableData: [
            { component: { name: 'OCPPCommCtrlr' }, variable: { name: 'HeartbeatInterval' } },
            { component: { name: 'Connector', evse: { id: 1, connectorId: 2 } }, variable: { name: 'Type' } },
          ],
        },
      ],
    ],
    [
      'sets',
      set('A(b)@3.C(d)', 'V'),
      undefined,
      [
        'SetVariables',
        {
          setVariableData: [
            {
              attributeValue: 'V',
              component: { name: 'A', instance: 'b', evse: { id: 3 } },
              variable: { name: 'C', instance: 'd' },
            },
          ],
        },
      ],
    ],
    ['commands', command('Reset', '{"type":"OnIdle"}'), undefined, ['Reset', { type: 'OnIdle' }]],
  ])('%s', (_what, request, transactionId, expected) => {
    expect(called(version, request, transactionId)).toEqual(expected);
  });

  it.each<[string, Asked, number | string | undefined]>([
    ['an EVSE 0', start(0), undefined],
    ['no transaction', stop, undefined],
    ['a transaction of OCPP 1.6', stop, 77],
    ['a key of OCPP 1.6', get('A.B', 'HeartbeatInterval'), undefined],
    ['no key', get(), undefined],
    ['a password', set('securityCtrlr.BasicAuthPassword', 'x'), undefined],
    [
      'a password in a command',
      command(
        'SetVariables',
        '{"setVariableData":[{"component":{"name":"SecurityCtrlr"},"variable":{"name":"basicauthpassword"},"attributeValue":"x"}]}',
      ),
      undefined,
    ],
  ])('is none where there is %s', (_what, request, transactionId) => {
    expect(callOf(version, request, transactionId)).toBeUndefined();
  });
});

describe('a key of OCPP 2.x', () => {
  it.each(['', 'A', 'A.', '.B', 'A.B.C', 'A@.B', 'A@x.B', 'A@1/.B', 'A().B', 'A(.B'])('is not %j', (key) => {
    expect(readVariableKey(key)).toBeUndefined();
  });
});

describe("a charger's answer to the call of a request", () => {
  it.each<[OcppVersion, string, Asked, unknown, string]>([
    ['ocpp1.6', 'accepts', start(), [3, 'm', { status: 'Accepted' }], 'Done None'],
    ['ocpp1.6', 'rejects', start(), [3, 'm', { status: 'Rejected' }], 'Refused Rejected'],
    ['ocpp1.6', 'cannot start', start(), [4, 'm', 'NotSupported', '', {}], 'Refused NotSupported'],
    ['ocpp1.6', 'has a fault', start(), [4, 'm', 'InternalError'], 'Refused Rejected'],
    ['ocpp1.6', 'has no status', start(), [3, 'm', {}], 'CannotKnow NoReply'],
    ['ocpp1.6', 'is no JSON', start(), '[3,"m",{', 'CannotKnow NoReply'],
    [
      'ocpp1.6',
      'nests too deep',
      start(),
      `[3,"m",{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}]`,
      'CannotKnow NoReply',
    ],
    ['ocpp1.6', 'is no frame', start(), { status: 'Accepted' }, 'CannotKnow NoReply'],
    ['ocpp1.6', 'stops', stop, [3, 'm', { status: 'Accepted' }], 'Done None'],
    ['ocpp1.6', 'sets after a reboot', set('K', 'V'), [3, 'm', { status: 'RebootRequired' }], 'Done None'],
    ['ocpp1.6', 'has no such key', set('K', 'V'), [3, 'm', { status: 'NotSupported' }], 'Refused NotSupported'],
    ['ocpp1.6', 'is data', command('GetLocalListVersion', '{}'), [3, 'm', { listVersion: 3 }], 'Done None'],
    ['ocpp1.6', 'unlocks', command('UnlockConnector', '{}'), [3, 'm', { status: 'Unlocked' }], 'Done None'],
    ['ocpp1.6', 'fails', command('UnlockConnector', '{}'), [3, 'm', { status: 'UnlockFailed' }], 'Refused Rejected'],
    ['ocpp2.0.1', 'accepts', start(), [3, 'm', { status: 'Accepted', transactionId: 'T' }], 'Done None'],
    ['ocpp2.0.1', 'rejects', stop, [3, 'm', { status: 'Rejected' }], 'Refused Rejected'],
    [
      'ocpp2.1',
      'sets',
      set('A.B', 'V'),
      [3, 'm', { setVariableResult: [{ attributeStatus: 'Accepted' }] }],
      'Done None',
    ],
    [
      'ocpp2.1',
      'has no such variable',
      set('A.B', 'V'),
      [3, 'm', { setVariableResult: [{ attributeStatus: 'UnknownVariable' }] }],
      'Refused NotSupported',
    ],
    ['ocpp2.1', 'has no result', set('A.B', 'V'), [3, 'm', { setVariableResult: [] }], 'CannotKnow NoReply'],
  ])('that in %s %s', (version, _what, request, frame, expected) => {
    expect(outcome(version, request, frame)).toBe(expected);
  });

  it('gives the values of OCPP 1.6 in the order of the keys, and never a password', () => {
    const configurationKey = [
      { key: 'AuthorizationKey', readonly: false, value: 'secret' },
      { key: 'b', readonly: true },
      { key: 'heartbeatInterval', readonly: false, value: '300' },
    ];
    const frame = JSON.stringify([3, 'm', { configurationKey, unknownKey: ['X'] }]);
    const reply = replyOf('ocpp1.6', get('X', 'HeartbeatInterval', 'AuthorizationKey', 'B'), frame);
    expect(reply.values).toEqual(['', '300', '', '']);
    expect([reply.verdict, reply.reason, reply.replyHash]).toEqual(['Done', 'None', ZeroHash]);
  });

  it('gives the values of OCPP 2.x in the order of the keys, and never a password', () => {
    const named = (component: object, variable: string, attributeValue?: string) => ({
      attributeStatus: attributeValue === undefined ? 'UnknownVariable' : 'Accepted',
      component,
      variable: { name: variable },
      ...(attributeValue === undefined ? {} : { attributeValue }),
    });
    const getVariableResult = [
      named({ name: 'EVSE', evse: { id: 2 } }, 'Power', '22000'),
      named({ name: 'EVSE', evse: { id: 1 } }, 'Power', '11000'),
      named({ name: 'SecurityCtrlr' }, 'BasicAuthPassword', 'secret'),
      named({ name: 'X' }, 'Y'),
    ];
    const frame = JSON.stringify([3, 'm', { getVariableResult }]);
    const keys = ['evse@1.power', 'X.Y', 'SecurityCtrlr.BasicAuthPassword', 'EVSE@2.Power', 'EVSE.Power'];
    expect(replyOf('ocpp2.0.1', get(...keys), frame).values).toEqual(['11000', '', '', '22000', '']);
  });

  it('that is longer than the ledger takes is not told in part', () => {
    const answer = (length: number) => {
      const frame = JSON.stringify([3, 'm', { configurationKey: [{ key: 'K', value: 'x'.repeat(length) }] }]);
      return replyOf('ocpp1.6', get('K'), frame);
    };
    // Verdict, reason, offset of the list, its length, offset and length of the value: six words before the value.
    const longest = MAX_ANSWER_BYTES - 6 * 32;
    expect((encodeConfigurationAnswer(answer(longest)).length - 2) / 2).toBe(MAX_ANSWER_BYTES);
    expect(answer(longest)).toMatchObject({ verdict: 'Done', values: ['x'.repeat(longest)] });
    expect(answer(longest + 1)).toMatchObject({ verdict: 'CannotKnow', reason: 'None', values: [] });
  });

  it('has the hash of its payload as it stood in the frame', () => {
    const payload = '{ "status" : "Accepted" }';
    expect(replyOf('ocpp1.6', command('Reset', '{"type":"Soft"}'), `[3, "m", ${payload}]`).replyHash).toBe(id(payload));
    expect(replyOf('ocpp1.6', command('Reset', '{"type":"Soft"}'), '[4,"m","InternalError","",{}]').replyHash).toBe(
      ZeroHash,
    );
  });

  it('is read without a throw, whatever it and the request are', () => {
    const hex = fc.uint8Array({ maxLength: 96 }).map((bytes) => `0x${Buffer.from(bytes).toString('hex')}`);
    const params = fc.oneof(
      hex,
      fc.constantFrom(start(), stop, get('A.B'), set('A.B', 'C')).map((one) => one.params),
    );
    const frames = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((body) => JSON.stringify([3, 'm', body])),
      fc
        .jsonValue()
        .map((results) => JSON.stringify([3, 'm', { setVariableResult: results, configurationKey: results }])),
    );
    fc.assert(
      fc.property(
        fc.constantFrom<OcppVersion>('ocpp1.6', 'ocpp2.0.1', 'ocpp2.1'),
        fc.constantFrom(...COMMAND_QUERIES),
        params,
        frames,
        (version, query, given, frame) => {
          callOf(version, asked(query, given), 1);
          expect(replyOf(version, asked(query, given), frame).verdict).toMatch(/^(Done|Refused|CannotKnow)$/);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("the message id of a gateway's own stop", () => {
  it('says why and which session, in at most 36 characters', () => {
    const messageId = stopMessageId('limit', REQUEST_ID, 9_999);
    expect(messageId).toBe('limit.f123456789abcdeff1234567.9999');
    expect(messageId.length).toBeLessThanOrEqual(36);
    expect(stopCauseOf(messageId, REQUEST_ID)).toBe('limit');
    expect(stopCauseOf(stopMessageId('idle', REQUEST_ID, 0), REQUEST_ID)).toBe('idle');
    expect(stopCauseOf(messageId, `0x${'11'.repeat(32)}`)).toBeUndefined();
    expect(stopCauseOf('ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNF', REQUEST_ID)).toBeUndefined();
  });
});
