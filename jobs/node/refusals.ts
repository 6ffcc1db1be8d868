/**
 * What a chain node's refusal of a signed tx means; nodes agree on the words at best.
 *
 * - `known`: it has the tx, or one with its nonce is mined
 * - `underpriced`: the fee must be raised
 * - `no-funds`: the account cannot pay for it
 */
export function readRefusal(message: string): 'known' | 'underpriced' | 'no-funds' | 'other' {
  if (
    /already known|known transaction|already imported|already exists|nonce.*too low|nonce has already/i.test(message)
  ) {
    return 'known';
  }
  if (/underpriced|fee too low|less than.*base fee|too low for the next block/i.test(message)) return 'underpriced';
  if (/insufficient funds|enough funds|insufficient balance/i.test(message)) return 'no-funds';
  return 'other';
}
