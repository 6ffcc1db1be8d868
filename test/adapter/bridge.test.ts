import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeAnswer, readBridgeRequest } from '../../adapter/bridge.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { encodeChargerStatus, encodeMeterReading, encodeUptime } from '../../core/queries.ts';
import { STATUS } from '../../core/status.ts';
import { makeTestGateway } from '../support/batches.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { openTestQueue, PEER_TOKEN, startTestOperator, type TestOperatorOptions, TOKEN } from './operator.ts';

let redis: TestRedis;
let releases: (() => Promise<void>)[] = [];

beforeAll(async () => {
  redis = await startRedis({ aof: false });
});
afterEach(async () => {
  for (const release of releases.reverse()) await release();
  releases = [];
  await redis.restart();
});
afterAll(() => redis.close());

/** An operator and a gateway that booted ten seconds ago, and has told so. */
async function begin(options: Partial<TestOperatorOptions> = {}) {
  const nowMs = Date.now();
  const gateway = makeTestGateway({ bootedAtMs: nowMs - 10_000 });
  const queue = openTestQueue(redis.url);
  releases.push(queue.close);
  const operator = await startTestOperator({ redisUrl: redis.url, gateways: [gateway.listed()], ...options });
  releases.push(operator.close);
  await queue.send(gateway.flush(nowMs - 9_000), gateway.flush(nowMs - 8_001));
  return { gateway, queue, operator, nowMs, nowSec: Math.floor(nowMs / 1000) };
}

