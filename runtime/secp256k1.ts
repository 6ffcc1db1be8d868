import { createRequire } from 'node:module';
import * as wasm from 'tiny-secp256k1';

/** ECDSA on the curve secp256k1. */
export interface Secp256k1 {
  /** @returns r and s, 64 bytes, low s, deterministic (RFC 6979) */
  sign: (digest: Uint8Array, privateKey: Uint8Array) => Uint8Array;
  /**
   * Whether a signature, r and s in 64 bytes, is one of the digest. One with a high s, which the EVM's libraries refuse, is
   * not taken.
   *
   * @param point - a public key that is known to be a point of the curve
   */
  verify: (digest: Uint8Array, point: Uint8Array, signature: Uint8Array) => boolean;
}

/** libsecp256k1 as WebAssembly: it runs everywhere, at a third of the speed in signing and a sixth in verifying. */
export const wasmSecp256k1: Secp256k1 = {
  sign: (digest, privateKey) => wasm.sign(digest, privateKey),
  verify: (digest, point, signature) => falseIfThrown(() => wasm.verify(digest, point, signature, true)),
};

/** The same library as machine code; undefined on platforms for which it was not built. */
export const nativeSecp256k1: Secp256k1 | undefined = loadNative();

/** The faster one there is. OpenSSL's, which Node brings, has no code of its own for this curve and is slower than both. */
export const secp256k1: Secp256k1 = nativeSecp256k1 ?? wasmSecp256k1;

/** The parts of the package `secp256k1` that are used here. */
interface NativePackage {
  ecdsaSign: (digest: Uint8Array, privateKey: Uint8Array) => { signature: Uint8Array };
  ecdsaVerify: (signature: Uint8Array, digest: Uint8Array, point: Uint8Array) => boolean;
}

function loadNative(): Secp256k1 | undefined {
  let native: NativePackage;
  try {
    // Its own entry would fall back on JavaScript, which is slower than the WebAssembly here.
    native = createRequire(import.meta.url)('secp256k1/bindings.js');
  } catch {
    return undefined;
  }
  return {
    sign: (digest, privateKey) => native.ecdsaSign(digest, privateKey).signature,
    verify: (digest, point, signature) => falseIfThrown(() => native.ecdsaVerify(signature, digest, point)),
  };
}

/** Both throw for r or s out of range. */
function falseIfThrown(verify: () => boolean): boolean {
  try {
    return verify();
  } catch {
    return false;
  }
}
