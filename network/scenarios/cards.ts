import { formatEther } from 'ethers';
import { idTagCommitment } from '../../core/identity.ts';
import { cardSessionId } from '../../core/session-answers.ts';
import type { Charger } from '../../simulator/charger.ts';
import { call } from '../contracts.ts';
import { until } from '../deadline.ts';
import { must, mustDo, mustEqual } from './check.ts';
import type { Person } from './people.ts';
import { readEvents } from './record.ts';
import { checkPaid, type Paid, type Place, plugIn, untilEnergy, untilOver } from './session.ts';
import { LIMIT_MS, type Stage } from './stage.ts';

const TOKEN = 10n ** 18n;
/** What the occupant lets a card lock for one session, and spend in all. */
const MOST_PER_SESSION = 10n * TOKEN;
const MOST_IN_ALL = 50n * TOKEN;
const CARD = 'CARD-OF-THE-HOLDER';
/** A card that may lock no more than so much energy costs, Wh. */
const SCANTY_CARD = 'CARD-WITH-LITTLE';
const SCANTY_WH = 300n;

/** What came of the cards. */
export interface Tapped {
  paid: Paid;
  /** The session that ended at what its card may lock, and how much that is, token base units. */
  atLimit: Paid & { most: bigint };
  /** What the vault lets the card spend afterwards, token base units. */
  remaining: bigint;
  /** What the charger was told about each card that is refused. */
  refused: { blocked: string; expired: string; unknown: string };
}

/**
 * A card opens and ends a session that its user's vault pays for, unasked; the gateway ends one at what its card may lock;
 * cards that must not are refused at the charger.
 */
export async function playCards(stage: Stage): Promise<Tapped> {
  const { people } = stage;
  const charger = await stage.charger('CP-CARD');
  await plugIn(charger, 2);
  const { cardHolder } = people;
  await stage.devsen(people.admin, 'users', 'set', cardHolder.account, 'occupant');
  await stage.devsen(cardHolder, 'charge', 'deposit', '100', '--token', stage.tokens.own.address);
  await giveLimit(stage, CARD, MOST_PER_SESSION);
  const most = (await call(await stage.device('CP-CARD'), 'depositFor', 2, SCANTY_WH)) as bigint;
  await giveLimit(stage, SCANTY_CARD, most);
  const [paid, [refused, atLimit]] = await Promise.all([
    tapAndPay(stage, charger),
    refuseAll(stage, charger).then(async (refused) => [refused, await tapUntilLimit(stage, charger)] as const),
  ]);
  must('a session costs no more than its card may lock', atLimit.cost <= most);
  const vault = await stage.contract('PaymentDEVSEN', stage.network.state.addresses.payment);
  const limit = (await call(
    vault,
    'cardLimitOf',
    people.cardHolder.account,
    commitmentOf(stage, CARD),
    stage.tokens.own.address,
  )) as { remaining: bigint };
  mustEqual('what the card may still spend', limit.remaining, MOST_IN_ALL - paid.cost);
  return { paid, atLimit: { ...atLimit, most }, remaining: limit.remaining, refused };
}

async function tapAndPay(stage: Stage, charger: Charger): Promise<Paid> {
  await plugIn(charger, 1);
  await untilAccepted(charger, 1, CARD);
  await untilEnergy(charger, 1);
  mustDo(await charger.present(1, CARD));
  await charger.settled();

  // Nobody calls anything: operators by themselves tell the chain of the session, and have it paid.
  const place = await startedAt(stage, charger.identity, 1);
  return checkPaid(stage, place, 'Local', CARD);
}

/** Nobody ends it but the gateway. */
async function tapUntilLimit(stage: Stage, charger: Charger): Promise<Paid> {
  await untilAccepted(charger, 2, SCANTY_CARD);
  await untilOver(charger, 2);
  const paid = await checkPaid(stage, await startedAt(stage, charger.identity, 2), 'EnergyLimit', SCANTY_CARD);
  must('the charger went on up to the limit', paid.energyWh >= SCANTY_WH);
  return paid;
}

/** Gives the holder a card that may lock so much for one session, token base units. */
async function giveLimit({ devsen, people, tokens }: Stage, idTag: string, perSession: bigint): Promise<void> {
  await devsen(people.admin, 'users', 'card', 'add', idTag, people.cardHolder.account);
  const limits = ['--per-session', formatEther(perSession), '--in-all', formatEther(MOST_IN_ALL)];
  await devsen(people.cardHolder, 'charge', 'card', idTag, ...limits, '--token', tokens.own.address);
}

async function refuseAll(stage: Stage, charger: Charger): Promise<Tapped['refused']> {
  const { people } = stage;
  const inThePast = Math.floor(Date.now() / 1000) - 60;
  const giveCard = async (who: Person, idTag: string, ...how: string[]) => {
    await stage.devsen(people.admin, 'users', 'set', who.account, 'occupant', ...how);
    await stage.devsen(people.admin, 'users', 'card', 'add', idTag, who.account);
  };
  await giveCard(people.blocked, 'CARD-BLOCKED', '--block');
  await giveCard(people.expired, 'CARD-EXPIRED', '--expires', String(inThePast));
  const told = async (idTag: string, expected: string) => {
    // Until the gateway has heard of it from the chain, a card is one that nobody has.
    await until(`the charger to be told that the card is ${expected}`, LIMIT_MS, async () =>
      (await charger.present(2, idTag)) === `the card is ${expected}` ? true : undefined,
    );
    mustEqual(`transaction of the card that is ${expected}`, charger.connector(2).transaction, undefined);
    return expected;
  };
  return {
    unknown: await told('CARD-OF-NOBODY', 'Invalid'),
    blocked: await told('CARD-BLOCKED', 'Blocked'),
    expired: await told('CARD-EXPIRED', 'Expired'),
  };
}

async function untilAccepted(charger: Charger, connector: number, idTag: string): Promise<void> {
  await until('the card to be accepted', LIMIT_MS, async () =>
    charger.connector(connector).transaction !== undefined || (await charger.present(connector, idTag)) === undefined
      ? true
      : undefined,
  );
}

/** The session that a card opened, named by the event with which it began: as operators' public record tells. */
async function startedAt(stage: Stage, identity: string, connector: number): Promise<Place> {
  return until(`operators to know of the card's session at ${identity}`, LIMIT_MS, async () => {
    const started = (await readEvents(stage, identity)).find(({ facts }) =>
      facts.some((fact) => fact.kind === 'transaction-started' && fact.connector === connector),
    );
    if (started === undefined) return undefined;
    const deviceId = String(await call(await stage.device(identity), 'deviceId'));
    const sessionId = cardSessionId(deviceId, BigInt(started.epoch), BigInt(started.seq));
    return { identity, connector, sessionId };
  });
}

function commitmentOf(stage: Stage, idTag: string): string {
  return idTagCommitment(idTag, Buffer.from(stage.network.keys.idTagPepper, 'hex'));
}
