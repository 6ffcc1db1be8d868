import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Contract, id, MaxUint256, parseEther, type TransactionReceipt, Wallet } from 'ethers';
import { makeApprovals } from '../../adapter/approvals.ts';
import { readAskedRequests } from '../../adapter/asked-requests.ts';
import { readChargersInCell } from '../../adapter/chain.ts';
import { makeEndedReader } from '../../adapter/ended-reader.ts';
import { makeEndedSessions } from '../../adapter/ended-sessions.ts';
import { makeSessionReader } from '../../adapter/session-reader.ts';
import type { SettlingChain } from '../../adapter/settling-chain.ts';
import { SESSION_STATES } from '../../core/abi.ts';
import { deviceIdOf, idTagCommitment } from '../../core/identity.ts';
import { sessionTag } from '../../core/request-approval.ts';
import { cardSessionId, encodeStartParams } from '../../core/session-answers.ts';
import { settlingTurn } from '../../core/settling-turn.ts';
import { call, send } from '../../network/contracts.ts';
import { fundLinkAccount } from '../../network/provision.ts';
import { makeLog } from '../../runtime/log.ts';
import { makeTestRecord, TEST_PEPPER } from '../adapter/record.ts';
import { makeTestGateway, TEST_NETWORK } from '../support/batches.ts';
import { testCardBudgets } from './card-budgets.ts';
import { testExpiry } from './expiry.ts';
import {
  answerWith,
  hourEndingNow,
  openSessionStage,
  pass,
  requestIdIn,
  type SessionStage,
  settlingChainOf,
  startedNow,
  transact,
} from './stage.ts';

const CHARGER = 'HAND-1';
const DEVICE_ID = deviceIdOf(CHARGER);
const SLOT_MS = 60_000;
const MIN_MS = 60_000;
const OPERATORS = 4;
const TAG = 'CARD-OF-ADA';
const DEPOSIT = parseEther('20');

let stage: SessionStage;
let chain: SettlingChain;
let beginning: string;

beforeAll(async () => {
  stage = await openSessionStage();
  const { network, operators, driver } = stage;
  chain = await settlingChainOf(stage);
  await send(network.users, 'setIdTag', idTagCommitment(TAG, TEST_PEPPER), driver);
  for (const { account } of operators) await fundLinkAccount(network, account, parseEther('10'));
  beginning = await stage.chain.provider.send('evm_snapshot', []);
}, 5 * MIN_MS);
afterAll(() => stage?.close());
beforeEach(async () => {
  await stage.chain.provider.send('evm_revert', [beginning]);
  beginning = await stage.chain.provider.send('evm_snapshot', []);
});

