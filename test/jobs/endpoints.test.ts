import { describe, expect, it } from '@jest/globals';
import { DevsenError } from '../../core/errors.ts';
import { makeAlerts } from '../../jobs/node/alerts.ts';
import { makeEndpoints } from '../../jobs/node/endpoints.ts';
import { type Rpc, RpcError } from '../../jobs/node/rpc.ts';
import { makeLog } from '../../runtime/log.ts';

const log = makeLog('jobs', 'silent');

/** An endpoint that answers with its name, or as it is told. */
function fake(name: string, chainId = 1) {
  const state = { head: 100, error: undefined as Error | undefined, calls: 0 };
  const rpc: Rpc = async (method) => {
    if (state.error) throw state.error;
    if (method === 'eth_chainId') return `0x${chainId.toString(16)}`;
    if (method === 'eth_blockNumber') return `0x${state.head.toString(16)}`;
    state.calls++;
    return name;
  };
  return { state, rpc };
}

async function make(...fakes: ReturnType<typeof fake>[]) {
  const clock = { ms: 1_000 };
  const alerts = makeAlerts(log);
  const rules = { lagBlocks: 3, pauseMs: 1_000, maxPauseMs: 4_000 };
  const endpoints = makeEndpoints(
    fakes.map(({ rpc }) => rpc),
    rules,
    alerts,
    log,
    () => clock.ms,
  );
  await endpoints.look();
  const asked = () => endpoints.rpc('eth_call', []);
  const secondAsked = async () => endpoints.second()?.('eth_call', []);
  return { endpoints, clock, alerts, asked, secondAsked };
}

const away = new DevsenError('CHAIN_UNAVAILABLE', 'chain: eth_call: ECONNREFUSED');

describe('several endpoints', () => {
  it('are asked in their order; where one fails the next answers, and the first again after a pause that doubles', async () => {
    const [a, b] = [fake('a'), fake('b')];
    const { clock, asked, secondAsked } = await make(a, b);
    expect([await asked(), await secondAsked()]).toEqual(['a', 'b']);
    a.state.error = away;
    expect([await asked(), await secondAsked()]).toEqual(['b', undefined]);
    a.state.error = undefined;
    expect(await asked()).toBe('b');
    clock.ms += 1_000;
    expect(await asked()).toBe('a');

    a.state.error = away;
    for (const pauseMs of [1_000, 2_000, 4_000, 4_000]) {
      expect(await asked()).toBe('b');
      clock.ms += pauseMs - 1;
      const before = b.state.calls;
      expect(await asked()).toBe('b');
      expect(b.state.calls).toBe(before + 1);
      clock.ms += 1;
    }
  });

  it('fail with what the last said when all do, and try all the same', async () => {
    const [a, b] = [fake('a'), fake('b')];
    const { asked } = await make(a, b);
    a.state.error = away;
    b.state.error = away;
    await expect(asked()).rejects.toThrow('ECONNREFUSED');
    b.state.error = undefined;
    expect(await asked()).toBe('b');
  });

  it('take a revert as an answer, and a rate limit as a failure', async () => {
    const [a, b] = [fake('a'), fake('b')];
    const { asked } = await make(a, b);
    a.state.error = new RpcError(3, 'execution reverted', '0x');
    await expect(asked()).rejects.toThrow('execution reverted');
    expect(b.state.calls).toBe(0);
    a.state.error = new RpcError(-32_005, 'Too many requests', undefined);
    expect(await asked()).toBe('b');
  });

  it('are asked last while they lag, with an alert', async () => {
    const [a, b] = [fake('a'), fake('b')];
    const { endpoints, alerts, asked, secondAsked } = await make(a, b);
    b.state.head = 103;
    await endpoints.look();
    expect(await asked()).toBe('a');
    b.state.head = 104;
    await endpoints.look();
    expect([await asked(), await secondAsked()]).toEqual(['b', undefined]);
    expect(alerts.list()).toEqual(['RPC endpoint 1 lags behind']);
    a.state.head = 104;
    await endpoints.look();
    expect([await asked(), await secondAsked(), alerts.list()]).toEqual(['a', 'b', []]);
  });

  it('do not follow one alone that claims a block far ahead, where there are three', async () => {
    const [a, b, liar] = [fake('a'), fake('b'), fake('liar')];
    const { endpoints, asked, alerts } = await make(a, b, liar);
    liar.state.head = 1_000_000;
    await endpoints.look();
    expect([await asked(), alerts.list()]).toEqual(['a', []]);
  });

  it('are never asked where they are of another chain, or have not told of which', async () => {
    const [a, other, silent] = [fake('a'), fake('other', 5), fake('silent')];
    silent.state.error = away;
    const { endpoints, asked, alerts } = await make(a, other, silent);
    expect(endpoints.chainId()).toBe(1n);
    expect(endpoints.areOfSeveralChains()).toBe(true);
    a.state.error = away;
    silent.state.error = undefined;
    await expect(asked()).rejects.toThrow('ECONNREFUSED');
    expect(other.state.calls + silent.state.calls).toBe(0);
    expect(alerts.list()).toEqual(['RPC endpoint 2 is of another chain', 'RPC endpoint 3 cannot be read']);
    await endpoints.look();
    expect(await asked()).toBe('silent');
  });
});
