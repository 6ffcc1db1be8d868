import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { JOB_NODE_SETTINGS } from '../../jobs/node/settings.ts';
import { type RunningJobNode, startJobNode } from '../../jobs/node/start.ts';
import { makeLog } from '../../runtime/log.ts';
import { readSettings } from '../../runtime/settings.ts';
import { passThrough, type RpcProxy, startRpcProxy } from './rpc-proxy.ts';
import { listRuns, makeWorld, PATIENCE_MS, type World, waitFor } from './world.ts';

jest.setTimeout(PATIENCE_MS);

const log = makeLog('jobs', 'silent');

describe('what a job node serves', () => {
  let world: World;
  let proxy: RpcProxy;
  let node: RunningJobNode;
  beforeAll(async () => {
    world = await makeWorld();
    proxy = await startRpcProxy(world.chain.rpcUrl);
    node = await startJobNode(
      world.settings({ RPC_URL: proxy.url, CHAIN_AWAY_MS: '1000', MIN_BALANCE_GWEI: '1000000000000000000' }),
      log,
    );
  });
  afterAll(async () => {
    await node.close();
    await proxy.close();
    await world.close();
  });
  const get = (path: string, token?: string) =>
    fetch(`http://127.0.0.1:${node.port}${path}`, token ? { headers: { authorization: `Bearer ${token}` } } : {});

  it('shows jobs and runs to whoever has the token, and to nobody else', async () => {
    expect((await get('/v2/runs')).status).toBe(401);
    expect((await get('/v2/jobs', 'wrong')).status).toBe(401);
    expect(await (await get('/v2/jobs', 'read-token')).json()).toMatchObject({
      jobs: [
        { name: 'DEVSEN charger-status', file: 'charger-status.toml', contract: world.operatorAddress.toLowerCase() },
      ],
    });
    expect((await get('/v2/runs?before=x', 'read-token')).status).toBe(400);
    expect((await get('/other')).status).toBe(404);

    const requestId = await world.request(1);
    await waitFor(async () => (await listRuns(node.port))[0]?.state === 'completed', { what: 'the run to end' });
    expect((await listRuns(node.port))[0]).toMatchObject({ id: 1, requestId, note: null });
    expect(await (await get('/v2/runs?before=1', 'read-token')).json()).toEqual({ runs: [] });
  });

  it('is healthy while the chain can be read, red when it has been away for as long as is allowed, and tells of a low balance', async () => {
    const alerts = [`the balance of ${node.accounts[0]} is below MIN_BALANCE_GWEI`];
    const well = await waitFor(async () => ((await get('/health')).status === 200 ? get('/health') : false), {
      what: 'health',
    });
    await waitFor(async () => ((await (await get('/health')).json()) as { alerts: string[] }).alerts.length > 0, {
      what: 'the alert',
    });
    expect(await well.json()).toMatchObject({ status: 'ok', problems: [] });
    proxy.hook = () => Promise.reject(new Error('away'));
    const red = await waitFor(async () => ((await get('/health')).status === 503 ? get('/health') : false), {
      what: 'red health',
    });
    expect(await red.json()).toEqual({
      status: 'red',
      problems: ['the chain cannot be read'],
      alerts,
    });
    proxy.hook = passThrough;
    await waitFor(async () => (await get('/health')).status === 200, { what: 'health again' });
  });

  it('counts runs and txs', async () => {
    const metrics = await (await get('/metrics')).text();
    expect(metrics).toContain('devsen_jobs_runs_total{job="DEVSEN charger-status",state="completed"} 1');
    expect(metrics).toContain('devsen_jobs_tx_events_total{event="mined"} 1');
  });
});

describe('settings of a job node', () => {
  it('need the chain alone: all else has a default that passes its own check', () => {
    expect(() => readSettings(JOB_NODE_SETTINGS, {})).toThrow(/^RPC_URL is not set: [^\n]*$/);
    expect(readSettings(JOB_NODE_SETTINGS, { RPC_URL: 'http://127.0.0.1:8545' })).toMatchObject({
      JOBS_PORT: 6688,
      BRIDGES: {},
    });
  });

  it('name every wrong one without its value', () => {
    const wrong = { RPC_URL: 'ws://secret', NODE_KEY: '0x12', BRIDGES: '{"A": 1}', MIN_PAYMENT_JUELS: '1.5' };
    expect(() => readSettings(JOB_NODE_SETTINGS, wrong)).toThrow(
      [
        'RPC_URL is wrong: expected a URL that begins with http:// or https://',
        'MIN_PAYMENT_JUELS is wrong: expected a whole number of juels',
        'NODE_KEY is wrong: expected 32 bytes as hex digits',
        'BRIDGES is wrong: expected bridge names of lower-case letters, digits, _ and -',
      ].join('\n'),
    );
  });
});
