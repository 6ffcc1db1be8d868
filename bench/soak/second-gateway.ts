import { randomBytes } from 'node:crypto';
import { isHealthy } from '../../network/health.ts';
import type { LocalNetwork } from '../../network/local-network.ts';
import { gatewayPlan, type LocalPorts } from '../../network/local-plan.ts';
import { accountOf } from '../../network/local-setup.ts';
import { ensureGateway } from '../../network/provision.ts';
import { gatewayName } from './mishaps.ts';

/** Where a gateway listens. */
export type GatewayPorts = Pick<LocalPorts, 'gateway' | 'gatewayAdmin'>;

/** Adds a gateway with an account of its own to a network that runs: on the same Redis, for the same operators. */
export async function startSecondGateway(
  { state, keys, chain, fleet }: LocalNetwork,
  dir: string,
  firstPorts: LocalPorts,
  ports: GatewayPorts,
): Promise<void> {
  const gateway = `0x${randomBytes(32).toString('hex')}`;
  const gatewayAccount = accountOf(gateway);
  await ensureGateway(chain.contracts, gatewayAccount, gatewayAccount);
  const plan = gatewayPlan({
    dir,
    rpcUrl: state.rpcUrl,
    redisUrl: `redis://127.0.0.1:${firstPorts.redis}`,
    addresses: state.addresses,
    keys: { ...keys, gateway },
    ports: { ...firstPorts, ...ports },
    gatewayAccount,
    operatorAccounts: state.operators.map(({ account }) => account),
  });
  await fleet.start({
    plan: { ...plan, name: gatewayName(1) },
    stage: 1,
    isReady: () => isHealthy(`http://127.0.0.1:${ports.gatewayAdmin}/health`),
    readyLimitMs: 120_000,
  });
}