describe('the bridge', () => {
  it("answers in the shape of Chainlink's external adapters", async () => {
    const { gateway, queue, operator, nowMs, nowSec } = await begin();
    gateway.open('CH-1', nowMs - 8_000);
    gateway.status('CH-1', (nowSec - 7) * 1000, 1, 'Charging');
    await queue.send(gateway.flush(nowMs - 5_000));
    const asOf = nowSec - 6;
    const { status, body } = await operator.ask({
      id: 'run 7',
      data: {
        endpoint: 'Charger-STATUS',
        deviceId: deviceIdOf('CH-1').toUpperCase().replace('0X', '0x'),
        connector: '1',
        asOf,
      },
    });
    const fields = { status: STATUS.Charging, errorClass: 0, online: true };
    const result = encodeChargerStatus({ ...fields, observedAtSec: nowSec - 7 });
    expect(status).toBe(200);
    expect(body).toEqual({
      jobRunID: 'run 7',
      statusCode: 200,
      result,
      data: { result, ...fields, observedAt: nowSec - 7 },
      timestamps: {
        providerDataRequestedUnixMs: expect.any(Number),
        providerDataReceivedUnixMs: expect.any(Number),
        providerIndicatedTimeUnixMs: asOf * 1000,
      },
    });
  });

  it('answers what a meter reads and how long a charger was usable', async () => {
    const { gateway, queue, operator, nowMs, nowSec } = await begin();
    gateway.open('CH-1', nowMs - 8_000);
    gateway.status('CH-1', (nowSec - 7) * 1000, 1, 'Charging');
    gateway.call('CH-1', (nowSec - 7) * 1000 + 1, 'MeterValues', {
      connectorId: 1,
      meterValue: [{ sampledValue: [{ value: '1.5', unit: 'kWh' }] }],
    });
    await queue.send(gateway.flush(nowMs - 3_000));
    const asOf = nowSec - 4;
    const deviceId = deviceIdOf('CH-1');
    const meter = await operator.ask({ data: { endpoint: 'meter-reading', deviceId, connector: 1, asOf } });
    const reading = { registerWh: 1_500, powerW: 0 };
    const meterResult = encodeMeterReading({ ...reading, observedAtSec: nowSec - 7, isSigned: false });
    expect(meter.body).toMatchObject({
      result: meterResult,
      data: { result: meterResult, ...reading, observedAt: nowSec - 7, signed: false },
    });
    const period = { from: `${nowSec - 8}`, to: `${asOf}`, asOf: `${asOf}` };
    const uptime = await operator.ask({ data: { endpoint: 'uptime', deviceId, ...period } });
    const answer = { usableSec: 3, excludedSec: 0 };
    const uptimeResult = encodeUptime(answer);
    expect(uptime.body).toMatchObject({ result: uptimeResult, data: { result: uptimeResult, ...answer } });
  });

  it('takes the endpoint from the top level too, and charger-status where none is named', async () => {
    const { operator, nowSec } = await begin();
    const data = { deviceId: deviceIdOf('CH-1'), connector: 1, asOf: nowSec - 9 };
    const statuses = await Promise.all(
      [{ endpoint: 'charger-status', data }, { data }, { endpoint: 'no-such', data }].map(
        async (body) => (await operator.ask(body)).status,
      ),
    );
    expect(statuses).toEqual([200, 200, 404]);
  });

  it.each(['chargerStatus', 'CHARGER_STATUS', ' charger status', 'Status'])(
    'knows charger-status as %s',
    (endpoint) => {
      expect(readBridgeRequest({ endpoint, data: {} }).endpoint).toBe('charger-status');
      expect(readBridgeRequest({ data: { endpoint } }).endpoint).toBe('charger-status');
    },
  );

  it('takes the endpoint outside of data before the one in it, and an empty one for none', () => {
    const endpointOf = (outside: unknown, inside: unknown) =>
      readBridgeRequest({ endpoint: outside, data: { endpoint: inside } }).endpoint;
    expect(endpointOf('meter-reading', 'uptime')).toBe('meter-reading');
    expect(endpointOf('', 'uptime')).toBe('uptime');
    expect(endpointOf(undefined, '')).toBe('charger-status');
    expect(() => endpointOf(5, 'uptime')).toThrow('endpoint must be text');
  });

  it('answers a list in place of a parameter as a whole, each value as if asked alone', async () => {
    const { gateway, queue, operator, nowMs, nowSec } = await begin();
    gateway.open('CH-1', nowMs - 8_000);
    gateway.status('CH-1', (nowSec - 7) * 1000, 1, 'Charging');
    gateway.status('CH-1', (nowSec - 7) * 1000 + 1, 2, 'Available');
    await queue.send(gateway.flush(nowMs - 5_000));
    const asOf = nowSec - 6;
    const question = { endpoint: 'charger-status', deviceId: deviceIdOf('CH-1'), asOf };
    const { body } = await operator.ask({ id: 7, data: { ...question, connector: [1, 2] } });
    const results = [STATUS.Charging, STATUS.Available].map((status) =>
      encodeChargerStatus({ status, errorClass: 0, online: true, observedAtSec: nowSec - 7 }),
    );
    expect(body).toMatchObject({
      result: results,
      data: {
        results: [
          [{ id: '7', data: { ...question, connector: 1 } }, results[0]],
          [{ id: '7', data: { ...question, connector: 2 } }, results[1]],
        ],
      },
    });
  });

  it('describes itself, with every endpoint that there is', async () => {
    const { operator } = await begin();
    const document = JSON.parse(await (await fetch(`${operator.url}/openapi.json`)).text());
    const { data } = document.paths['/'].post.requestBody.content['application/json'].schema.properties;
    const { body } = await operator.ask({ endpoint: 'none' });
    const names = data.oneOf.map(({ title }: { title: string }) => title).join(', ');
    expect(body.error).toMatchObject({ message: `endpoint must be one of ${names}` });
  });

  it('is asked so often and no more, and says when to come again; others take nothing of that', async () => {
    const { operator } = await begin({ env: { MAX_BRIDGE_PER_SEC: '1', MAX_REQUESTS_PER_SEC: '1' }, now: () => 1_000 });
    const flood = (authorization?: string) =>
      Promise.all(
        Array.from({ length: 11 }, () => operator.ask({}, authorization === undefined ? {} : { authorization })),
      );
    const count = (answers: { status: number }[], wanted: number) =>
      answers.filter(({ status }) => status === wanted).length;
    const strangers = await flood('Bearer wrong');
    expect([count(strangers, 401), count(strangers, 429)]).toEqual([10, 1]);
    expect((await fetch(`${operator.url}/v1/chargers`)).status).toBe(429);
    const asked = await flood();
    expect([count(asked, 400), count(asked, 429)]).toEqual([10, 1]);
    expect(asked.find(({ status }) => status === 429)).toMatchObject({
      body: {
        status: 'errored',
        statusCode: 429,
        error: { name: 'RATE_LIMITED', message: 'too many requests; the next in 1 s' },
      },
      retryAfter: '1',
    });
    expect((await operator.health()).status).not.toBe(429);
  });

  it('gives no answer that is longer than a node takes', () => {
    const timestamps = { providerDataRequestedUnixMs: 1, providerDataReceivedUnixMs: 2 };
    const answer = (text: string) =>
      ({ jobRunID: '1', statusCode: 200, result: '', data: { text }, timestamps }) as const;
    const bare = encodeAnswer(answer('')).length;
    expect(encodeAnswer(answer('x'.repeat(32_768 - bare)))).toHaveLength(32_768);
    expect(() => encodeAnswer(answer('x'.repeat(32_769 - bare)))).toThrow(
      'the answer would be over 32768 bytes; ask for less',
    );
  });

  it.each<[string, unknown, number, string]>([
    ['a body that is text', '"x"', 400, 'the body is no JSON that can be read'],
    ['a body that is no JSON', '{', 400, 'the body is no JSON that can be read'],
    ['a list', '[]', 400, 'the body must be a JSON object'],
    ['data that is none', { id: 'x', data: 7 }, 400, 'data must be an object'],
    ['an endpoint that is no text', { data: { endpoint: 7 } }, 400, 'endpoint must be text'],
    [
      'an unknown endpoint',
      { data: { endpoint: 'Bitcoin' } },
      404,
      'endpoint must be one of charger-status, meter-reading, uptime, session-result, start-charge, stop-charge, get-configuration, set-configuration, command, availability-list, evidence, ended-sessions, expired-requests',
    ],
    [
      'wrong fields',
      { data: { deviceId: '0x12', connector: 65_536, asOf: -1 } },
      400,
      'deviceId must be 32 bytes as 0x and 64 hex digits; connector must be a whole number from 0 to 65535; ' +
        'asOf must be a whole number from 0 to 99999999999',
    ],
    [
      'a period that ends before it begins',
      { data: { endpoint: 'uptime', deviceId: deviceIdOf('CH-1'), from: 2, to: 1, asOf: 3 } },
      400,
      'from must not lie after to',
    ],
    [
      'a period that is not over',
      { data: { endpoint: 'uptime', deviceId: deviceIdOf('CH-1'), from: 1, to: 3, asOf: 2 } },
      400,
      'to must not lie after asOf',
    ],
    [
      'a period of over 100 days',
      { data: { endpoint: 'uptime', deviceId: deviceIdOf('CH-1'), from: 0, to: 8_640_001, asOf: 8_640_001 } },
      400,
      'to must not lie more than 8640000 s after from',
    ],
    [
      'missing fields',
      { data: { deviceId: deviceIdOf('CH-1') } },
      400,
      'connector must be a whole number from 0 to 65535; asOf must be a whole number from 0 to 99999999999',
    ],
    [
      'a time far ahead',
      { data: { deviceId: deviceIdOf('CH-1'), connector: 1, asOf: 9_999_999_999 } },
      400,
      "asOf is more than 300 s ahead of this operator's clock",
    ],
    ['a body that is too large', { data: { text: 'x'.repeat(70_000) } }, 400, 'the body is over 65536 bytes'],
  ])('refuses %s in the error shape, and says why', async (_name, body, status, message) => {
    const { operator } = await begin();
    const answer = await operator.ask(body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ status: 'errored', statusCode: status, error: { message } });
  });

  it('refuses who does not show the token, before reading what is asked', async () => {
    const { operator } = await begin();
    for (const authorization of ['', TOKEN, `Bearer ${TOKEN}x`, `Basic ${TOKEN}`]) {
      const { status, body } = await operator.ask('{', { authorization });
      expect([status, body]).toEqual([
        401,
        {
          jobRunID: '1',
          status: 'errored',
          statusCode: 401,
          error: { name: 'UNAUTHORISED', message: 'wrong or missing bridge token' },
        },
      ]);
    }
  });

  it('holds a question until the watermark of every active gateway has passed its time', async () => {
    const { gateway, queue, operator, nowMs, nowSec } = await begin();
    const other = makeTestGateway({ bootedAtMs: nowMs - 10_000 });
    operator.news([gateway.listed(), other.listed()]);
    await queue.send(other.flush(nowMs - 9_000));
    let isAnswered = false;
    const question = operator.askStatus('CH-1', nowSec - 2).then((answer) => {
      isAnswered = true;
      return answer;
    });
    gateway.open('CH-1', nowMs - 3_500);
    gateway.status('CH-1', nowMs - 3_000, 1, 'Available');
    await queue.send(gateway.flush(nowMs - 1_000), gateway.flush(nowMs));
    await waitFor(async () => (await operator.health()).body.backlog === 0, { what: 'the queue to be read' });
    expect(isAnswered).toBe(false);
    await queue.send(other.flush(nowMs));
    const { status, body } = await question;
    expect([status, (body.data as { status: number }).status]).toEqual([200, STATUS.Available]);
  });

  it("says 'not yet' with 504 when the time to wait is over", async () => {
    const { operator, nowSec } = await begin({ answerWaitMs: 200 });
    const { status, body } = await operator.askStatus('CH-1', nowSec + 5);
    expect(status).toBe(504);
    expect(body).toMatchObject({
      jobRunID: 'run',
      status: 'errored',
      statusCode: 504,
      error: { name: 'NOT_YET', message: 'this operator does not know yet: a gateway has not passed that time yet' },
    });
  });

  it('cannot know what was before its record, or before the chain told it the network', async () => {
    const { operator, nowSec } = await begin({ answerWaitMs: 200 });
    const before = await operator.askStatus('CH-1', nowSec - 100);
    expect([before.status, (before.body.error as { message: string }).message]).toEqual([
      504,
      'this operator cannot know: that time lies before its record begins',
    ]);
    const away = await begin({ isChainAway: true, answerWaitMs: 200 });
    const answer = await away.operator.askStatus('CH-1', nowSec - 2);
    expect([answer.status, (answer.body.error as { message: string }).message]).toEqual([
      504,
      'this operator does not know yet: the chain has not told the network',
    ]);
    expect(await away.operator.health()).toMatchObject({ status: 503, body: { status: 'red', chain: false } });
  });

  it('takes a gateway for absent after its silence, once the queue is known to be empty', async () => {
    let aheadMs = 0;
    const { gateway, queue, operator, nowMs, nowSec } = await begin({ now: () => Date.now() + aheadMs });
    gateway.open('CH-1', nowMs - 8_000);
    gateway.status('CH-1', nowMs - 7_000, 1, 'Available');
    await queue.send(gateway.flush(nowMs - 6_000));
    // Silence counts from when the operator began to listen: that must not be after the clock's leap.
    await waitFor(async () => (await operator.health()).body.redis, { what: 'the operator to listen' });
    const question = operator.askStatus('CH-1', nowSec - 4);
    aheadMs = 60_000;
    // Wakes the question; it comes late and under another network, so it says nothing itself.
    await queue.send({ ...gateway.clone().flush(nowMs), network: `1:0x${'0'.repeat(40)}` });
    const { status, body } = await question;
    expect([status, body.data]).toEqual([
      200,
      expect.objectContaining({ status: 0, online: false, observedAt: Math.floor((nowMs - 6_000) / 1000) }),
    ]);
  });

  it('makes its record whole from another operator, who wants a token, and then answers like that one', async () => {
    const { gateway, queue, operator, nowMs, nowSec } = await begin();
    gateway.open('CH-1', nowMs - 8_000);
    gateway.status('CH-1', nowMs - 7_000, 1, 'Charging');
    await queue.send(gateway.flush(nowMs - 6_000));
    const account = `0x${'0c'.repeat(20)}`;
    const ownQueue = openTestQueue(redis.url, account);
    releases.push(ownQueue.close);
    const last = gateway.flush(nowMs);
    await Promise.all([queue.send(last), ownQueue.send(last)]);
    const peers = [
      { url: operator.url, token: `${PEER_TOKEN}x` },
      { url: operator.url, token: PEER_TOKEN },
    ];
    const means = { redisUrl: redis.url, gateways: [gateway.listed()], account, peers };
    const fresh = await startTestOperator({ ...means, answerWaitMs: 60_000 });
    releases.push(fresh.close);
    const answers = await Promise.all([operator, fresh].map((one) => one.askStatus('CH-1', nowSec - 4)));
    expect(answers.map(({ status, body }) => [status, body.result])).toEqual([
      [200, expect.any(String)],
      [200, answers[0]?.body.result],
    ]);
    const path = `/v1/peer/batches?gateway=${gateway.account}`;
    expect((await fetch(`${operator.url}${path}`)).status).toBe(401);
    const shown = { headers: { authorization: `Bearer ${PEER_TOKEN}` } };
    const { batches } = (await (await fetch(`${operator.url}${path}`, shown)).json()) as { batches: string[] };
    expect(batches.map((text) => JSON.parse(text).number)).toEqual([0, 1, 2, 3]);
    expect((await fetch(`${operator.url}/v1/peer/batches?gateway=x`, shown)).status).toBe(400);
    const proof = `${operator.url}/v1/peer/chargers/CH-1/events/${nowMs - 8_000}/1/proof`;
    expect(await (await fetch(proof, shown)).json()).toMatchObject({ gateway: gateway.account, number: 2, index: 1 });
    expect((await fetch(proof.replace('/1/proof', '/9/proof'), shown)).status).toBe(404);
  });

  it('shows its health and its metrics', async () => {
    const { gateway, operator } = await begin();
    const isRead = ({ status, body }: Awaited<ReturnType<typeof operator.health>>) =>
      status === 200 && body.backlog === 0 && (body.gateways as { isFollowed: boolean }[])[0]?.isFollowed;
    await waitFor(async () => isRead(await operator.health()), { what: 'green health, all read' });
    expect((await operator.health()).body).toEqual({
      status: 'green',
      database: true,
      redis: true,
      chain: true,
      backlog: 0,
      gateways: [
        { account: gateway.account, lagMs: expect.any(Number), isFollowed: true, parked: 0, isConvicted: false },
      ],
    });
    const metrics = await (await fetch(`${operator.url}/metrics`)).text();
    expect(metrics).toContain('devsen_adapter_batches_total{outcome="accept"} 2');
    expect(metrics).toContain(`devsen_adapter_gateway_lag_seconds{gateway="${gateway.account}"}`);
    expect((await fetch(`${operator.url}/nowhere`)).status).toBe(404);
  });

  it('stops while questions wait, and answers them so', async () => {
    const { operator, nowSec } = await begin();
    const question = operator.askStatus('CH-1', nowSec + 5);
    await waitFor(async () => (await (await fetch(`${operator.url}/metrics`)).text()).includes('waiting_questions 1'), {
      what: 'the question to wait',
    });
    await operator.close();
    releases.pop();
    expect((await question).status).toBe(504);
  });
});
