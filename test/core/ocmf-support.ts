import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface TestReading {
  kind: string;
  kWh: string;
  /** Unix seconds. */
  atSec?: number;
  /** OCMF fields in place of the usual. */
  fields?: Record<string, unknown>;
}

export interface TestMeter {
  /** Its public key. */
  key: KeyObject;
  privateKey: KeyObject;
  record: (content: { page: number; context?: string; readings: TestReading[]; id?: string }) => string;
  /** An OCMF text with any payload. */
  sign: (payload: string) => string;
}

/** A meter that signs OCMF records. */
export function makeTestMeter(
  options: { algorithm?: string; curve?: string; serial?: string; like?: TestMeter } = {},
): TestMeter {
  const { algorithm = 'ECDSA-secp256r1-SHA256', curve = 'prime256v1', serial = '7', like } = options;
  const privateKey = like?.privateKey ?? generateKeyPairSync('ec', { namedCurve: curve }).privateKey;
  const digest = `sha${algorithm.split('-SHA')[1]}`;
  const signText = (payload: string) => {
    const SD = sign(digest, Buffer.from(payload), privateKey).toString('hex');
    return `OCMF|${payload}|${JSON.stringify({ SA: algorithm, SD })}`;
  };
  return {
    key: createPublicKey(privateKey),
    privateKey,
    sign: signText,
    record: ({ page, context = 'T', readings, id = '' }) => {
      const rows = readings.map(({ kind, kWh, atSec = 1_790_000_000, fields = {} }) => {
        const TM = `${new Date(atSec * 1000).toISOString().slice(0, 19)},000+0000 S`;
        return { TM, TX: kind, RV: kWh, RI: '1-b:1.8.0', RU: 'kWh', RT: 'AC', EF: '', ST: 'G', ...fields };
      });
      return signText(
        JSON.stringify({ FV: '1.0', GI: 'T', GS: '1', PG: `${context}${page}`, MS: serial, ID: id, RD: rows }),
      );
    },
  };
}
