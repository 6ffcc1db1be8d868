import { formatEther, id, type TransactionReceipt } from 'ethers';
import { SESSION_STATES } from '../../core/abi.ts';
import { call } from '../../network/contracts.ts';
import { failWith } from '../../network/failing.ts';
import {
  answerWith,
  CARD,
  hourEndingNow,
  openSessionStage,
  pass,
  requestIdIn,
  type SessionStage,
  startedNow,
  transact,
} from './stage.ts';

/**
 * `npm run sessions`: plays every way a session can go on a chain of its own, with the operators' answers sent by hand,
 * and prints what everybody has before and after. Ends with an error if the balances do not add up.
 */

const HOUR_SEC = 3_600;
const DEPOSIT = 20n * 10n ** 18n;

interface Balances {
  driver: bigint;
  manager: bigint;
  treasury: bigint;
  locked: bigint;
}

interface Scene {
  title: string;
  /** What driver, manager and treasury have more afterwards, token base units. */
  expected: [bigint, bigint, bigint];
  state: string;
  /** Returns the session's id. */
  play: (stage: SessionStage) => Promise<string>;
}

const COST = 5n * 10n ** 18n;
/** One per cent. */
const FEE = COST / 100n;
const PAID: Scene['expected'] = [-COST, COST - FEE, FEE];
const ALL_BACK: Scene['expected'] = [0n, 0n, 0n];

const SCENES: Scene[] = [
  {
    title: 'settle: an hour, 10 kWh, 10 minutes idle: 0.50 + 3.00 + 0.50 + 1.00 = 5.00, 1 % of it the fee',
    expected: PAID,
    state: 'Settled',
    play: async (stage) => {
      const sessionId = await begin(stage);
      await pass(stage, HOUR_SEC);
      await agree(stage, await result(stage, sessionId), await hourEndingNow(stage));
      return sessionId;
    },
  },
  {
    title: 'settle, though one operator lies and one is silent',
    expected: PAID,
    state: 'Settled',
    play: async (stage) => {
      const sessionId = await begin(stage);
      await pass(stage, HOUR_SEC);
      const asked = await transact(stage.device, 'stopCharge', sessionId, stage.driver);
      const [truth, lie] = [await hourEndingNow(stage), await hourEndingNow(stage, { energyWh: 1_000n })];
      await answerWith(stage, asked, [lie, truth, truth]);
      return sessionId;
    },
  },
  {
    title: 'refund: the charger refuses',
    expected: ALL_BACK,
    state: 'Rejected',
    play: async (stage) => {
      const asked = await start(stage);
      await agree(stage, asked, await startedNow(stage, 'Refused'));
      return requestIdIn(asked);
    },
  },
  {
    title: 'expire: three of four operators are silent when it should start',
    expected: ALL_BACK,
    state: 'Expired',
    play: async (stage) => {
      const asked = await start(stage);
      await answerWith(stage, asked, [await startedNow(stage)]);
      await pass(stage, 300);
      await transact(stage.network.oracle, 'expire', requestIdIn(asked));
      return requestIdIn(asked);
    },
  },
  {
    title: 'expire: no result within two days',
    expected: ALL_BACK,
    state: 'Expired',
    play: async (stage) => {
      const sessionId = await begin(stage);
      await pass(stage, 48 * HOUR_SEC);
      await transact(stage.managed, 'expireSession', sessionId);
      return sessionId;
    },
  },
  {
    title: 'phantom: 99 Wh',
    expected: ALL_BACK,
    state: 'Settled',
    play: async (stage) => {
      const sessionId = await begin(stage);
      await pass(stage, HOUR_SEC);
      await agree(stage, await result(stage, sessionId), await hourEndingNow(stage, { energyWh: 99n }));
      return sessionId;
    },
  },
  {
    title: 'suspect: the register fell; the manager waives',
    expected: ALL_BACK,
    state: 'Rejected',
    play: async (stage) => {
      const sessionId = await suspect(stage);
      await transact(stage.managed, 'waiveSession', sessionId);
      return sessionId;
    },
  },
  {
    title: 'suspect: the driver accepts the figures',
    expected: PAID,
    state: 'Settled',
    play: async (stage) => {
      const sessionId = await suspect(stage);
      await transact(stage.device, 'acceptSuspect', sessionId);
      return sessionId;
    },
  },
  {
    title: 'by RFID card, of which the chain learns when it is over',
    expected: PAID,
    state: 'Settled',
    play: async (stage) => {
      const sessionId = id('HAND-1, epoch 1, seq 2');
      await pass(stage, HOUR_SEC);
      await agree(stage, await result(stage, sessionId), await hourEndingNow(stage, { idTag: CARD }));
      await transact(stage.managed, 'settleSession', sessionId);
      return sessionId;
    },
  },
];

/** Plays all sessions. Throws if anybody's balance is not what it should be. */
export async function playSessions(write: (line: string) => void): Promise<void> {
  const stage = await openSessionStage();
  try {
    for (const scene of SCENES) await playScene(stage, scene, write);
  } finally {
    await stage.close();
  }
}

async function playScene(stage: SessionStage, scene: Scene, write: (line: string) => void): Promise<void> {
  const before = await balancesOf(stage);
  const sessionId = await scene.play(stage);
  const after = await balancesOf(stage);
  const session = (await call(stage.device, 'sessionOf', sessionId)) as { state: bigint };
  const state = SESSION_STATES[Number(session.state)];
  write(`\n${scene.title}\n  ends ${state}`);
  for (const who of ['driver', 'manager', 'treasury', 'locked'] as const) {
    write(`  ${who.padEnd(9)}${formatEther(before[who]).padStart(10)} → ${formatEther(after[who]).padStart(10)}`);
  }
  const [driver, manager, treasury] = scene.expected;
  const isRight =
    state === scene.state &&
    after.driver - before.driver === driver &&
    after.manager - before.manager === manager &&
    after.treasury - before.treasury === treasury &&
    after.locked === 0n;
  if (!isRight) throw new Error(`'${scene.title}' did not end as it should`);
}

/** What the vault owes beside the three is locked. */
async function balancesOf({ payment, token, ...who }: SessionStage): Promise<Balances> {
  const free = async (account: string) => (await call(payment, 'freeOf', token, account)) as bigint;
  const [driver, manager, treasury] = [await free(who.driver), await free(who.manager), await free(who.treasury)];
  const held = (await call(payment, 'heldOf', token)) as bigint;
  return { driver, manager, treasury, locked: held - driver - manager - treasury };
}

function start(stage: SessionStage): Promise<TransactionReceipt> {
  return transact(stage.device, 'startCharge', 1, DEPOSIT, 1, stage.driver);
}

async function begin(stage: SessionStage): Promise<string> {
  const asked = await start(stage);
  await agree(stage, asked, await startedNow(stage));
  return requestIdIn(asked);
}

async function suspect(stage: SessionStage): Promise<string> {
  const sessionId = await begin(stage);
  await pass(stage, HOUR_SEC);
  const answer = await hourEndingNow(stage, { verdict: 'Unusable', reason: 'MeterUnusable' });
  await agree(stage, await result(stage, sessionId), answer);
  return sessionId;
}

function result(stage: SessionStage, sessionId: string): Promise<TransactionReceipt> {
  return transact(stage.device, 'requestSessionResult', sessionId, stage.driver);
}

async function agree(stage: SessionStage, asked: TransactionReceipt, answer: string): Promise<void> {
  await answerWith(stage, asked, [answer, answer, answer, answer]);
}

if (import.meta.main) {
  await playSessions((line) => process.stdout.write(`${line}\n`)).catch(failWith);
}
