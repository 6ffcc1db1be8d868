import { describe, expect, it } from '@jest/globals';
import { type ChainHead, decodeHead, encodeHead, headKey, judgeHead } from '../../ocpp-gateway/outbox-head.ts';

const last: ChainHead = { generation: 100, number: 7, digest: 'a'.repeat(64), bootedAtMs: 100, watermarkMs: 900 };
const next: ChainHead = { ...last, number: 8, digest: 'b'.repeat(64), watermarkMs: 950 };

describe("the head of a gateway's chain", () => {
  it('has a key of its own for each network and gateway', () => {
    expect(headKey('bull', '1:0xaa', '0xbb')).toBe('bull:gateway-head:1:0xaa:0xbb');
  });

  it('is read back as it was written', () => {
    expect(encodeHead(last)).toBe(`100 7 ${'a'.repeat(64)} 100 900`);
    expect(decodeHead(encodeHead(last))).toEqual(last);
    expect(decodeHead(null)).toBeUndefined();
  });

  it('is refused if it is malformed', () => {
    expect(() => decodeHead('100 7 xyz 100 900')).toThrow('malformed');
    expect(() => decodeHead('')).toThrow('malformed');
  });

  it('tells that the batch is in if it is the head', () => {
    expect(judgeHead(next, last, next)).toBe('present');
  });

  it('tells that the batch is absent if the head is the one before', () => {
    expect(judgeHead(last, last, next)).toBe('absent');
    expect(judgeHead(undefined, undefined, next)).toBe('absent');
  });

  it('tells that Redis lost data if the head is gone or older than confirmed', () => {
    expect(judgeHead(undefined, last, next)).toBe('lost');
    expect(judgeHead({ ...last, number: 5 }, last, next)).toBe('lost');
    expect(judgeHead({ ...last, generation: 99, number: 20 }, last, next)).toBe('lost');
  });

  it('tells of another writer if the head is none of ours', () => {
    expect(judgeHead({ ...next, digest: 'c'.repeat(64) }, last, next)).toBe('foreign');
    expect(judgeHead({ ...last, digest: 'c'.repeat(64) }, last, next)).toBe('foreign');
    expect(judgeHead({ ...next, number: 9 }, last, next)).toBe('foreign');
    expect(judgeHead({ ...last, generation: 101, number: 0 }, last, next)).toBe('foreign');
    expect(judgeHead(last, undefined, next)).toBe('foreign');
  });
});
