import type { IncomingMessage } from 'node:http';
import { ZeroHash } from 'ethers';
import { isAuthorizationKey } from '../core/identity.ts';
import type { ChargerDirectory } from './charger-directory.ts';
import type { Admitted } from './stations.ts';
import { type Refusal, readAuthorizationKeys, readUpgradeTarget } from './upgrade-request.ts';

export interface AdmissionOptions {
  chargers: ChargerDirectory;
  nextEpoch: (identity: string, nowMs: number) => Promise<number>;
  /** Whether what a charger reports can be kept and passed on now. */
  isReady: () => boolean;
  /** Whether one more may be connected; a charger that is connected already takes no more room. */
  hasRoom: (identity: string) => boolean;
  subprotocols: readonly string[];
  timeoutMs: number;
  now: () => number;
}

export type Admission = (request: IncomingMessage) => Promise<Admitted | Refusal>;

/**
 * Decides who is let in: the form of the request first, which costs nothing, then whether the charger is known, then its
 * key, and last its epoch. Never rejects.
 */
export function makeAdmission(options: AdmissionOptions): Admission {
  const { chargers, nextEpoch, isReady, hasRoom, subprotocols, timeoutMs, now } = options;

  const decide = async (request: IncomingMessage): Promise<Admitted | Refusal> => {
    const target = readUpgradeTarget(request.url, request.headers['sec-websocket-protocol'], subprotocols);
    if ('status' in target) return target;
    const { identity } = target;
    if (!hasRoom(identity)) return { status: 503, reason: 'too many connections' };
    const credential = await chargers.find(identity);
    if (credential === 'unknown') return { status: 404, reason: 'unknown charger' };
    if (credential === 'unavailable') return { status: 503, reason: 'chain is away' };
    const keys = readAuthorizationKeys(request.headers.authorization, identity);
    const committed = credential.authorizationKeyHash;
    if (committed === ZeroHash || !keys.some((key) => isAuthorizationKey(key, committed))) {
      return { status: 401, reason: 'wrong key' };
    }
    if (!isReady()) return { status: 503, reason: 'gateway is not ready' };
    return { identity, epoch: await nextEpoch(identity, now()) };
  };

  return async (request) => {
    const { promise: timeout, resolve } = Promise.withResolvers<Refusal>();
    const timer = setTimeout(() => resolve({ status: 503, reason: 'check timed out' }), timeoutMs);
    try {
      return await Promise.race([decide(request), timeout]);
    } catch {
      return { status: 503, reason: 'Redis is away' };
    } finally {
      clearTimeout(timer);
    }
  };
}
