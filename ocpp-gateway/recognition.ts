import { ZeroHash } from 'ethers';
import { isAuthorizationKey } from '../core/identity.ts';
import type { Credential } from './charger-directory.ts';
import type { PeerCertificate } from './peer.ts';

/** What a charger shows of itself. */
export interface Shown {
  /** The AuthorizationKeys that its Basic header may mean. */
  keys: readonly Uint8Array[];
  certificate?: PeerCertificate | undefined;
}

/** Whether the gateway itself has issued a certificate, as the successor of what the chain commits to. */
export type IsSuccessor = (fingerprint: string) => Promise<boolean>;

/**
 * Whether a charger is who it says it is: by its certificate (security profile 3) if the chain commits to one, else by
 * its AuthorizationKey (profiles 1 and 2). A charger with a certificate on chain is never let in by a key: who has only
 * the key could otherwise choose the weaker proof.
 *
 * @returns undefined if it is, else why not, as a short constant
 * @see OCPP 1.6 security whitepaper, A00
 */
export async function whyNotRecognised(
  identity: string,
  credential: Credential,
  { keys, certificate }: Shown,
  isSuccessor: IsSuccessor,
): Promise<string | undefined> {
  const isCommittedTo = isSet(credential.certificateFingerprint);
  if (certificate !== undefined && (await isCertificateOf(credential, certificate, isSuccessor))) {
    if (!certificate.isTrusted) return 'certificate is not trusted';
    return certificate.commonName === identity ? undefined : 'certificate of another charger';
  }
  if (isCommittedTo) return certificate === undefined ? 'certificate is missing' : 'wrong certificate';
  const committed = credential.authorizationKeyHash;
  return isSet(committed) && keys.some((key) => isAuthorizationKey(key, committed)) ? undefined : 'wrong key';
}

async function isCertificateOf(
  { certificateFingerprint }: Credential,
  { fingerprint, isTrusted }: PeerCertificate,
  isSuccessor: IsSuccessor,
): Promise<boolean> {
  if (isSet(certificateFingerprint) && fingerprint === certificateFingerprint.toLowerCase()) return true;
  // Only what a CA has signed is worth a question to Redis.
  return isTrusted && isSuccessor(fingerprint);
}

function isSet(commitment: string): boolean {
  return commitment !== '' && commitment !== ZeroHash;
}
