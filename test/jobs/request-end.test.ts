import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Contract, type InterfaceAbi, type Signer } from 'ethers';
import { type RunningJobNode, startJobNode } from '../../jobs/node/start.ts';
import { readArtifact } from '../../network/artifacts.ts';
import { makeLog } from '../../runtime/log.ts';
import { listRuns, makeWorld, PATIENCE_MS, PAYMENT_JUELS, type World, waitFor } from './world.ts';

jest.setTimeout(PATIENCE_MS);

const log = makeLog('jobs', process.env.LOG_LEVEL ?? 'silent');

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

describe('a request that ends before its answer', () => {
  let node: RunningJobNode;
  let release: () => void;
  beforeEach(async () => {
    await world.refresh();
    node = await startJobNode(world.settings(), log);
    const ready = world.bridge.answer;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.bridge.answer = (ask) => held.then(() => ready(ask));
  });
  afterEach(async () => {
    release();
    await node.close();
  });

  const expiresAtSec = async () => {
    const logs = await world.chain.provider.getLogs({ address: world.operatorAddress, fromBlock: 0 });
    const parsed = logs
      .map((entry) => world.operator.interface.parseLog(entry))
      .find((event) => event?.name === 'OracleRequest');
    return parsed?.args.cancelExpiration as bigint;
  };
  const operatorAs = async (signer: Signer) =>
    new Contract(world.operatorAddress, (await readArtifact('Operator')).abi as InterfaceAbi, signer);

  it('is given up in the middle of its run when the requester cancels, and no tx is sent', async () => {
    const requestId = await world.request(1);
    await waitFor(() => world.bridge.asked.length === 1, { what: 'the question to the adapter' });
    const expiration = await expiresAtSec();
    await world.chain.provider.send('evm_setNextBlockTimestamp', [Number(expiration)]);
    const cancel = world.operator.getFunction('cancelOracleRequest');
    await (await cancel(requestId, PAYMENT_JUELS, '0xdeadbeef', expiration)).wait();

    await waitFor(async () => (await listRuns(node.port))[0]?.state === 'cancelled', {
      what: 'the run to be given up',
    });
    release();
    const next = await world.request(2);
    await waitFor(async () => (await world.answered()).includes(next), { what: 'the next answer' });
    expect(await world.answered()).toEqual([next]);
    expect(await world.fulfilTxs()).toEqual([{ status: 1, nonce: 0 }]);
  });

  it('is given up when another sender of the operator has answered it', async () => {
    const requestId = await world.request(1);
    await waitFor(() => world.bridge.asked.length === 1, { what: 'the question to the adapter' });
    const other = world.chain.wallet(2);
    const nodeAddress = await world.chain.wallet(1).getAddress();
    const otherAddress = await other.getAddress();
    await (await world.operator.getFunction('setAuthorizedSenders')([nodeAddress, otherAddress])).wait();
    const fulfil = (await operatorAs(other)).getFunction('fulfillOracleRequest2');
    const requester = await world.chain.wallet(0).getAddress();
    const data = `${requestId}${'0'.repeat(64)}`;
    await (
      await fulfil(requestId, PAYMENT_JUELS, requester, '0xdeadbeef', await expiresAtSec(), data, { gasLimit: 600_000 })
    ).wait();

    await waitFor(async () => (await listRuns(node.port))[0]?.note === 'answered before', {
      what: 'the run to be given up',
    });
    expect((await listRuns(node.port))[0]?.state).toBe('completed');
    release();
    expect(await world.fulfilTxs()).toEqual([]);
  });

  it('is never sent when it would fail, and says why', async () => {
    await (await world.operator.getFunction('setAuthorizedSenders')([await world.chain.wallet(2).getAddress()])).wait();
    await world.request(1);
    release();
    await waitFor(async () => (await listRuns(node.port))[0]?.state === 'errored', { what: 'the run to fail' });
    expect((await listRuns(node.port))[0]?.note).toBe('submit: not sent, it would fail: Not authorized sender');
    expect(await world.fulfilTxs()).toEqual([]);
  });
});

describe('a request that a job does not take', () => {
  let node: RunningJobNode;
  beforeEach(async () => {
    await world.refresh((toml) => `minContractPaymentLinkJuels = "${PAYMENT_JUELS}"\n${toml}`);
    node = await startJobNode(world.settings(), log);
  });
  afterEach(() => node.close());

  it('pays less than the floor, or is for another job; one that pays the floor exactly is answered', async () => {
    await world.request(1, undefined, PAYMENT_JUELS - 1n);
    await world.request(2, `0x${'ab'.repeat(32)}`);
    const paid = await world.request(3);
    await waitFor(async () => (await world.answered()).length === 1, { what: 'one answer' });
    expect(await world.answered()).toEqual([paid]);
    expect((await listRuns(node.port)).map((run) => run.requestId)).toEqual([paid]);
    const metrics = await (await fetch(`http://127.0.0.1:${node.port}/metrics`)).text();
    expect(metrics).toContain('devsen_jobs_refused_total{why="payment"} 1');
  });
});

describe('a request by a stranger', () => {
  it('is refused where the spec names who may ask', async () => {
    const stranger = `"0x${'11'.repeat(20)}"`;
    await world.refresh((toml) => toml.replace(/requesters = .*/, `requesters = [${stranger}]`));
    const node = await startJobNode(world.settings(), log);
    try {
      await world.request(1);
      await waitFor(
        async () =>
          (await (await fetch(`http://127.0.0.1:${node.port}/metrics`)).text()).includes(
            'devsen_jobs_refused_total{why="requester"} 1',
          ),
        { what: 'the refusal to be counted' },
      );
      expect(await listRuns(node.port)).toEqual([]);
    } finally {
      await node.close();
    }
  });
});
