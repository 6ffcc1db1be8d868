import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { SignedReadings } from './charger-message.ts';

/** A meter that signs what it reads; its key never leaves it. */
export interface SignedMeter {
  /** For the CSMS and for whoever verifies: DER of the public key, base64. */
  publicKey: string;
  /** OCMF's name of how it signs. */
  method: string;
  /** Signs the register at the beginning of a transaction. */
  begin: (transaction: string, registerWh: number, atMs: number) => SignedReadings;
  /** Signs the register at its end; undefined for a transaction that it did not see begin. */
  end: (transaction: string, registerWh: number, atMs: number) => SignedReadings | undefined;
}

export interface SignedMeterSettings {
  /** secp256k1 or prime256v1 (secp256r1). */
  privateKey: KeyObject;
  /** The meter's serial number. */
  serial: string;
  /** Pages signed before, so that numbers go on after a restart. */
  pagination?: number;
}

const METHODS: Readonly<Record<string, string>> = {
  secp256k1: 'ECDSA-secp256k1-SHA256',
  prime256v1: 'ECDSA-secp256r1-SHA256',
};

/** OBIS code of the active energy delivered in all. */
const REGISTER = '1-b:1.8.0';

/**
 * Signs as OCMF 1.0: `OCMF|{payload}|{signature}`, the signature as hex of its DER over the payload's bytes.
 *
 * @throws RangeError if the key is of another curve
 * @see https://github.com/SAFE-eV/OCMF-Open-Charge-Metering-Format
 */
export function makeSignedMeter({ privateKey, serial, pagination = 0 }: SignedMeterSettings): SignedMeter {
  const curve = privateKey.asymmetricKeyDetails?.namedCurve ?? '';
  const method = METHODS[curve];
  if (method === undefined) throw new RangeError(`a meter does not sign with a key of ${curve || 'no curve'}`);
  const begun = new Map<string, string>();
  let page = pagination;

  function ocmf(reading: object): string {
    const payload = JSON.stringify({
      FV: '1.0',
      GI: 'DEVSEN Virtual',
      GS: serial,
      PG: `T${++page}`,
      MS: serial,
      IS: false,
      IF: [],
      IT: 'NONE',
      RD: [reading],
    });
    const signature = sign('sha256', Buffer.from(payload, 'utf8'), privateKey).toString('hex');
    return `OCMF|${payload}|${JSON.stringify({ SA: method, SD: signature })}`;
  }

  return {
    publicKey: createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64'),
    method,
    begin: (transaction, registerWh, atMs) => {
      const text = ocmf(readingOf('B', registerWh, atMs));
      begun.set(transaction, text);
      return { begin: text };
    },
    end: (transaction, registerWh, atMs) => {
      const begin = begun.get(transaction);
      if (begin === undefined) return undefined;
      begun.delete(transaction);
      return { begin, end: ocmf(readingOf('E', registerWh, atMs)) };
    },
  };
}

function readingOf(TX: 'B' | 'E', registerWh: number, atMs: number): object {
  return { TM: ocmfTime(atMs), TX, RV: registerWh, RI: REGISTER, RU: 'Wh', RT: 'AC', EF: '', ST: 'G' };
}

/** As `2026-03-01T12:00:00,000+0000 S`: UTC, of a clock that is synchronised. */
function ocmfTime(atMs: number): string {
  return `${new Date(atMs).toISOString().replace('.', ',').replace('Z', '+0000')} S`;
}
