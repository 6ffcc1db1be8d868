import { createHash, hash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { batchText, GENERATION_START, packBatch, parseBatch, unpackBatch } from '../../core/batch.ts';
import { CHAIN_START, decodeEvent } from '../../core/charger-event.ts';
import { extendChain, makeBatchSigner, makeConnectionChain, sealBatch } from '../../ocpp-gateway/custody.ts';
import { GATEWAY, NETWORK, PRIVATE_KEY, verifyBatches } from './outbox-support.ts';

describe('the hash chain of a connection', () => {
  it('counts seq from 0 and covers each line and all before it', () => {
    const chain = makeConnectionChain('CP-1', 1700000000000);
    const first = extendChain(chain, 'open', 1700000000001, '', '{"subprotocol":"ocpp1.6"}');
    expect(first).toBe('CP-1\t1700000000000\t0\t1700000000001\topen\t\t{"subprotocol":"ocpp1.6"}');
    const firstHash = createHash('sha256')
      .update(CHAIN_START + first)
      .digest('hex');
    expect(chain).toEqual({ charger: 'CP-1', epoch: 1700000000000, seq: 1, hash: firstHash });
    const second = extendChain(chain, 'call', 1700000000002, '[3,"a",{}]', '[2,"a","Heartbeat",{}]');
    expect(decodeEvent(second).seq).toBe(1);
    expect(chain.hash).toBe(
      createHash('sha256')
        .update(firstHash + second)
        .digest('hex'),
    );
  });
});

describe('the signer of batches', () => {
  it('signs deterministically with low s, as RFC 6979 and the known vector of key 1 say', () => {
    const one = Buffer.alloc(32);
    one[31] = 1;
    expect(makeBatchSigner(one).sign(hash('sha256', 'Satoshi Nakamoto', 'buffer'))).toBe(
      '934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8' +
        '2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5',
    );
  });

  it('tells its public key uncompressed', () => {
    const one = Buffer.alloc(32);
    one[31] = 1;
    expect(makeBatchSigner(one).publicKey).toBe(
      '0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' +
        '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8',
    );
  });

  it('refuses bytes that are no private key', () => {
    expect(() => makeBatchSigner(Buffer.alloc(32))).toThrow('no secp256k1 private key');
    expect(() => makeBatchSigner(Buffer.alloc(31, 1))).toThrow('no secp256k1 private key');
    expect(() => makeBatchSigner(Buffer.alloc(32, 0xff))).toThrow('no secp256k1 private key');
  });
});

describe('a sealed batch', () => {
  const header = {
    network: NETWORK,
    gateway: GATEWAY,
    generation: 1700000000000,
    number: 0,
    previous: GENERATION_START,
    bootedAtMs: 1700000000000,
    watermarkMs: 1700000000005,
  };

  it('is read back by core and verified by OpenSSL', () => {
    const chain = makeConnectionChain('CP-1', 1);
    const line = extendChain(chain, 'call', 1700000000001, '[3,"ä",{}]', '[2,"ä","Heartbeat",{}]\t\n"\\');
    const { batch, digest } = sealBatch(header, [line], [chain.hash], makeBatchSigner(PRIVATE_KEY));
    expect(parseBatch(JSON.stringify(batch))).toEqual(batch);
    expect(batch.events).toEqual([line]);
    expect(digest).toBe(hash('sha256', batchText(header, [chain.hash])));
    expect(() => verifyBatches([batch])).not.toThrow();
  });

  it('comes out of its pack as it went in, whatever its lines are', () => {
    const signer = makeBatchSigner(PRIVATE_KEY);
    const line = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\x1e', 'a\x1eb', '\ud800', '[2,"ä"]\t\n'));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const { batch } = sealBatch(header, lines, [], signer);
        expect(parseBatch(unpackBatch(packBatch(batch)))).toEqual(batch);
      }),
    );
  });

  it('is none if lines are missing behind it, or are too many', () => {
    const { batch } = sealBatch(header, ['a', 'b'], [], makeBatchSigner(PRIVATE_KEY));
    const text = unpackBatch(packBatch(batch));
    for (const other of [
      `${text}\x1ec`,
      text.slice(0, text.lastIndexOf('\x1e')),
      `${JSON.stringify(batch)}\x1ea\x1eb`,
    ]) {
      expect(() => parseBatch(other)).toThrow('events is no list of lines');
    }
  });

  it('no longer verifies with one character of a frame changed', () => {
    const chain = makeConnectionChain('CP-1', 1);
    const line = extendChain(chain, 'call', 1700000000001, '', '[2,"1","Heartbeat",{}]');
    const { batch } = sealBatch(header, [line], [chain.hash], makeBatchSigner(PRIVATE_KEY));
    const forged = parseBatch(JSON.stringify(batch).replace('Heartbeat', 'heartbeat'));
    expect(() => verifyBatches([forged])).toThrow('wrong signature');
  });
});
