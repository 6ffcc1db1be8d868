import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sendCommand } from '../../network/command.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { connectCharger, MANAGER, memorySources, readEvents, startTestGateway } from './support.ts';

describe('a gateway that stops', () => {
  let redis: TestRedis;

  beforeEach(async () => {
    redis = await startRedis();
  });
  afterEach(() => redis.close());

  it('answers what is in flight, takes no new calls, closes with 1001 and leaves all in the queues', async () => {
    const { promise: look, resolve: letLook } = Promise.withResolvers<void>();
    const { promise: looked, resolve: setLooked } = Promise.withResolvers<void>();
    const sources = {
      ...memorySources(),
      idTags: {
        verdict: async () => {
          setLooked();
          await look;
          return { status: 'Accepted' as const };
        },
      },
    };
    const gateway = await startTestGateway(redis.url, {}, { sources });
    const chargers = await Promise.all(['CP1', 'CP2'].map((identity) => connectCharger(gateway.port, identity)));
    const [first, second] = chargers as [(typeof chargers)[0], (typeof chargers)[0]];
    await second.call('0', 'Heartbeat', {});
    first.send([2, '1', 'Authorize', { idTag: 'A' }]);
    await looked;
    const closed = gateway.close();
    second.send([2, '2', 'Heartbeat', {}]);
    letLook();
    expect(await first.answerTo('1')).toEqual([3, '1', { idTagInfo: { status: 'Accepted' } }]);
    for (const charger of chargers) {
      expect(await charger.closed).toEqual({ code: 1001, reason: 'gateway is going away' });
    }
    await closed;
    expect(second.received).toHaveLength(1);
    const events = await readEvents(redis.url);
    expect(events.filter(({ charger }) => charger === 'CP1').map(({ kind }) => kind)).toEqual([
      'open',
      'call',
      'close',
    ]);
    expect(events.filter(({ charger }) => charger === 'CP2').map(({ kind }) => kind)).toEqual([
      'open',
      'call',
      'close',
    ]);
  });

  it('answers a manager whose command is out, once what the charger answers is on record', async () => {
    const gateway = await startTestGateway(redis.url);
    const charger = await connectCharger(gateway.port, 'CP1');
    const reply = sendCommand(
      { gatewayUrl: `http://127.0.0.1:${gateway.port}`, network: memorySources().registry.network },
      MANAGER,
      { identity: 'CP1', action: 'ClearCache', payload: '{}', validSec: 60 },
    );
    const call = await waitFor(() => charger.received[0], { what: 'the call to reach the charger' });
    redis.pause();
    const closed = gateway.close();
    charger.send([3, JSON.parse(call)[1], { status: 'Accepted' }]);
    // The second one finds the socket open still, after all that the answer has brought about.
    for (let n = 0; n < 2; n++) {
      charger.socket.ping();
      await once(charger.socket, 'pong');
    }
    redis.resume();
    expect(await reply).toEqual({ status: 200, body: '{"status":"Accepted"}' });
    await closed;
    expect((await readEvents(redis.url)).map(({ kind }) => kind)).toEqual(['open', 'answer', 'close']);
  });

  it('tells a manager that its charger did not answer in the time that there was', async () => {
    const gateway = await startTestGateway(redis.url, { DRAIN_TIMEOUT_MS: '50' });
    const charger = await connectCharger(gateway.port, 'CP1');
    const reply = sendCommand(
      { gatewayUrl: `http://127.0.0.1:${gateway.port}`, network: memorySources().registry.network },
      MANAGER,
      { identity: 'CP1', action: 'ClearCache', payload: '{}', validSec: 60 },
    );
    await waitFor(() => charger.received[0], { what: 'the call to reach the charger' });
    await gateway.close();
    expect((await reply).status).toBe(504);
  });

  it('does not wait longer than it may for a call that does not end', async () => {
    const sources = { ...memorySources(), idTags: { verdict: () => new Promise<never>(() => {}) } };
    const gateway = await startTestGateway(redis.url, { DRAIN_TIMEOUT_MS: '50' }, { sources });
    const charger = await connectCharger(gateway.port, 'CP1');
    charger.send([2, '1', 'Authorize', { idTag: 'A' }]);
    await gateway.close();
    expect((await charger.closed).code).toBe(1001);
    expect(charger.received).toEqual([]);
  });

  it('goes on, started again, with greater epochs and the same chain of batches', async () => {
    const epochs: number[] = [];
    for (let i = 0; i < 2; i++) {
      const gateway = await startTestGateway(redis.url);
      const charger = await connectCharger(gateway.port, 'CP1');
      await charger.call('1', 'Heartbeat', {});
      await charger.close();
      await gateway.close();
    }
    for (const event of await readEvents(redis.url)) if (event.kind === 'open') epochs.push(event.epoch);
    expect(epochs).toHaveLength(2);
    expect(epochs[1]).toBeGreaterThan(epochs[0] as number);
  });

  it('does not wait for a socket that never asked for anything', async () => {
    const gateway = await startTestGateway(redis.url);
    const idle = connect(gateway.port, '127.0.0.1');
    await once(idle, 'connect');
    const gone = once(idle, 'close');
    await gateway.close();
    await gone;
  });

  it('may be told to stop twice', async () => {
    const gateway = await startTestGateway(redis.url);
    await Promise.all([gateway.close(), gateway.close()]);
    await gateway.close();
  });
});
