import type { Charger } from '../../simulator/charger.ts';
import { call, contractAt } from '../contracts.ts';
import { signerOf } from '../one-by-one.ts';
import { mustEqual } from './check.ts';
import type { Token } from './people.ts';
import { checkPaid, type Paid, type Place, POWER_W, plugIn, untilEnergy, untilState } from './session.ts';
import type { Stage } from './stage.ts';

/** What one occupant paid in two regions. */
export interface Roamed {
  /** In the network's own token, of 18 decimals. */
  zurich: Paid;
  /** In a token of 6 decimals. */
  lisbon: Paid;
  /** What the owner in Lisbon took out of the vault, base units of its token. */
  withdrawn: bigint;
}

/** One occupant with one vault charges at two owners', who have tariffs and tokens of their own; one takes its money out. */
export async function playRoaming(stage: Stage): Promise<Roamed> {
  const { people, tokens } = stage;
  const { roamer, lisbon, admin } = people;
  await Promise.all([
    stage.devsen(admin, 'users', 'set', roamer.account, 'occupant'),
    stage.devsen(admin, 'users', 'set', lisbon.account, 'manager'),
  ]);
  await stage.devsen(roamer, 'charge', 'deposit', '100', '--token', tokens.own.address);
  await stage.devsen(roamer, 'charge', 'deposit', '100', '--token', tokens.euro.symbol);
  const added = await stage.devsen(
    lisbon,
    ...['chargers', 'add', 'CP-LIS', '--at', '38.7223,-9.1393'],
    ...['--connector', `IEC_62196_T2_COMBO:${POWER_W / 1_000}:DC:cable`],
    ...['--per-kwh', '0.45', '--flat', '1', '--per-minute', '0.02', '--token', tokens.euro.symbol],
  );
  const inLisbon = await stage.charger('CP-LIS', { connectors: 1 }, String(added.password));
  const inZurich = await stage.charger('CP-ROAM');

  const lisbonPaid = await chargeByCommands(stage, inLisbon);
  const zurichPaid = await chargeByCommands(stage, inZurich);
  const withdrawn = await withdrawAll(stage, tokens.euro);
  mustEqual('what the owner in Lisbon took out', withdrawn, lisbonPaid.cost - lisbonPaid.fee);
  return { zurich: zurichPaid, lisbon: lisbonPaid, withdrawn };
}

async function chargeByCommands(stage: Stage, charger: Charger): Promise<Paid> {
  const { roamer } = stage.people;
  await plugIn(charger, 1);
  const begun = await stage.devsen(roamer, 'charge', 'start', charger.identity, '--kwh', '50');
  const place: Place = { identity: charger.identity, connector: 1, sessionId: String(begun.sessionId) };
  await untilState(stage, place, 'Active');
  await untilEnergy(charger, 1);
  await stage.devsen(roamer, 'charge', 'stop', charger.identity, place.sessionId);
  return checkPaid(stage, place, 'Remote');
}

async function withdrawAll(stage: Stage, token: Token): Promise<bigint> {
  const { lisbon } = stage.people;
  await stage.devsen(lisbon, 'charge', 'withdraw', 'all', '--token', token.symbol);
  const contract = await contractAt('BurnMintERC677', token.address, signerOf(lisbon.key, stage.network.provider));
  return (await call(contract, 'balanceOf', lisbon.account)) as bigint;
}
