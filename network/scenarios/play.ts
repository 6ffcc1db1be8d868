import { setTimeout } from 'node:timers/promises';
import type { Reply } from '../consumer.ts';
import type { Terminal } from '../terminal.ts';
import { playAsking } from './asking.ts';
import { playCards, type Tapped } from './cards.ts';
import { type Charged, playCharging } from './charge.ts';
import { type Configured, playConfiguration } from './configure.ts';
import { type Faulty, playFaults } from './faults.ts';
import { type Found, playFinding } from './finding.ts';
import { type Line, openLedger } from './ledger.ts';
import { playWithoutQuorum, type WithoutQuorum } from './quorum.ts';
import { type Claim, type ClosedEpoch, claimAll, closeEpochs } from './rewards.ts';
import { playRoaming, type Roamed } from './roaming.ts';
import { playSetUp, type SetUp } from './set-up.ts';
import type { Stage } from './stage.ts';
import { playUnasked, type Unasked } from './unasked.ts';
import { playVersions, type Versions } from './versions.ts';

/** What each scenario came to; one that fails rejects with what was expected and what was there. */
export interface Plays {
  asking: Promise<Reply>;
  setUp: Promise<SetUp>;
  finding: Promise<Found>;
  charging: Promise<Charged>;
  versions: Promise<Versions>;
  cards: Promise<Tapped>;
  configuration: Promise<Configured>;
  faults: Promise<Faulty>;
  roaming: Promise<Roamed>;
  unasked: Promise<Unasked>;
  epochs: Promise<ClosedEpoch[]>;
  withoutQuorum: Promise<WithoutQuorum>;
  claims: Promise<Claim[]>;
  ledger: Promise<Line[]>;
}

/**
 * Plays every scenario: side by side what does not build on one another, then the rewards for it, and last what lets the
 * chain's time run ahead, after which no operator could answer.
 */
export async function startPlays(stage: Stage, step: Terminal['step']): Promise<Plays> {
  const book = await openLedger(stage);
  const asking = step('a contract asks about a charger, and is told what it is', () => playAsking(stage));
  const setUp = step('chargers are set up, moved, handed over and retired', () => playSetUp(stage));
  const finding = step('a driver finds what is available, from the chain and from the record alike', () =>
    playFinding(stage),
  );
  const charging = step('sessions end in every way and are settled unasked, or do not begin and all is back', () =>
    playCharging(stage),
  );
  const versions = step('sessions at chargers of OCPP 2.0.1 and 2.1 do so too', () => playVersions(stage));
  const cards = step('a card opens and ends a session; others are refused', () => playCards(stage));
  const configuration = step('chargers are configured and commanded', () => playConfiguration(stage));
  const faults = step('a fault reaches the chain and stays in the history', () => playFaults(stage));
  const roaming = step('one driver pays in two regions, in two tokens', () => playRoaming(stage));
  const before = [asking, setUp, finding, charging, versions, cards, configuration, faults, roaming];
  const epochs = countWhile(stage, all(before)).then(() =>
    step('epochs of rewards end, and every charger’s uptime is known', () => closeEpochs(stage)),
  );
  // While an epoch comes to its end: three of four operators are enough for all that is asked then.
  const unasked = all(before).then(() =>
    step('an operator is away, and another has an ended session settled', () => playUnasked(stage)),
  );
  const withoutQuorum = all([epochs, unasked]).then(() =>
    step('three of four operators are away, and all is back', () => playWithoutQuorum(stage)),
  );
  const claims = all([epochs, withoutQuorum]).then(async () => {
    const closed = await epochs;
    return step('owner, driver and builder claim what they earned', () => claimAll(stage, closed));
  });
  const ledger = claims.then(() => step('every token is where it belongs, by the tx', () => book.close()));
  const plays = {
    ...{ asking, setUp, finding, charging, versions, cards, configuration, faults, roaming },
    ...{ unasked, epochs, withoutQuorum, claims, ledger },
  };
  // Whoever awaits one of them hears of its failure; what follows it fails for the same reason.
  for (const play of Object.values(plays)) play.catch(() => {});
  return plays;
}

/** Waits for all of them also if one fails: what is under way uses the network. */
async function all(works: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(works);
  await Promise.all(works);
}

/** Pause between two countings of settled sessions, ms: far less than the two epochs in which one may be counted. */
const COUNT_EVERY_MS = 15_000;

/** Counts sessions for the rewards as they settle: on a busy machine the first are too old when the last settles. */
async function countWhile(stage: Stage, work: Promise<void>): Promise<void> {
  const over = new AbortController();
  const done = () => over.abort();
  work.then(done, done);
  while (!over.signal.aborted) {
    await setTimeout(COUNT_EVERY_MS, undefined, { signal: over.signal }).catch(() => {});
    if (!over.signal.aborted) await stage.devsen(stage.people.asker, 'rewards', 'count');
  }
  await work;
}
