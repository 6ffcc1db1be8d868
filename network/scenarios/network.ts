import { randomBytes } from 'node:crypto';
import { type LocalNetwork, type LocalNetworkOptions, startLocalNetwork } from '../local-network.ts';
import type { ChargerPlan } from '../local-setup.ts';
import { POWER_W } from './session.ts';
import { openStage, type Stage } from './stage.ts';

/** The owner's chargers in Zurich; each belongs to one scenario, so that all can be played at once. */
const IDENTITIES = [
  // asking; starting and stopping
  ...['CP-ASK', 'CP-ADA', 'CP-BEN', 'CP-CLEO', 'CP-DORA', 'CP-EMIL', 'CP-FAY', 'CP-GUS', 'CP-AWAY'],
  // finding, cards, configuration of 1.6 and of 2.x, faults, unasked ends
  ...['CP-FIND', 'CP-CARD', 'CP-TUNE', 'CP-TUNE-20', 'CP-FAULT', 'CP-ENDS'],
  // sessions at chargers of later versions
  ...['CP-201', 'CP-21', 'CP-201-WAIT', 'CP-21-OUT'],
  // roaming, and operators without a quorum
  ...['CP-ROAM', 'CP-LAST'],
];
const CHARGERS: readonly ChargerPlan[] = IDENTITIES.map((identity) => ({
  identity,
  connectors: 2,
  maxPowerW: POWER_W,
}));

/** How long a session may go without energy, s: short to watch, long for a busy machine. */
const SESSION_IDLE_SEC = 20;

type Surroundings = Pick<
  LocalNetworkOptions,
  'dir' | 'ports' | 'watchdog' | 'withBuild' | 'step' | 'onDeath' | 'onLine'
>;

/** A local network on which hours are minutes, as the scenarios need it; everything else is as `npm start` has it. */
export async function startScenarioNetwork(
  surroundings: Surroundings,
): Promise<{ network: LocalNetwork; openStage: () => Promise<Stage> }> {
  const peerToken = randomBytes(24).toString('base64url');
  const network = await startLocalNetwork({
    ...surroundings,
    chargers: CHARGERS,
    withTraffic: false,
    tell: () => {},
    gatewaySettings: { SESSION_IDLE_SEC: String(SESSION_IDLE_SEC) },
    operatorSettings: { PEER_TOKEN: peerToken },
  });
  return { network, openStage: () => openStage(network, surroundings.dir, peerToken) };
}
