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
        let deletions = 0;
        messages.onDeleted = () => deletions++;
        let added = 0;
        const list: { call: { messageId: string }; text: string }[] = [];
        for (const { do: what, id, text } of steps) {
          const at = list.findIndex((one) => one.call.messageId === id && one.text === text);
          const known = what === 'delete' && at >= 0 ? list.splice(at, 1)[0] : undefined;
          // One that was never added is as if it were not deleted.
          const message = known ?? { call: { messageId: id }, text };
          if (what === 'add') {
            list.push(message);
            added++;
          }
          messages[what as 'add' | 'delete'](message);
          for (const one of ['a', 'b']) {
            for (const other of ['x', 'y']) {
              const isThere = list.some(({ call, text }) => call.messageId === one && text === other);
              expect(messages.has(one, other)).toBe(isThere);
            }
          }
          expect(messages.size).toBe(list.length);
          expect(deletions).toBe(added - list.length);
        }
      }),
    );
  });
});
