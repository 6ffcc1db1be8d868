import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Queue } from 'bullmq';
import { AbiCoder, id, Wallet } from 'ethers';
import { deviceIdOf } from '../../core/identity.ts';
import {
  APPROVAL_QUEUE,
  approvalSigner,
  messageIdOf,
  parseApproval,
  type RequestApproval,
} from '../../core/request-approval.ts';
import { encodeReply } from '../../core/session-answers.ts';
import { makeTestGateway, TEST_NETWORK } from '../support/batches.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { startAsker } from './asker.ts';
import { OPERATOR, openTestQueue, startTestOperator } from './operator.ts';

const KEY = new Wallet(id('signing key of the test'));
const params = AbiCoder.defaultAbiCoder().encode(['string', 'string'], ['HeartbeatInterval', '60']);
const DEVICE = deviceIdOf('CH-1');

let redis: TestRedis;
let folder: string;
let approvals: Queue;
let releases: (() => Promise<void>)[] = [];

beforeAll(async () => {
  redis = await startRedis({ aof: false });
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'devsen-commands-'));
  approvals = new Queue(APPROVAL_QUEUE, { connection: { url: redis.url, maxRetriesPerRequest: null } });
  await approvals.waitUntilReady();
});
afterEach(async () => {
  for (const release of releases.reverse()) await release();
  releases = [];
  await approvals.obliterate({ force: true });
  await approvals.close();
  await rm(folder, { recursive: true });
});
afterAll(() => redis.close());

/** A request made three seconds ago, and a charger that said yes two seconds ago; the record reaches up to one second ago. */
async function begin({ isAnswered = true, agoSec = 3 } = {}) {
  const nowMs = Date.now();
  const asOfSec = Math.floor(nowMs / 1000) - agoSec;
  const requestId = id(`request ${nowMs}`);
  const asked: RequestApproval = { requestId, deviceId: DEVICE, query: 'set-configuration', params, asOfSec };
  const chain = new Map([[requestId, asked]]);
  const gateway = makeTestGateway({ bootedAtMs: nowMs - 10_000 - agoSec * 1000 });
  const queue = openTestQueue(redis.url);
  releases.push(queue.close);
  const start = async ({ hasKey = true } = {}) => {
    const operator = await startTestOperator({
      redisUrl: redis.url,
      gateways: [gateway.listed()],
      database: join(folder, 'record.sqlite'),
      answerWaitMs: isAnswered ? 10_000 : 300,
      asked: (wanted) => chain.get(wanted),
      ...(hasKey ? { signingKey: KEY } : {}),
    });
    let closed: Promise<void> | undefined;
    const close = () => (closed ??= operator.close());
    releases.push(close);
    return { ...operator, close };
  };
  const operator = await start();
  const begins = nowMs - 9_000 - agoSec * 1000;
  const first = gateway.flush(begins);
  gateway.open('CH-1', begins + 1);
  await queue.send(first, gateway.flush(begins + 1_000));
  for (let atMs = begins + 5_000; atMs < asOfSec * 1000; atMs += 4_000) await queue.send(gateway.flush(atMs));
  if (isAnswered) gateway.answer('CH-1', (asOfSec + 1) * 1000, messageIdOf(requestId), { status: 'Accepted' });
  await queue.send(gateway.flush((asOfSec + 2) * 1000));
  const data = { endpoint: 'set-configuration', requestId, deviceId: DEVICE, params, asOf: asOfSec };
  const ask = (other: object = {}, at = operator) => at.ask({ id: 'run', data: { ...data, ...other } });
  return { operator, start, ask, data, asked, chain, requestId };
}

async function approved() {
  const jobs = await approvals.getJobs();
  return jobs.map((job) => parseApproval(job.data.approval));
}

const DONE = { result: encodeReply({ verdict: 'Done', reason: 'None' }), verdict: 'Done', reason: 'None' };

