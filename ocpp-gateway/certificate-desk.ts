import type { CertificateRequest } from '../core/certificate-request.ts';
import type { ChargerCall } from '../core/charger-call.ts';
import { DevsenError } from '../core/errors.ts';
import { sha256Hex } from '../core/identity.ts';
import { isObject } from '../core/json.ts';
import type { Logger } from '../runtime/log.ts';
import type { ChargerCa } from './charger-ca.ts';
import type { Command, CommandEnd } from './charger-calls.ts';
import type { ChargerDirectory, Credential } from './charger-directory.ts';
import { makeTokenBucket, type TokenBucket } from './token-bucket.ts';

/** Issues chargers the certificates they ask for, in two steps, as OCPP has them. */
export interface CertificateDesk {
  /** SignCertificate: the request if it is granted. Never rejects. */
  consider: (charger: string, csr: string) => CertificateRequest | undefined;
  /**
   * After SignCertificate was answered: issues the certificate and sends it. Never rejects.
   *
   * @param callWith - the call that takes a certificate to the charger
   */
  deliver: (
    charger: string,
    request: CertificateRequest,
    callWith: (certificateChain: string) => ChargerCall,
    send: SendCommand,
  ) => Promise<void>;
  /** Whether this network's gateways issued a certificate to a charger that has the same credentials still. */
  isSuccessor: (charger: string, credential: Credential, fingerprint: string) => Promise<boolean>;
}

type SendCommand = (command: Command) => Promise<CommandEnd>;

export interface CertificateDeskOptions {
  /** Undefined: no certificate is issued. */
  ca: ChargerCa | undefined;
  chargers: ChargerDirectory;
  /** Keeps a text by charger. */
  save: (charger: string, text: string) => Promise<void>;
  load: (charger: string) => Promise<string | undefined>;
  log: Logger;
  now: () => number;
}

/** What is kept of the certificates that a charger was issued. */
interface Issued {
  /** The one it came with last, and those issued since then, of which it may have received any: the newest last. */
  fingerprints: string[];
  /** `credentialDigest` of the credentials by which the charger was let in when it asked. */
  under: string;
}

const MOST_PER_HOUR = 5;
const MOST_KEPT = 5;
const MOST_REMEMBERED = 10_000;
const DELIVERY_MS = 300_000;

/**
 * A certificate that was issued counts beside what the chain commits to, so that a charger can change over before its
 * manager has put the new fingerprint on chain. It counts only while the chain still shows the credentials under which
 * it was issued: with any change there it is void. It may be lost on its way, so it takes the place of an earlier one only
 * when the charger comes with it.
 */
export function makeCertificateDesk({ ca, chargers, save, load, log, now }: CertificateDeskOptions): CertificateDesk {
  const buckets = new Map<string, TokenBucket>();

  const mayAsk = (charger: string): boolean => {
    const bucket = buckets.get(charger) ?? makeTokenBucket(MOST_PER_HOUR / 3_600, MOST_PER_HOUR, now());
    buckets.delete(charger);
    buckets.set(charger, bucket);
    if (buckets.size > MOST_REMEMBERED) buckets.delete(buckets.keys().next().value as string);
    return bucket.take(now());
  };

  const issuedTo = async (charger: string, credential: Credential): Promise<string[]> => {
    const text = await load(charger);
    if (text === undefined) return [];
    const issued = readIssued(text);
    return issued.under === credentialDigest(credential) ? issued.fingerprints : [];
  };
  const keep = (charger: string, credential: Credential, fingerprints: string[]) =>
    save(charger, JSON.stringify({ fingerprints, under: credentialDigest(credential) } satisfies Issued));

  const issue = async (authority: ChargerCa, charger: string, request: CertificateRequest) => {
    const credential = await chargers.find(charger);
    if (typeof credential === 'string') throw new DevsenError('NOT_FOUND', 'the charger is not known any more');
    const { chain, fingerprint, expiresAtMs } = authority.issue(charger, request, now());
    // Kept first: the charger may come back with it before it has answered.
    await keep(charger, credential, withNewest(await issuedTo(charger, credential), fingerprint));
    log.info({ chargerId: charger, fingerprint, expiresAt: new Date(expiresAtMs) }, 'certificate issued');
    return chain;
  };

  return {
    consider: (charger, csr) => {
      if (ca === undefined) return undefined;
      try {
        const request = ca.read(csr);
        if (mayAsk(charger)) return request;
        log.warn({ chargerId: charger }, 'certificate refused: asked for too often');
      } catch (error) {
        log.warn({ chargerId: charger, reason: (error as Error).message }, 'certificate refused');
      }
      return undefined;
    },
    deliver: async (charger, request, callWith, send) => {
      try {
        if (ca === undefined) return;
        const certificateChain = await issue(ca, charger, request);
        const end = await send({ ...callWith(certificateChain), deadlineMs: now() + DELIVERY_MS });
        const status = statusOf(end);
        const facts = { chargerId: charger, end: end.kind, status };
        if (status === 'Accepted') log.info(facts, 'certificate delivered');
        else log.warn(facts, 'certificate not accepted');
      } catch (error) {
        // The charger asks again.
        log.error({ err: error, chargerId: charger }, 'certificate not delivered');
      }
    },
    isSuccessor: async (charger, credential, fingerprint) => {
      const fingerprints = await issuedTo(charger, credential);
      const place = fingerprints.indexOf(fingerprint);
      if (place > 0) await keep(charger, credential, fingerprints.slice(place));
      return place >= 0;
    },
  };
}

/** Earlier versions of the gateway kept one certificate alone. */
function readIssued(text: string): Issued {
  const {
    fingerprint,
    fingerprints = [fingerprint as string],
    under,
  } = JSON.parse(text) as Issued & {
    fingerprint?: string;
  };
  return { fingerprints, under };
}

/** The first one stays whatever follows: it is the one that the charger has for certain. */
function withNewest([first, ...others]: string[], newest: string): string[] {
  return first === undefined ? [newest] : [first, ...[...others, newest].slice(1 - MOST_KEPT)];
}

/** What the charger says to the certificate; undefined if it was not delivered, or refused as a message. */
function statusOf(end: CommandEnd): unknown {
  const payload: unknown = end.kind === 'result' ? JSON.parse(end.payload) : undefined;
  return isObject(payload) ? payload.status : undefined;
}

function credentialDigest({ authorizationKeyHash, certificateFingerprint }: Credential): string {
  return sha256Hex(`${authorizationKeyHash} ${certificateFingerprint}`.toLowerCase());
}
