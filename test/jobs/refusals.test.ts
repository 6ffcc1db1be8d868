import { describe, expect, it } from '@jest/globals';
import { readRefusal } from '../../jobs/node/refusals.ts';

describe("a chain node's refusal", () => {
  const words: [string, string][] = [
    ['already known', 'known'],
    ['Known transaction: 0x12', 'known'],
    ['nonce too low: next nonce 5, tx nonce 4', 'known'],
    ['Transaction nonce too low. Expected nonce to be at least 7 but got 6.', 'known'],
    ['replacement transaction underpriced', 'underpriced'],
    ['transaction underpriced: gas tip cap 1, minimum needed 2', 'underpriced'],
    ['max fee per gas less than block base fee', 'underpriced'],
    ['Transaction maxFeePerGas (1) is too low for the next block, which has a baseFeePerGas of 2', 'underpriced'],
    ['insufficient funds for gas * price + value', 'no-funds'],
    ["Sender doesn't have enough funds to send tx", 'no-funds'],
    ['exceeds block gas limit', 'other'],
  ];
  for (const [message, meaning] of words) {
    it(`means ${meaning}: ${message}`, () => expect(readRefusal(message)).toBe(meaning));
  }
});
