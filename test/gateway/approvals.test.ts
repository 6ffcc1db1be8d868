import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AbiCoder } from 'ethers';
import { Redis } from 'ioredis';
import { deviceIdOf } from '../../core/identity.ts';
import { COMMAND_VALID_SEC, messageIdOf, type RequestApproval } from '../../core/request-approval.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { connectCharger, type RawCharger, readEvents } from './support.ts';
import { approvalBy, queueApprovals, SET, SIGNERS, sourcesOfTwo, startOneOfTwo } from './two-gateways.ts';

const abi = AbiCoder.defaultAbiCoder();

describe('a request that operators approve', () => {
  let redis: TestRedis;
  let one: RunningGateway;
  let other: RunningGateway;
  let count = 0;
  const sources = sourcesOfTwo();
  const { network } = sources.registry;
  const chargers: RawCharger[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    one = await startOneOfTwo(redis.url, 0, sources);
    other = await startOneOfTwo(redis.url, 1, sources);
  });
  afterEach(async () => {
    await Promise.all(chargers.splice(0).map((charger) => charger.close()));
    await waitFor(() => one.chargers().length + other.chargers().length === 0, { what: 'the chargers to be gone' });
    sources.operatorSets.of = async () => SET;
  });
  afterAll(async () => {
    await one.close();
    await other.close();
    await redis.close();
  });

  const connect = async (gateway: RunningGateway, identity: string) => {
    const charger = await connectCharger(gateway.port, identity);
    chargers.push(charger);
    return charger;
  };
  const newIdentity = () => `CPapproved${++count}`;
  const requestFor = (identity: string, more: Partial<RequestApproval> = {}): RequestApproval => ({
    requestId: `0x${randomBytes(32).toString('hex')}`,
    deviceId: deviceIdOf(identity),
    query: 'command',
    params: abi.encode(['string', 'string'], ['Reset', '{ "type": "Soft" }']),
    asOfSec: Math.floor(Date.now() / 1000),
    ...more,
  });
  const approve = async (request: RequestApproval, ...operators: number[]) =>
    queueApprovals(redis.url, ...(await Promise.all(operators.map((n) => approvalBy(n, network, request)))));
  const callsTo = (charger: RawCharger) => charger.received.filter((text) => text.startsWith('[2,'));
  const firstCall = (charger: RawCharger) =>
    waitFor(() => callsTo(charger)[0], { what: 'a call to reach the charger' });
  const metric = async (name: string) => {
    let sum = 0;
    for (const { adminPort } of [one, other]) {
      const page = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      const line = page.split('\n').find((text) => text.startsWith(`devsen_gateway_${name} `));
      sum += Number(line?.split(' ').at(-1) ?? 0);
    }
    return sum;
  };
  const counted = (outcome: string) => metric(`approvals_total{outcome="${outcome}"}`);
  /** Until approvals were looked at that came after those in question. */
  const settled = async () => {
    const before = await counted('refused');
    const request = requestFor('CPnobody');
    await queueApprovals(redis.url, await approvalBy(0, `1:${network.split(':')[1]}`, request));
    await waitFor(async () => (await counted('refused')) > before, { what: 'a later approval to be refused' });
  };

  it('goes out once more than f of them have, under its message id, and its answer is on record', async () => {
    const identity = newIdentity();
    const charger = await connect(one, identity);
    const request = requestFor(identity);
    await approve(request, 0);
    await settled();
    expect(callsTo(charger)).toEqual([]);

    await approve(request, 2);
    const id = messageIdOf(request.requestId);
    expect(await firstCall(charger)).toBe(`[2,"${id}","Reset",{ "type": "Soft" }]`);
    charger.send(`[3,"${id}",{"status":"Accepted"}]`);
    const answer = await waitFor(
      async () => (await readEvents(redis.url)).find(({ kind, charger }) => kind === 'answer' && charger === identity),
      { what: 'the answer to be on record' },
    );
    expect(answer).toMatchObject({
      frame: `[3,"${id}",{"status":"Accepted"}]`,
      reply: `[2,"${id}","Reset",{ "type": "Soft" }]`,
    });
    await waitFor(async () => (await metric('commands_total{action="Reset",end="result"}')) > 0, {
      what: 'the metric',
    });
  });

  it('goes out once, though all approve it at once, again and again, and two gateways read the queue', async () => {
    const identity = newIdentity();
    const charger = await connect(other, identity);
    const request = requestFor(identity);
    await Promise.all([approve(request, 0, 1, 2, 3), approve(request, 3, 2, 1, 0)]);
    await firstCall(charger);
    await approve(request, 0, 1, 2, 3);
    await settled();
    expect(callsTo(charger)).toHaveLength(1);
  });

  it('goes out once, also where gateways are started anew in between', async () => {
    const identity = newIdentity();
    const request = requestFor(identity);
    await approve(request, 0);
    await settled();
    await one.close();
    one = await startOneOfTwo(redis.url, 0, sources);
    const charger = await connect(one, identity);
    await approve(request, 1);
    await firstCall(charger);
    await one.close();
    one = await startOneOfTwo(redis.url, 0, sources);
    const again = await connect(one, identity);
    await approve(request, 2, 3);
    await settled();
    expect(callsTo(again)).toEqual([]);
  });

  it('waits for a charger that connects in time', async () => {
    const identity = newIdentity();
    const request = requestFor(identity);
    await approve(request, 0, 1);
    await settled();
    expect(JSON.parse(await firstCall(await connect(other, identity)))[1]).toBe(messageIdOf(request.requestId));
  });

  it('does not go out any more after its time', async () => {
    const identity = newIdentity();
    const charger = await connect(one, identity);
    const before = await counted('late');
    await approve(requestFor(identity, { asOfSec: Math.floor(Date.now() / 1000) - COMMAND_VALID_SEC }), 0, 1, 2, 3);
    await waitFor(async () => (await counted('late')) === before + 4, { what: 'the approvals to be late' });
    expect(callsTo(charger)).toEqual([]);
  });

  it('does not go out for approvals that are not by operators of its set', async () => {
    const identity = newIdentity();
    const charger = await connect(one, identity);
    const before = await counted('refused');
    const request = requestFor(identity);
    // The second operator's name under the first one's signature, a stranger's, and one of another network.
    await queueApprovals(
      redis.url,
      await approvalBy(0, network, request),
      await approvalBy(1, network, request, SIGNERS[0]),
      (await approvalBy(2, network, request)).replace(/"operator":"0x03/, '"operator":"0x99'),
      await approvalBy(3, `1:${network.split(':')[1]}`, request),
    );
    await waitFor(async () => (await counted('refused')) === before + 3, { what: 'three to be refused' });
    expect(callsTo(charger)).toEqual([]);

    sources.operatorSets.of = async () => ({ ...SET, oracles: SET.oracles.slice(0, 1) });
    const second = requestFor(identity);
    await approve(second, 0, 1, 2, 3);
    await settled();
    expect(callsTo(charger)).toEqual([]);
  });

  it('does not go out if the chain knows no such request, or of another time', async () => {
    const identity = newIdentity();
    const charger = await connect(one, identity);
    const unknown = requestFor(identity);
    sources.operatorSets.of = async () => 'unknown';
    await approve(unknown, 0, 1);
    await settled();
    expect(callsTo(charger)).toEqual([]);

    const request = requestFor(identity);
    sources.operatorSets.of = async () => ({ ...SET, askedAtSec: request.asOfSec - 100 });
    await approve(request, 0, 1, 2, 3);
    await settled();
    expect(callsTo(charger)).toEqual([]);
  });

  it('goes out as more than f approved it, and who approved something else is counted apart', async () => {
    const identity = newIdentity();
    const charger = await connect(one, identity);
    const before = await counted('contradicting');
    const request = requestFor(identity);
    const false_ = { ...request, params: abi.encode(['string', 'string'], ['Reset', '{"type":"Hard"}']) };
    await approve(false_, 0);
    await approve(request, 1);
    await settled();
    expect(callsTo(charger)).toEqual([]);
    await approve(request, 2);
    expect(await firstCall(charger)).toContain('"Soft"');
    expect((await counted('contradicting')) - before).toBe(2);
  });

  it('is not moved by what somebody else writes into Redis', async () => {
    const identity = newIdentity();
    const charger = await connect(one, identity);
    const request = requestFor(identity);
    const real = await approvalBy(0, network, request);
    const client = new Redis(redis.url);
    const key = `bull:approvals:${network}:${request.requestId}`;
    // The one real approval under every operator's name, and one that nobody signed.
    for (const oracle of SET.oracles) await client.hset(key, oracle, real);
    await client.hset(key, SET.oracles[3] as string, real.replace(/"operator":"0x01/, '"operator":"0x04'));
    await client.quit();
    await queueApprovals(redis.url, real);
    await settled();
    expect(callsTo(charger)).toEqual([]);
  });

  it('that no call can be made of is given up', async () => {
    const identity = newIdentity();
    const charger = await connect(one, identity);
    const before = await metric('commands_total{action="Reset",end="refused"}');
    const params = abi.encode(['string', 'string'], ['Reset', '{"type":"Weird"}']);
    await approve(requestFor(identity, { params }), 0, 1);
    await waitFor(async () => (await metric('commands_total{action="Reset",end="refused"}')) > before, {
      what: 'it to be given up',
    });
    await approve(requestFor(identity, { query: 'stop-charge', params: `0x${'11'.repeat(32)}` }), 0, 1);
    await settled();
    expect(callsTo(charger)).toEqual([]);
  });
});
