import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { connectCharger, otherSources, type RawCharger, startTestGateway } from './support.ts';

const TOKEN = 'a token of the one who runs it';

describe('a gateway, towards whoever runs it', () => {
  let redis: TestRedis;
  let gateway: RunningGateway;
  const chargers: RawCharger[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startTestGateway(redis.url, { GATEWAY_ADMIN_TOKEN: TOKEN.replaceAll(' ', '-') });
    for (const name of ['CPb', 'CPa', 'CPc']) chargers.push(await connectCharger(gateway.port, name));
    await chargers[0]?.call('1', 'Heartbeat', {});
  });
  afterAll(async () => {
    await Promise.all(chargers.map((charger) => charger.close()));
    await gateway.close();
    await redis.close();
  });

  const get = async (port: number, query = '', token = TOKEN.replaceAll(' ', '-')) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${port}/v1/chargers${query}`, { headers });
    return { status: response.status, body: (await response.json()) as Record<string, never> };
  };

  it('lists the chargers that are connected, in order, page by page', async () => {
    const { status, body } = await get(gateway.adminPort);
    expect(status).toBe(200);
    const time = expect.stringMatching(/^\d{4}-.*Z$/);
    const facts = { version: 'ocpp1.6', epoch: expect.any(Number), callsInFlight: 0, connectedAt: time };
    expect(body).toEqual({
      chargers: [
        { identity: 'CPa', ...facts, lastFrameAt: null },
        { identity: 'CPb', ...facts, lastFrameAt: time },
        { identity: 'CPc', ...facts, lastFrameAt: null },
      ],
      next: null,
    });
    const first = await get(gateway.adminPort, '?limit=2');
    expect(first.body.next).toBe('CPb');
    const second = await get(gateway.adminPort, `?limit=2&after=${first.body.next}`);
    expect(second.body).toMatchObject({ chargers: [{ identity: 'CPc' }], next: null });
    expect((await get(gateway.adminPort, '?limit=0')).body.chargers).toHaveLength(3);
  });

  it('lists nothing without the token, or where none is set', async () => {
    for (const token of ['', 'wrong', TOKEN]) {
      const { status, body } = await get(gateway.adminPort, '', token);
      expect(status).toBe(401);
      expect(body).toEqual({ error: { code: 'UNAUTHORISED', message: 'the token is missing or wrong' } });
    }
    const closed = await startTestGateway(redis.url, {}, { sources: otherSources() });
    expect((await get(closed.adminPort, '', '')).body).toMatchObject({
      error: { message: 'GATEWAY_ADMIN_TOKEN is not set' },
    });
    await closed.close();
  });
});
