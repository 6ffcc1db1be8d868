import { DevsenError } from '../../core/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Alerts } from './alerts.ts';
import { type Chain, makeChain } from './chain.ts';
import { makeEndpoints } from './endpoints.ts';
import { makeRpc } from './rpc.ts';
import { makeSecondOpinion } from './second-opinion.ts';
import type { SecondOpinion } from './sending.ts';
import type { JobNodeSettings } from './settings.ts';

const PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

export interface OpenChain {
  chain: Chain;
  chainId: bigint;
  /** Another endpoint, if there is one and it is well. */
  second: () => Chain | undefined;
  /** Undefined where there is one endpoint only. */
  secondOpinion: SecondOpinion | undefined;
  /** Looks how the endpoints are; to be done again and again. */
  look: () => Promise<void>;
}

/**
 * The chain by one endpoint or several.
 *
 * @throws DevsenError `CHAIN_UNAVAILABLE` if none answers, `SETTINGS_INVALID` if they are of several chains
 */
export async function openChain(
  settings: Pick<JobNodeSettings, 'RPC_URL' | 'RPC_FALLBACK_URLS' | 'RPC_TIMEOUT_MS' | 'RPC_LAG_BLOCKS'>,
  alerts: Alerts,
  log: Logger,
  nowMs: () => number,
): Promise<OpenChain> {
  const rpcs = [settings.RPC_URL, ...settings.RPC_FALLBACK_URLS].map((url) => makeRpc(url, settings.RPC_TIMEOUT_MS));
  if (rpcs.length === 1) {
    const chain = makeChain(rpcs[0] as (typeof rpcs)[0]);
    const chainId = await chain.chainId();
    return { chain, chainId, second: () => undefined, secondOpinion: undefined, look: async () => {} };
  }
  const rules = { lagBlocks: settings.RPC_LAG_BLOCKS, pauseMs: PAUSE_MS, maxPauseMs: MAX_PAUSE_MS };
  const endpoints = makeEndpoints(rpcs, rules, alerts, log, nowMs);
  await endpoints.look();
  const chainId = endpoints.chainId();
  if (chainId === undefined) throw new DevsenError('CHAIN_UNAVAILABLE', 'chain: none of the endpoints answers');
  if (endpoints.areOfSeveralChains())
    throw new DevsenError('SETTINGS_INVALID', 'RPC_URL and RPC_FALLBACK_URLS lead to several chains');
  const chain = makeChain(endpoints.rpc);
  return {
    chain,
    chainId,
    second: () => {
      const rpc = endpoints.second();
      return rpc && makeChain(rpc);
    },
    secondOpinion: makeSecondOpinion(chain, endpoints.second),
    look: endpoints.look,
  };
}
