import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { makeFewIds } from '../../ocpp-gateway/few-ids.ts';

describe('a set of few ids', () => {
  it('does what a Set does', () => {
    const step = fc.record({ do: fc.constantFrom('add', 'delete'), id: fc.constantFrom('a', 'b', 'c', 'd') });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const [ids, set] = [makeFewIds(), new Set<string>()];
        for (const { do: what, id } of steps) {
          ids[what as 'add' | 'delete'](id);
          set[what as 'add' | 'delete'](id);
          expect(['a', 'b', 'c', 'd'].filter(ids.has)).toEqual(['a', 'b', 'c', 'd'].filter((one) => set.has(one)));
          expect(ids.size).toBe(set.size);
        }
      }),
    );
  });
});
