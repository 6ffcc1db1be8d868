import { beforeEach, expect, it } from '@jest/globals';
import { parseEther, toBeHex } from 'ethers';
import { readOverdueRequests } from '../../adapter/overdue-requests.ts';
import type { SettlingChain } from '../../adapter/settling-chain.ts';
import { SESSION_STATES } from '../../core/abi.ts';
import { settlingTurn } from '../../core/settling-turn.ts';
import { call } from '../../network/contracts.ts';
import { dueRequests } from '../adapter/due-requests.ts';
import { answerWith, nowOf, requestIdIn, type SessionStage, startedNow, transact } from './stage.ts';

const SLOT_SEC = 60;
const OPERATORS = 4;
const DEADLINE_SEC = 300;
const DEPOSIT = parseEther('20');
const NONE = [[], [], [], []];

/** Tests of requests that too few operators answered, on a stage that is reset before each. */
export function testExpiry(staged: () => { stage: SessionStage; chain: SettlingChain }): void {
  let stage: SessionStage;
  let chain: SettlingChain;
  let ledger: string;
  beforeEach(() => {
    ({ stage, chain } = staged());
    ledger = String(stage.network.oracle.target);
  });
  const rpc = (method: string, ...params: unknown[]) => stage.chain.provider.send(method, params);

  /** The operators' adapters as they start, with a clock of 1970. */
  function makeAdapters(confirmations = 0) {
    let nowMs = 0;
    const due = stage.operators.map(({ account }) => {
      const options = { provider: stage.chain.provider, oracleAddress: ledger, confirmations };
      const requests = readOverdueRequests(options);
      return dueRequests({
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
}
