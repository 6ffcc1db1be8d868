import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeCallbackStore } from '../../jobs/node/callback-store.ts';
import { makeCallbacks } from '../../jobs/node/callbacks.ts';
import { openDatabase } from '../../jobs/node/database.ts';
import { type RunningJobNode, startJobNode } from '../../jobs/node/start.ts';
import { makeLog } from '../../runtime/log.ts';
import { freePort } from '../support/ports.ts';
import { ANSWER, makeWorld, PATIENCE_MS, type World, waitFor } from './world.ts';

jest.setTimeout(PATIENCE_MS);

const BRIDGE = 'http://127.0.0.1:8080/';
const log = makeLog('jobs', process.env.LOG_LEVEL ?? 'silent');

describe('a bridge that answers later', () => {
  let world: World;
  let node: RunningJobNode;
  let settings: Record<string, string>;
  beforeAll(async () => {
    world = await makeWorld({
      specChanges: (toml) => toml.replace('name="devsen" timeout="30s"', 'name="devsen" async="true" timeout="60s"'),
    });
    world.bridge.answer = () => ({ status: 200, body: { pending: true } });
    settings = { JOBS_PORT: String(await freePort()) };
    node = await startJobNode(world.settings(settings), log);
  });
  afterAll(async () => {
    await node.close();
    await world.close();
  });
  const send = async (url: string, body: unknown) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return (await fetch(url, { method: 'PATCH', body: text })).status;
  };
  const responseUrl = async (ask: number) => {
    await waitFor(() => world.bridge.asked.length >= ask, { what: `question ${ask}` });
    return String(world.bridge.asked[ask - 1]?.responseURL);
  };

  it('is handed a URL that takes one answer, with its token, and with a value or an error', async () => {
    const requestId = await world.request(1);
    const url = await responseUrl(1);
    expect(url).toMatch(
      new RegExp(`^http://127.0.0.1:${settings.JOBS_PORT}/v2/resume/[0-9a-f-]{36}\\?token=[0-9a-f]{64}$`),
    );
    const good = { value: { result: ANSWER } };
    const last = url.endsWith('0') ? '1' : '0';
    for (const wrong of [url.split('?')[0] as string, url.slice(0, -1) + last, url.replace(/resume\/./, 'resume/x')]) {
      expect(await send(wrong, good)).toBe(401);
    }
    for (const wrong of [{}, [], 'no json', '', { value: null }, { ...good, error: 'both' }, { error: 5 }]) {
      expect(await send(url, wrong)).toBe(400);
    }
    expect(await send(url, { value: 'x'.repeat(40_000) })).toBe(413);
    expect(await world.answered()).toEqual([]);

    expect(await send(url, good)).toBe(200);
    expect(await send(url, good)).toBe(409);
    await waitFor(async () => (await world.answered()).includes(requestId), { what: 'the answer' });
    expect(world.bridge.asked).toHaveLength(1);
  });

  it('is not asked again by a node that was restarted, which still takes the answer', async () => {
    const requestId = await world.request(2);
    const url = await responseUrl(2);
    const awaits = async () => (await fetch(`http://127.0.0.1:${node.port}/metrics`)).text();
    await waitFor(async () => (await awaits()).includes('devsen_jobs_awaited_answers 1'), { what: 'the run to wait' });
    await node.close();
    await expect(send(url, { value: { result: ANSWER } })).rejects.toThrow();
    node = await startJobNode(world.settings(settings), log);
    expect(await send(url, { value: { result: ANSWER } })).toBe(200);
    await waitFor(async () => (await world.answered()).includes(requestId), { what: 'the answer' });
    expect(world.bridge.asked).toHaveLength(2);
  });

  it('is asked again, with another URL, after it answered with an error', async () => {
    const requestId = await world.request(3);
    const first = await responseUrl(3);
    expect(await send(first, { error: 'busy' })).toBe(200);
    const second = await responseUrl(4);
    expect(second).not.toBe(first);
    expect(await send(first, { value: { result: ANSWER } })).toBe(409);
    expect(await send(second, { value: { result: ANSWER } })).toBe(200);
    await waitFor(async () => (await world.answered()).includes(requestId), { what: 'the answer' });
  });

  it('may answer before it has said that it answers later, or at once', async () => {
    world.bridge.answer = async (ask) => {
      expect(await send(String(world.bridge.asked[ask - 1]?.responseURL), { value: { result: ANSWER } })).toBe(200);
      return { status: 200, body: { pending: true } };
    };
    const early = await world.request(4);
    await waitFor(async () => (await world.answered()).includes(early), { what: 'the early answer' });
    world.bridge.answer = () => ({ status: 200, body: { statusCode: 200, result: ANSWER } });
    const asked = world.bridge.asked.length;
    const atOnce = await world.request(5);
    await waitFor(async () => (await world.answered()).includes(atOnce), { what: 'the answer at once' });
    expect(await send(await responseUrl(asked + 1), { value: 1 })).toBe(409);
  });
});