/** What happens at the charger, as every operator has it on record; all by the clock of the chain, and `now` by it too. */
async function atCharger() {
  const gateway = makeTestGateway({ bootedAtMs: 1 });
  const record = makeTestRecord([gateway.listed()]);
  const sessions = makeSessionReader(record.db, record.reader, (tag) => idTagCommitment(tag, TEST_PEPPER));
  const chainMs = async () => ((await stage.chain.provider.getBlock('latest'))?.timestamp ?? 0) * 1000;
  let nowMs = await chainMs();
  record.apply(gateway.flush(nowMs));
  const beganMs = ++nowMs;
  gateway.open(CHARGER, beganMs);
  const told = (action: string, payload: object, result: object = {}) => {
    gateway.call(CHARGER, ++nowMs, action, payload, result);
    const timestamp = new Date(nowMs).toISOString();
    record.apply(gateway.flush(nowMs));
    return timestamp;
  };
  const timestamp = () => new Date(nowMs).toISOString();
  const approvals = makeApprovals({
    db: record.db,
    asked: {
      find: async (requestId) => ({
        requestId,
        deviceId: DEVICE_ID,
        query: 'start-charge',
        params: '0x',
        asOfSec: Math.floor(nowMs / 1000),
      }),
    },
    queue: { add: async () => {} },
    signingKey: undefined,
    operator: '',
    log: makeLog('test', 'silent'),
    now: () => nowMs,
  });
  const endpoints = stage.operators.map(
    ({ account }) =>
      makeEndedSessions({
        reader: makeEndedReader(record.db, sessions),
        chain: () => chain,
        account,
        slotMs: SLOT_MS,
        now: () => nowMs,
      }).get('ended-sessions') as NonNullable<ReturnType<ReturnType<typeof makeEndedSessions>['get']>>,
  );
  return {
    record,
    beganMs,
    approve: (sessionId: string) => approvals.approve(TEST_NETWORK, sessionId, Math.floor(nowMs / 1000)),
    start: (idTag: string, connectorId = 1) =>
      told(
        'StartTransaction',
        { connectorId, idTag, meterStart: 1_000_000, timestamp: timestamp() },
        { transactionId: 7, idTagInfo: { status: 'Accepted' } },
      ),
    stop: (meterStop = 1_010_000) =>
      told('StopTransaction', { transactionId: 7, meterStop, timestamp: timestamp(), reason: 'EVDisconnected' }),
    status: (status: string) =>
      told('StatusNotification', { connectorId: 1, status, errorCode: 'NoError', timestamp: timestamp() }),
    /** Lets time pass, here and on chain; the gateway goes on telling that it is there. */
    wait: async (ms: number) => {
      await pass(stage, ms / 1000);
      const untilMs = Math.max(nowMs + ms, await chainMs());
      while (nowMs < untilMs) {
        nowMs = Math.min(nowMs + 9_000, untilMs);
        record.apply(gateway.flush(nowMs));
      }
    },
    /** What each operator is told to do. */
    due: async (step: 'ask' | 'pay' = 'ask') => {
      const { signal } = new AbortController();
      const answers = await Promise.all(endpoints.map((endpoint) => endpoint({ step }, signal)));
      return answers.map(({ result }) => result as { device: string; sessionId: string }[]);
    },
  };
}

/** A session that a contract opened and the operators said to have begun. */
async function openSession(isActive = true): Promise<string> {
  const asked = await transact(stage.device, 'startCharge', 1, DEPOSIT, 1, stage.driver);
  const started = await startedNow(stage);
  if (isActive) await answerWith(stage, asked, [started, started]);
  return requestIdIn(asked);
}

const asOperator = (n: number, contract: Contract) =>
  contract.connect(new Wallet(stage.chain.privateKey(n + 1), stage.chain.provider)) as Contract;

/** What the job does: the operator asks at its own cost. */
async function ask(n: number, sessionId: string): Promise<TransactionReceipt> {
  const account = stage.operators[n]?.account;
  await send(asOperator(n, stage.network.oracle), 'allow', await stage.network.factory.getAddress(), MaxUint256);
  return transact(asOperator(n, stage.device), 'requestSessionResult', sessionId, account);
}

const stateOf = async (sessionId: string) =>
  SESSION_STATES[Number(((await call(stage.device, 'sessionOf', sessionId)) as { state: bigint }).state)];

/** What is due where it is one operator's turn alone. */
const onlyAt = (n: number, sessionId: string, device = String(stage.device.target)) =>
  Array.from({ length: OPERATORS }, (_, i) => (i === n ? [{ device, sessionId }] : []));
const NONE = [[], [], [], []];

