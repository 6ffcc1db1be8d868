import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { resultText } from '../../core/result-text.ts';
import { callError, callResult, parseFrame } from '../../ocpp-gateway/frame.ts';

describe('a frame', () => {
  it('with four elements, the first of them 2, is a call', () => {
    expect(parseFrame('[2,"19","Heartbeat",{}]')).toEqual({
      kind: 'call',
      messageId: '19',
      action: 'Heartbeat',
      payload: {},
    });
  });

  it('may begin with a byte order mark, and have a number for an id', () => {
    const call = { kind: 'call', messageId: 17, action: 'Heartbeat', payload: {} };
    expect(parseFrame('\uFEFF[2,17,"Heartbeat",{}]')).toEqual(call);
    expect(callResult(17, {})).toBe('[3,17,{}]');
    expect(callError(17, { code: 'GenericError', description: '' })).toBe('[4,17,"GenericError","",{}]');
    expect(resultText('\uFEFF[3,"1",{ "a": 1.0 }]')).toBe('{ "a": 1.0 }');
  });

  it.each([
    ['[3,"19",{"status":"Accepted"}]', { kind: 'result', payload: { status: 'Accepted' } }],
    ['[4,"19","GenericError","why",{}]', { kind: 'error', code: 'GenericError', description: 'why' }],
    ['[4,"19","GenericError"]', { kind: 'error', code: 'GenericError', description: '' }],
    ['[4,"19"]', { kind: 'malformed' }],
    ['[3,"19"]', { kind: 'malformed' }],
    ['[3,"19",[]]', { kind: 'malformed' }],
  ])('such as %s answers a call', (text, answer) => {
    expect(parseFrame(text)).toEqual({ kind: 'response', messageId: '19', answer });
  });

  it('that answers a call gives its payload as the station wrote it', () => {
    const odd = '{ "a": 1.0,\t"b": [ "]", 12345678901234567890 ] }';
    expect(resultText(` [3 , "a\\"b" , ${odd} ] \n`)).toBe(odd);
    expect(resultText('[3,"1",{"a":1, "b":[2]} ,"more",{}]')).toBe('{"a":1, "b":[2]}');
    expect(resultText('[3.0,"[,\\\\",{ "a": 1 }]')).toBe('{ "a": 1 }');
    const deep = `{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}`;
    expect(resultText(`[3,"1",${deep},1]`)).toBe(deep);
  });

  it('of a message type that OCPP-J does not know is ignored', () => {
    expect(parseFrame('[5,"19",{}]')).toEqual({ kind: 'ignored', why: 'unknown-type' });
  });

  it('without any text is ignored', () => {
    expect(parseFrame('')).toEqual({ kind: 'ignored', why: 'empty' });
  });

  it.each([
    ['{', '-1', 'a frame must be JSON'],
    ['{}', '-1', 'a frame must be a JSON array'],
    ['null', '-1', 'a frame must be a JSON array'],
    ['["2","19","Heartbeat",{}]', '-1', 'a frame must begin with its message type, a number'],
    ['[2,1.5,"Heartbeat",{}]', '-1', 'the message id must be a string of 1 to 36 characters'],
    ['[2,12345678901234567890,"Heartbeat",{}]', '-1', 'the message id must be a string of 1 to 36 characters'],
    ['[2,19,7,{}]', 19, 'the action must be a string'],
    ['[2,"","Heartbeat",{}]', '-1', 'the message id must be a string of 1 to 36 characters'],
    ['[2,"19",7,{}]', '19', 'the action must be a string'],
    ['[2,"19","Heartbeat"]', '19', 'a CALL has four elements'],
    ['[2,"19","Heartbeat",{},{}]', '19', 'a CALL has four elements'],
  ])('%s is malformed', (text, messageId, why) => {
    expect(parseFrame(text)).toEqual({ kind: 'malformed', messageId, why });
  });

  it('nested as deep as a message may be long is no reason to fail', () => {
    expect(parseFrame('['.repeat(131_072)).kind).toBe('malformed');
    expect(parseFrame(`[2,"1","Heartbeat",${'['.repeat(60_000)}${']'.repeat(60_000)}]`)).toEqual({
      kind: 'malformed',
      messageId: '1',
      why: 'the payload nests too deep',
    });
  });

  it('may nest 64 deep and no deeper', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}"]"${']'.repeat(depth - 1)}}`;
    expect(parseFrame(`[2,"1","DataTransfer",${nested(64)}]`).kind).toBe('call');
    expect(parseFrame(`[2,"1","DataTransfer",${nested(65)}]`).kind).toBe('malformed');
    expect(parseFrame(`[6,"1","NotifyPeriodicEventStream",${nested(64)}]`).kind).toBe('send');
    expect(parseFrame(`[6,"1","NotifyPeriodicEventStream",${nested(65)}]`).kind).toBe('ignored');
    expect(parseFrame(`[3,"1",${nested(63)}]`)).toMatchObject({ answer: { kind: 'result' } });
    expect(parseFrame(`[3,"1",${nested(64)}]`)).toMatchObject({ answer: { kind: 'malformed' } });
    expect(parseFrame(`[4,"1","GenericError","",${nested(64)}]`)).toMatchObject({ answer: { kind: 'malformed' } });
  });

  it('of any text is read without a throw', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => void parseFrame(text)));
  });
});

describe('an answer', () => {
  it('carries the message id exactly, whatever characters it has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 36 }), (messageId) => {
        expect(JSON.parse(callResult(messageId, { a: 1 }))).toEqual([3, messageId, { a: 1 }]);
        expect(JSON.parse(callError(messageId, { code: 'GenericError', description: 'x' }))).toEqual([
          4,
          messageId,
          'GenericError',
          'x',
          {},
        ]);
        expect(callResult(messageId, {})).not.toContain('\t');
      }),
    );
  });

  it('cuts a description to the 255 characters that OCPP-J allows', () => {
    expect(JSON.parse(callError('1', { code: 'GenericError', description: 'x'.repeat(300) }))[3]).toHaveLength(255);
  });
});
