import { type JsonRpcProvider, NonceManager, type TransactionRequest, type TransactionResponse, Wallet } from 'ethers';

/**
 * A signer whose txs reach the chain in the order of their nonces even when they are sent at once: each is handed over
 * only after the chain took the one before. A chain that mines at once refuses a nonce that comes too early.
 */
export class OneByOneSigner extends NonceManager {
  #turn: Promise<unknown> = Promise.resolve();

  override sendTransaction(tx: TransactionRequest): Promise<TransactionResponse> {
    const sent = this.#turn.then(() => super.sendTransaction(tx));
    // A refused tx has used no nonce: the next one asks the chain again.
    this.#turn = sent.catch(() => this.reset());
    return sent;
  }
}

/** @param key - 32 bytes, 0x-prefixed hex */
export function signerOf(key: string, provider: JsonRpcProvider): OneByOneSigner {
  return new OneByOneSigner(new Wallet(key, provider));
}
