import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parseEther, toBeHex } from 'ethers';
import { makeExpiredRequests } from '../../adapter/expired-requests.ts';
import { type OpenRequest, type OverdueRequests, readOverdueRequests } from '../../adapter/overdue-requests.ts';
import type { SettlingChain } from '../../adapter/settling-chain.ts';
import { SESSION_STATES } from '../../core/abi.ts';
import { settlingTurn } from '../../core/settling-turn.ts';
import { call } from '../../network/contracts.ts';
import {
  answerWith,
  nowOf,
  openSessionStage,
  requestIdIn,
  type SessionStage,
  settlingChainOf,
  startedNow,
  transact,
} from './stage.ts';

const MIN_MS = 60_000;
const SLOT_SEC = 60;
const OPERATORS = 4;
const DEADLINE_SEC = 300;
const DEPOSIT = parseEther('20');
const NONE = [[], [], [], []];

type Due = { ledger: string; requestId: string }[];
const { signal } = new AbortController();
/** The endpoint, asked as a job does. */
function dueOf(means: Parameters<typeof makeExpiredRequests>[0]): () => Promise<Due> {
  const endpoint = makeExpiredRequests(means).get('expired-requests');
  if (endpoint === undefined) throw new Error('no such endpoint');
  return async () => (await endpoint({}, signal)).result as unknown as Due;
}

describe('a request that too few operators answered', () => {
  let stage: SessionStage;
  let chain: SettlingChain;
  let ledger: string;
  let beginning: string;
  const rpc = (method: string, ...params: unknown[]) => stage.chain.provider.send(method, params);

  beforeAll(async () => {
    stage = await openSessionStage();
    chain = await settlingChainOf(stage);
    ledger = String(stage.network.oracle.target);
    beginning = await rpc('evm_snapshot');
  }, 5 * MIN_MS);
  afterAll(() => stage?.close());
  beforeEach(async () => {
    await rpc('evm_revert', beginning);
    beginning = await rpc('evm_snapshot');
  });

  /** The operators' adapters as they start, with a clock of 1970. */
  function makeAdapters(confirmations = 0) {
    let nowMs = 0;
    const due = stage.operators.map(({ account }) => {
      const options = { provider: stage.chain.provider, oracleAddress: ledger, confirmations };
      const requests = readOverdueRequests(options);
      return dueOf({
        chain: () => chain,
        requests: () => requests,
        account,
        slotMs: SLOT_SEC * 1000,
        now: () => nowMs,
      });
    });
    return {
      due: () => Promise.all(due.map((ask) => ask())),
      wait: (sec: number) => {
        nowMs += sec * 1000;
      },
    };
  }

  /** A driver's request to begin a session, and when the chain's time is so many seconds after its deadline. */
  async function requestStart(connector = 1) {
    const asked = await transact(stage.device, 'startCharge', connector, DEPOSIT, 1, stage.driver);
    const requestId = requestIdIn(asked);
    const askedAtSec = await nowOf(stage);
    const first = settlingTurn(requestId, 0, OPERATORS);
    return { asked, requestId, first, at: (sec: number) => goTo(askedAtSec + DEADLINE_SEC + sec) };
  }
  async function goTo(timestampSec: number) {
    await rpc('evm_setNextBlockTimestamp', timestampSec);
    await rpc('evm_mine');
  }
  const onlyAt = (n: number, requestId: string) =>
    Array.from({ length: OPERATORS }, (_, i) => (i === n ? [{ ledger, requestId }] : []));
  const stateOf = async (sessionId: string) =>
    SESSION_STATES[Number(((await call(stage.device, 'sessionOf', sessionId)) as { state: bigint }).state)];

  it('is one operator’s to end from its deadline on, then the next one’s, and nobody’s when it is ended', async () => {
    const free = () => call(stage.payment, 'freeOf', stage.token, stage.driver);
    const before = await free();
    const { asked, requestId, first, at } = await requestStart();
    await answerWith(stage, asked, [await startedNow(stage)]);
    const adapters = makeAdapters();
    expect(await adapters.due()).toEqual(NONE);
    await at(-1);
    expect(await adapters.due()).toEqual(NONE);
    await at(0);
    expect(await adapters.due()).toEqual(onlyAt(first, requestId));

    // The first is away: a turn later it is the next one's, also at adapters that have just started.
    await at(SLOT_SEC);
    const next = (first + 1) % OPERATORS;
    expect(await makeAdapters().due()).toEqual(onlyAt(next, requestId));
    expect(await adapters.due()).toEqual(onlyAt(next, requestId));
    await transact(stage.network.oracle, 'expire', requestId);
    expect([await stateOf(requestId), await free()]).toEqual(['Expired', before]);
    expect(await makeAdapters().due()).toEqual(NONE);
    await at(2 * SLOT_SEC);
    expect(await adapters.due()).toEqual(NONE);
  });

  it('has its turns go round on a chain too that makes no block', async () => {
    const { requestId, first, at } = await requestStart();
    await at(SLOT_SEC / 2);
    const adapters = makeAdapters();
    expect(await adapters.due()).toEqual(onlyAt(first, requestId));
    adapters.wait(SLOT_SEC);
    expect(await adapters.due()).toEqual(onlyAt((first + 1) % OPERATORS, requestId));
  });

  it('is not one on which enough agreed, or that all answered', async () => {
    const agreed = await requestStart(1);
    const started = await startedNow(stage);
    const adapters = makeAdapters();
    expect(await adapters.due()).toEqual(NONE);
    await answerWith(stage, agreed.asked, [started, started]);
    const disputed = await requestStart(2);
    const answers = [1n, 2n, 3n, 4n].map((n) => toBeHex(n, 160));
    await answerWith(stage, disputed.asked, answers);
    await disputed.at(0);
    expect([await adapters.due(), await makeAdapters().due()]).toEqual([NONE, NONE]);
  });

  it('waits until as many blocks stand on it as are to, and is over with the newest that says so', async () => {
    const { requestId, first, at } = await requestStart();
    const adapters = makeAdapters(2);
    await at(0);
    expect(await adapters.due()).toEqual(NONE);
    await at(1);
    expect(await adapters.due()).toEqual(onlyAt(first, requestId));
    adapters.wait(SLOT_SEC / 2);
    await transact(stage.network.oracle, 'expire', requestId);
    expect(await adapters.due()).toEqual(NONE);
  });

  it('is another one if the chain was reorganised, with a deadline of its own', async () => {
    const fork = await rpc('evm_snapshot');
    const lost = await requestStart();
    const adapters = makeAdapters();
    await lost.at(-100);
    expect(await adapters.due()).toEqual(NONE);
    await rpc('evm_revert', fork);
    await rpc('evm_increaseTime', 60);
    const { requestId, first, at } = await requestStart();
    expect(requestId).toBe(lost.requestId);
    await at(-1);
    expect(await adapters.due()).toEqual(NONE);
    await at(0);
    expect(await adapters.due()).toEqual(onlyAt(first, requestId));
  });
});

