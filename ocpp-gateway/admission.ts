import type { IncomingMessage } from 'node:http';
import type { ChargerDirectory, Credential } from './charger-directory.ts';
import type { DoorLimits } from './door-limits.ts';
import { type AddressSource, readPeer } from './peer.ts';
import { whyNotRecognised } from './recognition.ts';
import type { Admitted } from './stations.ts';
import { type Refusal, readAuthorizationKeys, readUpgradeTarget } from './upgrade-request.ts';

export interface AdmissionOptions {
  chargers: ChargerDirectory;
  /** Whether this gateway has issued the certificate to the charger, by these credentials. */
  isSuccessor: (identity: string, credential: Credential, fingerprint: string) => Promise<boolean>;
  limits: DoorLimits;
  addressSource: AddressSource;
  nextEpoch: (identity: string, nowMs: number) => Promise<number>;
  /** Whether what a charger reports can be kept and passed on now. */
  isReady: () => boolean;
  /** Whether one more may be connected; a charger that is connected already takes no more room. */
  hasRoom: (identity: string) => boolean;
  timeoutMs: number;
  now: () => number;
}

/** Who was refused, as far as is known: an identity that may be a charger's, and the address that failures count for. */
export interface Knocker {
  identity?: string;
  address?: string;
}

export type Admission = (request: IncomingMessage) => Promise<Admitted | (Refusal & { knocker: Knocker })>;

/**
 * Decides who is let in: the form of the request first, which costs nothing, then whether the charger is known, then its
 * key or certificate, and last its epoch. Never rejects.
 */
export function makeAdmission(options: AdmissionOptions): Admission {
  const { chargers, isSuccessor, limits, nextEpoch, isReady, hasRoom, timeoutMs, now } = options;

  const decide = async (request: IncomingMessage, knocker: Knocker): Promise<Admitted | Refusal> => {
    const { address, certificate } = readPeer(request, options.addressSource);
    if (address !== undefined) knocker.address = address;
    const target = readUpgradeTarget(request.url, request.headers['sec-websocket-protocol']);
    if ('status' in target) return target;
    const { identity, version } = target;
    knocker.identity = identity;
    if (limits.isBarred(address, identity)) return { status: 429, reason: 'too many failed attempts' };
    if (!hasRoom(identity)) return { status: 503, reason: 'too many connections' };
    const credential = await chargers.find(identity);
    if (credential === 'unavailable') return { status: 503, reason: 'chain is away' };
    if (credential === 'unknown') {
      limits.failed(address, identity);
      return { status: 404, reason: 'unknown charger' };
    }
    const keys = readAuthorizationKeys(request.headers.authorization, identity);
    const why = await whyNotRecognised(identity, credential, { keys, certificate }, (fingerprint) =>
      isSuccessor(identity, credential, fingerprint),
    );
    if (why !== undefined) {
      limits.failed(address, identity);
      return { status: 401, reason: why };
    }
    if (!isReady()) return { status: 503, reason: 'gateway is not ready' };
    if (!limits.mayEnter(identity)) return { status: 429, reason: 'connects too often' };
    return { identity, version, epoch: await nextEpoch(identity, now()) };
  };

  return async (request) => {
    const { promise: timeout, resolve } = Promise.withResolvers<Refusal>();
    const timer = setTimeout(() => resolve({ status: 503, reason: 'check timed out' }), timeoutMs);
    const knocker: Knocker = {};
    try {
      const decided = await Promise.race([decide(request, knocker), timeout]);
      return 'status' in decided ? { ...decided, knocker } : decided;
    } catch {
      return { status: 503, reason: 'Redis is away', knocker };
    } finally {
      clearTimeout(timer);
    }
  };
}
