import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ZeroHash } from 'ethers';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import {
  basicAuth,
  CHARGER_KEY,
  connectCharger,
  HttpRefusal,
  otherSources,
  readEvents,
  refusalOf,
  startTestGateway,
} from './support.ts';

describe('a gateway, at its door', () => {
  let redis: TestRedis;
  let gateway: RunningGateway;

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startTestGateway(redis.url);
  });
  afterAll(async () => {
    await gateway.close();
    await redis.close();
  });

  it('lets a charger in that has the right key, as raw bytes or as hex digits', async () => {
    for (const key of [CHARGER_KEY, CHARGER_KEY.toString('hex'), CHARGER_KEY.toString('hex').toUpperCase()]) {
      const charger = await connectCharger(gateway.port, 'CP1', { key });
      expect(charger.socket.protocol).toBe('ocpp1.6');
      await charger.close();
    }
  });

  it('does not negotiate compression', async () => {
    const charger = await connectCharger(gateway.port, 'CP1');
    expect(charger.socket.extensions).toBe('');
    await charger.close();
  });

  it('refuses a wrong key with 401 and says which scheme it wants', async () => {
    expect(await refusalOf(gateway.port, 'CP1', { key: 'wrong' })).toBe('401 wrong key');
    const refusal = await connectCharger(gateway.port, 'CP1', { key: 'wrong' }).catch((error) => error);
    expect(refusal).toBeInstanceOf(HttpRefusal);
    expect(refusal.headers['www-authenticate']).toBe('Basic realm="OCPP"');
  });

  it('refuses a right key under another charger’s name with 401', async () => {
    const headers = { authorization: basicAuth('CP2') };
    expect(await refusalOf(gateway.port, 'CP1', { headers })).toBe('401 wrong key');
  });

  it('refuses a charger without any key with 401', async () => {
    expect(await refusalOf(gateway.port, 'CP1', { headers: { authorization: '' } })).toBe('401 wrong key');
  });

  it('refuses an unknown identity with 404', async () => {
    expect(await refusalOf(gateway.port, 'stranger')).toBe('404 unknown charger');
  });

  it('refuses a missing, a foreign and a malformed subprotocol with 400', async () => {
    expect(await refusalOf(gateway.port, 'CP1', { subprotocols: [] })).toBe('400 no subprotocol offered');
    expect(await refusalOf(gateway.port, 'CP1', { subprotocols: ['ocpp1.5'] })).toBe('400 no common subprotocol');
    expect(await rawRequest(gateway.port, upgradeRequest('/CP1', 'ocpp1.6,,'))).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('survives URLs that cannot be decoded, with 400', async () => {
    for (const path of ['/a%', '/%ff', '//%', '/ocpp/%E0%A4%A']) {
      expect(await rawRequest(gateway.port, upgradeRequest(path, 'ocpp1.6'))).toMatch(/^HTTP\/1\.1 400 /);
    }
    expect(gateway.health().status).toBe('green');
  });

  it('survives requests that are none, and answers a plain request with 426', async () => {
    await rawRequest(gateway.port, 'nonsense\r\n\r\n');
    await rawRequest(gateway.port, `GET /CP1 HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`);
    const plain = await fetch(`http://127.0.0.1:${gateway.port}/CP1`);
    expect(plain.status).toBe(426);
    await plain.text();
    const noKey = upgradeRequest('/CP1', 'ocpp1.6').replace(/Sec-WebSocket-Key.*\r\n/, '');
    expect(await rawRequest(gateway.port, noKey)).toMatch(/^HTTP\/1\.1 400 /);
    expect(gateway.health().status).toBe('green');
  });

  it('records nothing of those it refused, and counts them by reason', async () => {
    await refusalOf(gateway.port, 'CP9', { key: 'wrong' });
    const metrics = await (await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`)).text();
    expect(metrics).toMatch(/devsen_gateway_refused_total\{reason="wrong key"\} \d+/);
    expect((await readEvents(redis.url)).filter((event) => event.charger === 'CP9')).toEqual([]);
  });

  it('refuses what is over the bound of connections with 503', async () => {
    const small = await startTestGateway(redis.url, { MAX_CONNECTIONS: '1' }, { sources: otherSources() });
    const first = await connectCharger(small.port, 'CP1');
    expect(await refusalOf(small.port, 'CP2')).toBe('503 too many connections');
    const again = await connectCharger(small.port, 'CP1');
    expect((await first.closed).reason).toBe('replaced by a newer connection');
    await again.close();
    await small.close();
  });

  it('refuses with 503 a charger whose check does not end', async () => {
    const sources = { ...otherSources(), chargers: { find: () => new Promise<never>(() => {}) } };
    const slow = await startTestGateway(redis.url, { AUTH_TIMEOUT_MS: '100' }, { sources });
    expect(await refusalOf(slow.port, 'CP1')).toBe('503 check timed out');
    await slow.close();
  });

  it('refuses with 503 a charger it cannot look up because the chain is away', async () => {
    const sources = { ...otherSources(), chargers: { find: async () => 'unavailable' as const } };
    const blind = await startTestGateway(redis.url, {}, { sources });
    expect(await refusalOf(blind.port, 'CP1')).toBe('503 chain is away');
    await blind.close();
  });

  it('refuses a charger that has no key on chain with 401', async () => {
    const credential = { device: '', authorizationKeyHash: ZeroHash, certificateFingerprint: ZeroHash };
    const sources = { ...otherSources(), chargers: { find: async () => credential } };
    const keyless = await startTestGateway(redis.url, {}, { sources });
    expect(await refusalOf(keyless.port, 'CP1')).toBe('401 wrong key');
    await keyless.close();
  });

  it('refuses all with 503, and is red, while the chain does not know it by its key', async () => {
    const sources = otherSources();
    const stranger = await startTestGateway(redis.url, {}, { sources });
    const known = sources.registry.gateways();
    sources.registry.set({ gateways: known.map((row) => ({ ...row, signingKey: `0x${'99'.repeat(20)}` })) });
    expect(await refusalOf(stranger.port, 'CP1')).toBe('503 gateway is not ready');
    expect(stranger.health().problems).toEqual(['this gateway, or its key, is not registered on chain']);
    sources.registry.set({ gateways: known });
    await waitFor(() => stranger.health().status === 'green', { what: 'the gateway to be healthy again' });
    await (await connectCharger(stranger.port, 'CP1')).close();
    await stranger.close();
  });

  it('refuses all with 503 while no operator is there to keep what is recorded', async () => {
    const sources = otherSources();
    const lonely = await startTestGateway(redis.url, {}, { sources });
    const operators = sources.registry.operators();
    sources.registry.set({ operators: operators.map((row) => ({ ...row, active: false })) });
    expect(await refusalOf(lonely.port, 'CP1')).toBe('503 gateway is not ready');
    sources.registry.set({ operators });
    await waitFor(() => lonely.health().status === 'green', { what: 'the gateway to be healthy again' });
    await lonely.close();
  });

  it('fails to start on a port that is taken, and says so', async () => {
    await expect(
      startTestGateway(redis.url, { GATEWAY_PORT: `${gateway.port}` }, { sources: otherSources() }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

function upgradeRequest(path: string, subprotocols: string): string {
  return [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Sec-WebSocket-Protocol: ${subprotocols}`,
    `Authorization: ${basicAuth('CP1')}`,
    '',
    '',
  ].join('\r\n');
}

/** Sends bytes as they are and returns what came back until the other side closed. */
function rawRequest(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => resolve(answer));
    socket.on('close', () => resolve(answer));
  });
}
