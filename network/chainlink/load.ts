import { parse } from 'smol-toml';
import { DevsenError } from '../../core/errors.ts';
import type { BridgeFields, ChainlinkApi } from './node-api.ts';

/** What a Chainlink node is to have. */
export interface ChainlinkPlan {
  bridge: BridgeFields;
  /** Job specs, filled in for this operator. */
  specs: readonly string[];
  /** The account it is to send from; what it makes for itself if undefined. */
  key: { keystore: string; password: string; address: string } | undefined;
  chainId: string;
  /** Whether jobs that are there already are put in anew. */
  isReplacing: boolean;
}

/** What was done. */
export interface Loaded {
  /** By this token the node shows its adapter who asks: the adapter's `BRIDGE_TOKEN`. */
  bridgeToken: string;
  /** Names of the jobs that were put in, and of those that were there. */
  added: string[];
  kept: string[];
  /** Accounts it may send from. */
  senders: string[];
}

/**
 * Has a Chainlink node run this operator's jobs. Done again, it does nothing twice: a bridge, a job by its external id and
 * an account by its address are there once.
 *
 * @throws DevsenError `INPUT_INVALID` with what the node refuses; what was done before that stays
 */
export async function loadChainlink(api: ChainlinkApi, plan: ChainlinkPlan): Promise<Loaded> {
  const { bridge, key } = plan;
  const senders = new Set((await api.keys()).map(addressOf));
  if (key !== undefined && !senders.has(key.address.toLowerCase())) {
    senders.add(addressOf(await api.importKey(key.keystore, key.password, plan.chainId)));
  }
  const known = await api.bridge(bridge.name);
  const isSame = known?.attributes.url === bridge.url;
  const put = known === undefined ? await api.createBridge(bridge) : isSame ? known : await api.updateBridge(bridge);
  const bridgeToken = put.attributes.outgoingToken;
  if (typeof bridgeToken !== 'string' || bridgeToken === '') {
    throw new DevsenError('INPUT_INVALID', `the Chainlink node tells no outgoing token of its bridge ${bridge.name}`);
  }

  const jobs = new Map((await api.jobs()).map(({ id, attributes }) => [String(attributes.externalJobID), id]));
  const added: string[] = [];
  const kept: string[] = [];
  for (const toml of plan.specs) {
    const { name, externalJobID } = parse(toml);
    const there = jobs.get(String(externalJobID));
    if (there !== undefined && !plan.isReplacing) {
      kept.push(String(name));
      continue;
    }
    if (there !== undefined) await api.deleteJob(there);
    await api.createJob(toml);
    added.push(String(name));
  }
  return { bridgeToken, added, kept, senders: [...senders] };
}

function addressOf({ attributes }: { attributes: Record<string, unknown> }): string {
  return String(attributes.address).toLowerCase();
}