describe('a request to a charger', () => {
  it('is approved as the chain asked it, signed by the operator, and answered from the record', async () => {
    const { ask, asked } = await begin();
    const answer = await ask();
    expect(answer).toMatchObject({ status: 200, body: { result: DONE.result, data: DONE } });
    const [approval, ...more] = await approved();
    expect(more).toEqual([]);
    expect(approval).toEqual({ ...asked, operator: OPERATOR, signature: approval?.signature });
    expect(approvalSigner(TEST_NETWORK, approval as NonNullable<typeof approval>)).toBe(KEY.address.toLowerCase());
  });

  it('is approved once, however often it is asked about, also after a restart and when the job is long gone', async () => {
    const { operator, start, ask } = await begin();
    await Promise.all([ask(), ask(), ask()]);
    expect(await approved()).toHaveLength(1);
    await approvals.obliterate({ force: true });
    await operator.close();
    expect((await ask({}, await start())).status).toBe(200);
    expect(await approved()).toEqual([]);
  });

  it('is not approved where the chain does not show it, and comes to be when the chain does', async () => {
    const { ask, asked, chain } = await begin();
    chain.clear();
    expect(await ask()).toMatchObject({
      status: 504,
      body: { error: { name: 'NOT_YET', message: 'the chain does not show this request' } },
    });
    expect(await approved()).toEqual([]);
    chain.set(asked.requestId, asked);
    expect((await ask()).status).toBe(200);
    expect(await approved()).toHaveLength(1);
  });

  it.each([
    ['charger', { deviceId: deviceIdOf('CH-2') }],
    ['command', { endpoint: 'command' }],
    ['parameters', { params: '0x00' }],
    ['time', { asOf: 1 }],
  ])('is not answered for another %s than the chain asked', async (_what, other) => {
    const { ask } = await begin();
    const answer = await ask(other);
    expect(answer).toMatchObject({ status: 400, body: { error: { name: 'INPUT_INVALID' } } });
    // What the chain did ask may be approved all the same; nothing else ever is.
    for (const { params: bytes, deviceId, query } of await approved()) {
      expect([bytes, deviceId, query]).toEqual([params, DEVICE, 'set-configuration']);
    }
  });

  it('is not approved in another form under the same id, as after a reorganisation of the chain', async () => {
    const { ask, asked, chain, start, operator } = await begin();
    await operator.close();
    const idle = await start({ hasKey: false });
    chain.set(asked.requestId, { ...asked, query: 'command' });
    await ask({ endpoint: 'command' }, idle);
    await idle.close();
    chain.set(asked.requestId, asked);
    expect(await ask({}, await start())).toMatchObject({ status: 409, body: { error: { name: 'CONFLICT' } } });
    expect(await approved()).toEqual([]);
  });

  it('is not approved when it is too late for a gateway to act on it, and answered all the same', async () => {
    const { ask } = await begin({ agoSec: 40 });
    expect(await ask()).toMatchObject({ status: 200, body: { data: { verdict: 'Done' } } });
    expect(await approved()).toEqual([]);
  });

  it('is answered later where the asker does not wait, as it would be answered at once', async () => {
    const { operator, ask, data: question } = await begin();
    const asker = await startAsker();
    releases.push(asker.close);
    const data = await ask().then(({ body }) => body.data);
    const said = await operator.ask({ id: 'later', responseURL: asker.url('/resume'), data: question });
    expect(said).toEqual({ status: 200, body: { jobRunID: 'later', pending: true } });
    await waitFor(() => asker.brought.length > 0, { what: 'the answer to be brought', timeoutMs: 60_000 });
    expect(asker.brought).toMatchObject([
      { method: 'PATCH', body: { value: { jobRunID: 'later', statusCode: 200, data } } },
    ]);
    expect((await operator.ask({ responseURL: 'file:///etc', data: question })).body).toMatchObject({
      error: { message: 'responseURL must be an http or https URL' },
    });
  });

  it('is asked about again later as long as nothing is decided', async () => {
    const { ask } = await begin({ isAnswered: false });
    expect(await ask()).toMatchObject({ status: 504, body: { error: { name: 'NOT_YET' } } });
    expect(await approved()).toHaveLength(1);
  });
});
