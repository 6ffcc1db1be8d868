import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { makeFewMessages } from '../../ocpp-gateway/few-messages.ts';

describe('a few messages', () => {
  it('are told apart by id and text, and as often there as they were added', () => {
    const step = fc.record({
      do: fc.constantFrom('add', 'delete'),
      id: fc.constantFrom('a', 'b'),
      text: fc.constantFrom('x', 'y'),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const messages = makeFewMessages();
        const list: string[] = [];
        for (const { do: what, id, text } of steps) {
          messages[what as 'add' | 'delete'](id, text);
          const at = list.indexOf(id + text);
          if (what === 'add') list.push(id + text);
          else if (at >= 0) list.splice(at, 1);
          for (const one of ['a', 'b']) {
            for (const other of ['x', 'y']) expect(messages.has(one, other)).toBe(list.includes(one + other));
          }
          expect(messages.size).toBe(list.length);
        }
      }),
    );
  });
});
