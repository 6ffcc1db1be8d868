import { id, Wallet } from 'ethers';
import { call, contractAt, type NetworkContracts, send } from '../contracts.ts';
import type { LocalNetwork } from '../local-network.ts';
import { giveEther } from '../local-setup.ts';
import { signerOf } from '../one-by-one.ts';
import { deployContract, fundLinkAccount } from '../provision.ts';

/** Somebody who acts in the scenarios. */
export interface Person {
  /** As the ledger calls it. */
  name: string;
  /** 32 bytes, 0x-prefixed hex. */
  key: string;
  account: string;
}

/** Everybody in the scenarios. Nobody shares an account, so what two do at once cannot get in each other's way. */
export interface People {
  /** Admin of the network, and its treasury. */
  admin: Person;
  /** Owner of the chargers in Zurich, who takes the network's own token. */
  zurich: Person;
  /** Owner of chargers in Lisbon, who takes a token of 6 decimals. */
  lisbon: Person;
  /** Occupant of most sessions. */
  driver: Person;
  /** Occupant who charges in both regions from one vault. */
  roamer: Person;
  /** Occupant with an RFID card. */
  cardHolder: Person;
  /** Occupants whose cards are refused. */
  blocked: Person;
  expired: Person;
  /** Owner of the example consumer. */
  asker: Person;
}

/** A token that sessions are paid in. */
export interface Token {
  symbol: string;
  decimals: number;
  address: string;
}

const LINK_EACH_JUELS = 1_000n * 10n ** 18n;
/** Base units that the roamer has of the second token. */
const EUR_OF_ROAMER = 200n * 10n ** 6n;
/** Base units of the network's token that whoever pays with it has to begin with. */
const TOKENS_EACH = 200n * 10n ** 18n;

/** Gathers everybody; those whom the network does not know yet get a key. */
export function gatherPeople({ keys }: LocalNetwork): People {
  const known = (name: string, key: string): Person => ({ name, key, account: new Wallet(key).address });
  const fresh = (name: string): Person => known(name, Wallet.createRandom().privateKey);
  return {
    admin: known('admin and treasury', keys.admin),
    zurich: known('owner in Zurich', keys.manager),
    lisbon: fresh('owner in Lisbon'),
    driver: known('driver', keys.driver),
    roamer: fresh('roaming driver'),
    cardHolder: fresh('card holder'),
    blocked: fresh('blocked card holder'),
    expired: fresh('expired card holder'),
    asker: known('asker', keys.asker),
  };
}

/**
 * Gives everybody the ether, LINK and tokens they begin with, and the network its second token, `EURL` of 6 decimals.
 * After this the supply of that token and of LINK stays as it is.
 *
 * @returns the network's own token, and the second one
 */
export async function endow(
  { state, provider }: LocalNetwork,
  contracts: NetworkContracts,
  people: People,
): Promise<{ own: Token; euro: Token }> {
  const { admin } = contracts;
  await giveEther(
    provider,
    Object.values(people).map(({ account }) => account),
  );
  const euro = await deployContract('BurnMintERC677', admin, 'Euro of a local network', 'EURL', 6, 10n ** 15n);
  const euros = await contractAt('BurnMintERC677', euro, admin);
  const vault = await contractAt('PaymentDEVSEN', state.addresses.payment, admin);
  await send(euros, 'grantMintRole', await admin.getAddress());
  await send(euros, 'mint', people.roamer.account, EUR_OF_ROAMER);
  await send(vault, 'setToken', euro, true);

  const token = await contractAt('TokenDEVSEN', state.addresses.token, admin);
  for (const { account } of [people.roamer, people.cardHolder]) await send(token, 'mint', account, TOKENS_EACH);
  // Drivers and owners ask the oracles themselves, from accounts of their own.
  for (const { account, key } of [people.roamer, people.cardHolder, people.lisbon]) {
    await fundLinkAccount(contracts, account, LINK_EACH_JUELS);
    const ledger = await contractAt('OracleDEVSEN', state.addresses.oracle, signerOf(key, provider));
    await send(ledger, 'allow', state.addresses.factory, 2n ** 256n - 1n);
  }
  return {
    own: { symbol: String(await call(token, 'symbol')), decimals: 18, address: state.addresses.token },
    euro: { symbol: 'EURL', decimals: 6, address: euro.toLowerCase() },
  };
}

/** As short as an epoch of rewards may be, s. */
export const EPOCH_SEC = 60;
/** Of each pot, token base units per epoch. */
const BUDGETS = [10n ** 23n, 10n ** 23n, 10n ** 23n];

/**
 * Rewards whose first epoch begins now, with a minute to each: operators can tell a charger's uptime only for periods that
 * their records cover whole, and those of the deployment began before there was any record.
 *
 * @returns the contract's address, lower case
 */
export async function beginRewards({ state }: LocalNetwork, { admin }: NetworkContracts): Promise<string> {
  const { payment, oracle, token: tokenAddress } = state.addresses;
  const rewards = await deployContract('RewardsDEVSEN', admin, payment, oracle, tokenAddress, EPOCH_SEC, BUDGETS);
  const token = await contractAt('TokenDEVSEN', tokenAddress, admin);
  await send(token, 'grantRole', id('MINTER_ROLE'), rewards);
  return rewards.toLowerCase();
}