describe('of many requests that too few operators answered', () => {
  const SLOT_MS = 60_000;
  const ids = (due: Due) => due.map(({ requestId }) => Number(requestId));

  /** One operator, so that each turn is its own; the requests 1, 2, … of which some are a charger's. */
  function makeAdapter(count: number, commands: readonly number[], closed: readonly number[] = []) {
    let nowMs = 0;
    const overdue = Array.from({ length: count }, (_, n): OpenRequest => {
      const [number, deadlineSec] = [n + 1, 1_000 + n];
      const isCommand = commands.includes(number);
      return { requestId: toBeHex(number, 32), askedAtSec: deadlineSec - DEADLINE_SEC, deadlineSec, isCommand };
    });
    let looks = 0;
    const requests: OverdueRequests = {
      ledger: '0xabc',
      look: async () => ({ head: { number: 7, timestampSec: 1_090 }, overdue }),
      isOpen: async ({ requestId }) => {
        looks++;
        return !closed.includes(Number(requestId));
      },
    };
    const place = async () => ({ place: 0, operators: 1 });
    const due = dueOf({
      chain: () => ({ place }),
      requests: () => requests,
      account: '0x',
      slotMs: SLOT_MS,
      now: () => nowMs,
    });
    return {
      due,
      looks: () => looks,
      wait: (ms: number) => {
        nowMs += ms;
      },
    };
  }

  it('those of chargers come first, and last what was named first half a turn ago', async () => {
    const adapter = makeAdapter(3, [3]);
    expect(ids(await adapter.due())).toEqual([3, 1, 2]);
    expect(ids(await adapter.due())).toEqual([1, 2]);
    adapter.wait(SLOT_MS / 2);
    expect(ids(await adapter.due())).toEqual([2, 3, 1]);
  });

  it('no more than twenty are named, and no more than sixty looked at', async () => {
    const open = makeAdapter(30, []);
    expect(ids(await open.due())).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    const all = Array.from({ length: 70 }, (_, n) => n + 1);
    const closed = makeAdapter(70, [], all);
    expect([await closed.due(), closed.looks()]).toEqual([[], 60]);
  });

  it('none is named to an operator that is not asked', async () => {
    const due = dueOf({
      chain: () => ({ place: async () => undefined }),
      requests: () => {
        throw new Error('looked at');
      },
      account: '0x',
      slotMs: SLOT_MS,
      now: () => 0,
    });
    expect(await due()).toEqual([]);
  });
});