describe('a session that ended at the charger and that nobody asked about', () => {
  it('is one operator’s to ask about, then the next one’s, until it is settled', async () => {
    const sessionId = await openSession();
    const charger = await atCharger();
    await charger.approve(sessionId);
    charger.start(sessionTag(sessionId));
    expect(await charger.due()).toEqual(NONE);
    await charger.wait(600_000);
    charger.stop();
    await charger.wait(6_000);
    const first = settlingTurn(sessionId, 0, OPERATORS);
    expect(await charger.due()).toEqual(onlyAt(first, sessionId));
    expect(await charger.due('pay')).toEqual(NONE);

    // The first is away: a slot later it is the next one's turn.
    await charger.wait(SLOT_MS);
    const next = (first + 1) % OPERATORS;
    expect(await charger.due()).toEqual(onlyAt(next, sessionId));

    // Asked, it is nobody's, not in the slot that follows either.
    const asked = await ask(next, sessionId);
    expect(await charger.due()).toEqual(NONE);
    await charger.wait(SLOT_MS);
    expect(await charger.due()).toEqual(NONE);

    const end = await hourEndingNow(stage);
    await answerWith(stage, asked, [end, end]);
    expect(await stateOf(sessionId)).toBe('Settled');
    await charger.wait(SLOT_MS);
    expect(await charger.due()).toEqual(NONE);
  });

  it('is asked about again after a question that came to nothing, and by nobody twice in one slot', async () => {
    const sessionId = await openSession();
    const charger = await atCharger();
    await charger.approve(sessionId);
    charger.start(sessionTag(sessionId));
    charger.stop();
    await charger.wait(6_000);
    const first = settlingTurn(sessionId, 0, OPERATORS);
    const asked = await ask(first, sessionId);
    const running = await hourEndingNow(stage, { verdict: 'Running', endedAtSec: 0 });
    await answerWith(stage, asked, [running, running]);
    expect([await stateOf(sessionId), await charger.due()]).toEqual(['Active', NONE]);
    await charger.wait(SLOT_MS);
    const next = (first + 1) % OPERATORS;
    expect(await charger.due()).toEqual(onlyAt(next, sessionId));

    // Nobody answers: the question stands in the way for the ledger's five minutes and no longer.
    await ask(next, sessionId);
    await charger.wait(240_000);
    expect(await charger.due()).toEqual(NONE);
    await charger.wait(SLOT_MS + 10_000);
    expect((await charger.due()).flat()).toHaveLength(1);
  });

  it('is found where its end is lost, and where its start was never confirmed', async () => {
    const sessionId = await openSession(false);
    const charger = await atCharger();
    await charger.approve(sessionId);
    charger.start(sessionTag(sessionId));
    await charger.wait(60_000);
    charger.status('Available');
    await charger.wait(590_000);
    expect([await stateOf(sessionId), await charger.due()]).toEqual(['Requested', NONE]);
    await charger.wait(20_000);
    expect(await charger.due()).toEqual(onlyAt(settlingTurn(sessionId, 0, OPERATORS), sessionId));
  });

  it('is known by its contract to an operator that never saw the request', async () => {
    const sessionId = await openSession();
    const charger = await atCharger();
    charger.start(sessionTag(sessionId));
    charger.stop();
    await charger.wait(6_000);
    const due = (await charger.due()).flat();
    expect(due).toEqual([{ device: String(stage.device.target), sessionId }]);
  });

  it('is nobody’s business without an end, and never that of who is not asked', async () => {
    const sessionId = await openSession();
    const charger = await atCharger();
    await charger.approve(sessionId);
    charger.start(sessionTag(sessionId));
    await charger.wait(30_000);
    expect(await charger.due()).toEqual(NONE);
    expect(await chain.place(stage.driver)).toBeUndefined();
    await expect(charger.due('away' as 'ask')).rejects.toThrow('step must be one of ask, pay');
  });
});

