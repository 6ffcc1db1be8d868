import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { batched } from '../../adapter/batching.ts';
import { coalesced } from '../../adapter/coalescing.ts';
import type { Endpoint } from '../../adapter/endpoints.ts';
import { makeRateLimit } from '../../adapter/rate-limit.ts';

const never = () => new AbortController().signal;
const one = (wrap: typeof coalesced, run: Endpoint) => wrap(new Map([['echo', run]])).get('echo') as Endpoint;

describe('equal questions', () => {
  it('share one answer while it is under way, whatever the order of their fields, and none afterwards', async () => {
    let runs = 0;
    const known = Promise.withResolvers<void>();
    const ask = one(coalesced, async (data) => {
      const run = ++runs;
      await known.promise;
      return { result: `${run} ${data.a}`, fields: {}, aboutMs: 0 };
    });
    const asked = [ask({ a: 1, b: 2 }, never()), ask({ b: 2, a: 1 }, never()), ask({ a: 9, b: 2 }, never())];
    known.resolve();
    expect((await Promise.all(asked)).map(({ result }) => result)).toEqual(['1 1', '1 1', '2 9']);
    expect((await ask({ a: 1, b: 2 }, never())).result).toBe('3 1');
  });

  it('share an error too', async () => {
    let runs = 0;
    const ask = one(coalesced, async () => {
      throw new Error(`run ${++runs}`);
    });
    const asked = await Promise.allSettled([ask({}, never()), ask({}, never())]);
    expect(asked.map((outcome) => (outcome as PromiseRejectedResult).reason.message)).toEqual(['run 1', 'run 1']);
  });

  it('go on for the others when one hangs up, and end when all have', async () => {
    let ended: unknown;
    const known = Promise.withResolvers<{ result: string; fields: object; aboutMs: number }>();
    const ask = one(coalesced, (_data, signal) => {
      signal.addEventListener('abort', () => {
        ended = signal.reason;
      });
      return known.promise as never;
    });
    const [first, second] = [new AbortController(), new AbortController()];
    const asked = [ask({}, first.signal), ask({}, second.signal)];
    first.abort(new Error('first left'));
    await expect(asked[0]).rejects.toThrow('first left');
    expect(ended).toBeUndefined();
    second.abort(new Error('second left'));
    await expect(asked[1]).rejects.toThrow('second left');
    expect(ended).toEqual(new Error('second left'));
    await expect(ask({}, second.signal)).rejects.toThrow('second left');
  });
});

describe('a question with lists', () => {
  const ask = one(batched, async ({ n, m }) => {
    if (n === 0) throw new Error('no');
    return { result: `0x${n}${m}`, fields: { n }, aboutMs: Number(n) * 1000 };
  });

  it('is answered for each combination of values, as of the earliest time, and without one as ever', async () => {
    expect(await ask({ n: [2, 1], m: 7 }, never(), 'run-9')).toEqual({
      result: ['0x27', '0x17'],
      fields: {
        results: [
          [{ id: 'run-9', data: { endpoint: 'echo', n: 2, m: 7 } }, '0x27'],
          [{ id: 'run-9', data: { endpoint: 'echo', n: 1, m: 7 } }, '0x17'],
        ],
      },
      aboutMs: 1_000,
    });
    expect((await ask({ n: [2, 1], m: [7, 8] }, never())).result).toEqual(['0x27', '0x28', '0x17', '0x18']);
    expect(await ask({ n: 3, m: 7 }, never())).toEqual({ result: '0x37', fields: { n: 3 }, aboutMs: 3_000 });
  });

  it.each([
    [{ n: [1, 0] }, 'no'],
    [{ n: [1], m: [] }, 'n and m must make 1 to 50 questions'],
    [{ n: [] }, 'n must make 1 to 50 questions'],
    [{ n: Array(51).fill(1) }, 'n must make 1 to 50 questions'],
    [{ n: Array(8).fill(1), m: Array(7).fill(1) }, 'n and m must make 1 to 50 questions'],
  ])('is refused as a whole: %j', async (data, message) => {
    await expect(ask(data, never())).rejects.toThrow(message);
  });
});

describe('a rate', () => {
  it('lets ten seconds’ worth through at once, then as many as it says, and tells when the next is', () => {
    let nowMs = 0;
    const limit = makeRateLimit(2, () => nowMs);
    const taken = () => Array.from({ length: 21 }, () => limit.take()).filter((wait) => wait === undefined).length;
    expect([taken(), limit.take()]).toEqual([20, 1]);
    nowMs = 500;
    expect([limit.take(), limit.take()]).toEqual([undefined, 1]);
    nowMs = -3_600_000;
    expect(limit.take()).toBe(1);
    nowMs = 0;
    expect(taken()).toBe(20);
    expect(makeRateLimit(0, () => 0).take()).toBeUndefined();
  });

  it('is never passed, however requests come', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), gaps, (perSec, pauses) => {
        let nowMs = 0;
        const limit = makeRateLimit(perSec, () => nowMs);
        let taken = 0;
        for (const pauseMs of pauses) {
          nowMs += pauseMs;
          if (limit.take() === undefined) taken++;
          expect(taken).toBeLessThanOrEqual(perSec * (10 + nowMs / 1000) + 1e-6);
        }
      }),
    );
  });
});