describe('a place for an answer that comes later', () => {
  const make = () => {
    const db = openDatabase(':memory:');
    db.exec(`INSERT INTO runs (id, job_id, request_id, state, generation, request, block_number, created_at_ms)
             VALUES (1, 'job', '0x1', 'unfinished', 0, '{}', 1, 0)`);
    return makeCallbacks(makeCallbackStore(db), (bridgeUrl) => (bridgeUrl === BRIDGE ? 'http://node/' : ''), Date.now);
  };
  const parts = (url: string) => {
    const { pathname, searchParams } = new URL(url);
    return [pathname.split('/').at(-1) as string, searchParams.get('token') as string] as const;
  };
  const never = new AbortController().signal;

  it('has no address for an adapter that could not reach the node, and stays open for one that has it', () => {
    const callbacks = make();
    expect(callbacks.open('a', 1, 1_000, 'http://elsewhere/').url).toBe('');
    const place = callbacks.open('a', 1, 1_000, BRIDGE);
    expect(callbacks.receive(...parts(place.url), '{"value": 1}')).toBe('taken');
    expect(callbacks.open('a', 1, 1_000, 'http://elsewhere/').isAwaited).toBe(true);
  });

  it('is closed when its time is over', async () => {
    const callbacks = make();
    const place = callbacks.open('1:0:ask', 1, 30, BRIDGE);
    place.setPending();
    await expect(place.wait(never)).rejects.toThrow('no answer came back within 30 ms');
    expect(callbacks.receive(...parts(place.url), '{"value": 1}')).toBe('used');
  });

  it('is the same for the same task until it is closed', () => {
    const callbacks = make();
    const place = callbacks.open('1:0:ask', 1, 1_000, BRIDGE);
    expect(callbacks.open('1:0:ask', 1, 1_000, BRIDGE).url).toBe(place.url);
    expect(callbacks.open('1:0:other', 1, 1_000, BRIDGE).url).not.toBe(place.url);
    place.close();
    expect(callbacks.open('1:0:ask', 1, 1_000, BRIDGE).url).not.toBe(place.url);
  });

  it('hands on a value as JSON, every digit kept, and an error as a fault', async () => {
    const callbacks = make();
    const place = callbacks.open('a', 1, 1_000, BRIDGE);
    const waiting = place.wait(never);
    expect(callbacks.receive(...parts(place.url), '{"value": {"n": 123456789012345678901234567890}}')).toBe('taken');
    expect(await waiting).toBe('{"n":123456789012345678901234567890}');
    const other = callbacks.open('b', 1, 1_000, BRIDGE);
    expect(callbacks.receive(...parts(other.url), '{"error": "no power"}')).toBe('taken');
    expect(other.giveUp()).toBe(false);
    await expect(other.wait(never)).rejects.toThrow('no power');
    expect(other.giveUp()).toBe(true);
  });

  it('stays open when the node stops', async () => {
    const callbacks = make();
    const place = callbacks.open('a', 1, 1_000, BRIDGE);
    const stop = new AbortController();
    const waiting = place.wait(stop.signal);
    stop.abort();
    await expect(waiting).rejects.toThrow('ended');
    expect(callbacks.receive(...parts(place.url), '{"value": 1}')).toBe('taken');
  });
});