describe('what an operator finds on chain of a request', () => {
  const finder = async (confirmations: number) =>
    readAskedRequests({
      provider: stage.chain.provider,
      oracleAddress: String(await stage.network.oracle.getAddress()),
      confirmations,
    });
  const nowSec = async () => (await stage.chain.provider.getBlock('latest'))?.timestamp ?? 0;

  it('is what the charger’s own contract asked, when enough blocks stand on it', async () => {
    const requestId = await openSession(false);
    const asOfSec = await nowSec();
    const params = encodeStartParams(1, await energyLimitOf(requestId));
    const request = { requestId, deviceId: DEVICE_ID, query: 'start-charge', params, asOfSec };
    expect(await (await finder(0)).find(requestId, asOfSec)).toEqual(request);
    const careful = await finder(2);
    expect(await careful.find(requestId, asOfSec)).toBeUndefined();
    await stage.chain.provider.send('hardhat_mine', ['0x2']);
    expect(await careful.find(requestId, asOfSec)).toEqual(request);
  });

  it('is nothing where nobody asked, or where what was asked needs no approval', async () => {
    const sessionId = await openSession();
    const asked = await ask(0, sessionId);
    const find = (await finder(0)).find;
    const asOfSec = await nowSec();
    expect([await find(id('nobody'), asOfSec), await find(requestIdIn(asked), asOfSec)]).toEqual([
      undefined,
      undefined,
    ]);
  });

  /** What the deposit buys, as the contract told it. */
  async function energyLimitOf(sessionId: string): Promise<bigint> {
    const [log] = await stage.device.queryFilter(stage.device.getEvent('SessionRequested')(sessionId));
    return (log as unknown as { args: { energyLimitWh: bigint } }).args.energyLimitWh;
  }
});

it('lists the chargers in a cell of the map', async () => {
  const factory = String(await stage.network.factory.getAddress());
  const known = new Map<string, string>();
  const inCell = (row: number) => readChargersInCell(stage.chain.provider, factory, row, 4_257, known);
  // (48.137 + 90) / 0.045, (11.575 + 180) / 0.045
  expect([await inCell(3_069), await inCell(3_070)]).toEqual([[DEVICE_ID], []]);
});

describe('a card’s session', () => {
  const withLimit = () =>
    send(
      stage.payment.connect(new Wallet(stage.chain.privateKey(5), stage.chain.provider)) as Contract,
      'setCardLimit',
      idTagCommitment(TAG, TEST_PEPPER),
      stage.token,
      parseEther('15'),
      parseEther('100'),
    );

  it('is asked about when it is over, and paid when the operators have said how it ended', async () => {
    await withLimit();
    const charger = await atCharger();
    charger.start(TAG);
    await charger.wait(600_000);
    charger.stop();
    await charger.wait(6_000);
    const sessionId = cardSessionId(DEVICE_ID, BigInt(charger.beganMs), 1n);
    const turn = settlingTurn(sessionId, 0, OPERATORS);
    expect(await charger.due()).toEqual(onlyAt(turn, sessionId));
    const asked = await ask(turn, sessionId);
    const startedAtSec = Math.floor(charger.beganMs / 1000);
    const idTag = idTagCommitment(TAG, TEST_PEPPER);
    const end = await hourEndingNow(stage, { startedAtSec, energyWh: 1_000n, idleSec: 0, idTag });
    await answerWith(stage, asked, [end, end]);
    expect(await stateOf(sessionId)).toBe('Ended');
    expect([await charger.due(), await charger.due('pay')]).toEqual([NONE, onlyAt(turn, sessionId)]);
    await transact(asOperator(turn, stage.device), 'settleSession', sessionId);
    expect([await stateOf(sessionId), await charger.due('pay')]).toEqual(['Settled', NONE]);
  });

  it.each([
    ['the card has no limit', TAG, 1_010_000, false],
    ['nobody knows the card', id('another').slice(2, 20), 1_010_000, true],
    ['nothing was charged', TAG, 1_000_099, true],
  ])('is left alone where %s', async (_what, tag, meterStop, hasLimit) => {
    if (hasLimit) await withLimit();
    const charger = await atCharger();
    charger.start(tag);
    await charger.wait(60_000);
    charger.stop(meterStop);
    await charger.wait(6_000);
    expect(await charger.due()).toEqual(NONE);
  });
});

describe('a request that too few operators answered', () => testExpiry(() => ({ stage, chain })));

describe('what a card’s user can pay for', () => testCardBudgets(() => stage));
