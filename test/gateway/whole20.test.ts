import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deriveFacts } from '../../core/derive-facts.ts';
import { chargerActions } from '../../ocpp-gateway/dialect.ts';
import { DIALECTS } from '../../ocpp-gateway/dialects.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { payloadCheck } from '../../ocpp-gateway/payload-checks.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { exchanged, messagesTested } from './messages-tested.ts';
import { payloads20, SEND_21, type Version20 } from './samples20.ts';
import { connectCharger, type RawCharger, readEvents, startTestGateway } from './support.ts';

describe('the whole of OCPP 2.x', () => {
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

  describe.each(['ocpp2.0.1', 'ocpp2.1'] as Version20[])('%s', (version) => {
    const identity = `CP-${version}`;
    const { fromCharger, toCharger } = messagesTested(version);
    const { request, response } = payloads20(version);
    const dialect = DIALECTS[version];
    let charger: RawCharger;

    beforeAll(async () => {
      charger = await connectCharger(gateway.port, identity, { subprotocols: ['ocpp1.6', version] });
    });
    afterAll(() => charger.close());
    const events = async () => (await readEvents(redis.url)).filter((event) => event.charger === identity);

    it('is known by heart, every message that it has a schema for', () => {
      expect(chargerActions(dialect)).toEqual(fromCharger);
      expect([...dialect.commands].sort()).toEqual(toCharger);
      expect(fromCharger.length + toCharger.length - 1).toBe(version === 'ocpp2.1' ? 91 : 64);
    });

    it('is taken in: every message answered by its schema, on record and understood', async () => {
      const calls = fromCharger.filter((action) => action !== SEND_21);
      for (const action of calls) {
        const [type, , payload] = await charger.call(`from-${action}`, action, request(action));
        expect([action, type]).toEqual([action, 3]);
        expect(payloadCheck(version, action, 'response')(payload)).toBeUndefined();
      }
      if (version === 'ocpp2.1') charger.send([6, 'from-send', SEND_21, request(SEND_21)]);
      const recorded = await waitFor(
        async () => {
          const told = (await events()).filter(({ frame }) => /"from-/.test(frame));
          return told.length >= fromCharger.length && told;
        },
        { what: 'every message to be on record' },
      );
      expect(recorded.map(({ frame }) => JSON.parse(frame)[2])).toEqual([
        ...calls,
        ...fromCharger.filter((action) => action === SEND_21),
      ]);
      for (const event of recorded) {
        expect(deriveFacts(event, version)).not.toMatchObject([{ kind: 'unusable' }]);
      }
      expect((await events())[0]?.frame).toBe(JSON.stringify({ subprotocol: version }));
    });

    it('is sent: every command checked, answered, on record and understood', async () => {
      for (const action of toCharger) {
        const check = payloadCheck(version, action);
        expect([action, check(request(action))]).toEqual([action, undefined]);
        expect(check({ ...request(action), more: 1 })?.code).toBe('FormatViolation');
        const before = charger.received.length;
        const payload = JSON.stringify(request(action));
        const end = gateway.command(identity, { action, payload, deadlineMs: Date.now() + 60_000 });
        const call = await waitFor(() => charger.received[before], { what: `${action} to reach the charger` });
        const [, id] = JSON.parse(call) as [number, string];
        expect(call).toBe(`[2,"${id}","${action}",${payload}]`);
        charger.send([3, id, response(action)]);
        expect(await end).toEqual({ kind: 'result', payload: JSON.stringify(response(action)) });
      }
      const answers = (await events()).filter(({ kind }) => kind === 'answer');
      const facts = answers.map((event) => deriveFacts(event, version)[0]);
      expect(facts).toMatchObject(toCharger.map((action) => ({ kind: 'answered', action, outcome: 'result' })));
    });

    it('has gone over the socket, every message of it, in each direction that it has', () => {
      expect(exchanged(charger)).toEqual({ fromCharger, toCharger });
    });
  });
});
