import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { clientFrame } from './client-frame.ts';
import type { RawCharger } from './support.ts';

const MASK = Buffer.from([7, 0, 255, 42]);

/**
 * Checks that messages are answered once each and in order, however their bytes are parted and whatever frames are among them;
 * and that a whole message within another one is none.
 *
 * @param charger - that has not been sent anything yet
 */
export async function checkPartedMessages(charger: RawCharger): Promise<void> {
  const { _socket: stream } = charger.socket as unknown as { _socket: Socket };
  stream.setNoDelay();
  let sent = 0;
  /** A message as frames: whole, or in parts with a ping between them. */
  const framesOf = (padding: number, parts: number): Buffer[] => {
    const text = Buffer.from(`[2,"${sent++}","DataTransfer",{"vendorId":"v","data":"${'é'.repeat(padding)}"}]`);
    const size = Math.ceil(text.length / parts);
    return Array.from({ length: parts }, (_, n) => {
      const first = (n === parts - 1 ? 0x80 : 0) | (n === 0 ? 1 : 0);
      const frame = clientFrame(text.subarray(n * size, (n + 1) * size), MASK, first);
      return n === 0 ? frame : Buffer.concat([clientFrame(Buffer.from('ping'), MASK, 0x89), frame]);
    });
  };
  const message = fc.record({ padding: fc.nat(100), parts: fc.constantFrom(1, 1, 1, 2, 3) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(200)),
      async (messages, cuts) => {
        const bytes = Buffer.concat(messages.flatMap(({ padding, parts }) => framesOf(padding, parts)));
        let from = 0;
        for (const cut of cuts) {
          stream.write(bytes.subarray(from, from + cut));
          from += cut;
          await nextTurn();
        }
        stream.write(bytes.subarray(from));
        await charger.answerTo(`${sent - 1}`);
      },
    ),
    { numRuns: 40 },
  );
  expect(charger.received.map((text) => JSON.parse(text).slice(0, 2))).toEqual(
    Array.from({ length: sent }, (_, n) => [3, `${n}`]),
  );
  stream.write(clientFrame(Buffer.from('[2,"open",'), MASK, 0x01));
  await nextTurn();
  stream.write(clientFrame(Buffer.from('[2,"within","Heartbeat",{}]'), MASK));
  expect(await charger.closed).toEqual({ code: 1002, reason: '' });
  expect(charger.received).toHaveLength(sent);
}
