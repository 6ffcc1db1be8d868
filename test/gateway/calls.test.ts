import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deriveFacts } from '../../core/derive-facts.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { connectCharger, otherSources, type RawCharger, readEvents, startTestGateway } from './support.ts';

type Wire = [number, string, string, unknown];

const IN_A_MINUTE = () => Date.now() + 60_000;

describe('a call to a charger', () => {
  let redis: TestRedis;
  let gateway: RunningGateway;
  let impatient: RunningGateway;
  let count = 0;

  beforeAll(async () => {
    redis = await startRedis();
    const limits = { MAX_CALLS_WAITING: '2', MAX_BAD_MESSAGES: '1' };
    gateway = await startTestGateway(redis.url, limits);
    const sources = otherSources();
    impatient = await startTestGateway(redis.url, { ...limits, CALL_TIMEOUT_MS: '1500' }, { sources });
  });
  afterAll(async () => {
    await impatient.close();
    await gateway.close();
    await redis.close();
  });

  const connect = async (to = gateway) => {
    const identity = `CPcall${++count}`;
    return { identity, charger: await connectCharger(to.port, identity) };
  };
  const send = (identity: string, action: string, payload = '{}', deadlineMs = IN_A_MINUTE(), by = gateway) =>
    by.command(identity, { action, payload, deadlineMs });
  const callsTo = (charger: RawCharger) => charger.received.filter((text) => text.startsWith('[2,'));
  /** The text of the nth call that reaches the charger; waits for it. */
  const nthCall = (charger: RawCharger, n: number) =>
    waitFor(() => callsTo(charger)[n - 1], { what: `call ${n} to reach the charger` });
  const idOf = (text: string) => (JSON.parse(text) as Wire)[1];
  const eventsOf = async (identity: string) =>
    (await readEvents(redis.url)).filter(({ charger }) => charger === identity);

  it('reaches it with the payload byte for byte, and gives back its payload byte for byte', async () => {
    const { identity, charger } = await connect();
    const end = send(identity, 'Reset', '{ "type" :"Soft",\t"type":"Soft" }');
    const call = await nthCall(charger, 1);
    expect(call).toBe(`[2,"${idOf(call)}","Reset",{ "type" :"Soft",\t"type":"Soft" }]`);
    charger.send(`[3, "${idOf(call)}", { "status" : "Accepted" , "n": 1.0}]`);
    expect(await end).toEqual({ kind: 'result', payload: '{ "status" : "Accepted" , "n": 1.0}' });
    await charger.close();
  });

  it('becomes, with its answer, a charger event that is durable once the caller has the answer', async () => {
    const { identity, charger } = await connect();
    const end = send(identity, 'Reset', '{"type":\t"Hard"}');
    const id = idOf(await nthCall(charger, 1));
    const answer = `[3,"${id}",{"status":"Rejected"}]`;
    charger.send(answer, [2, 'h', 'Heartbeat', {}]);
    await end;
    const events = await eventsOf(identity);
    expect(events.map(({ kind }) => kind).slice(0, 2)).toEqual(['open', 'answer']);
    expect(events[1]).toMatchObject({ seq: 1, frame: answer, reply: `[2,"${id}","Reset",{"type": "Hard"}]` });
    expect(deriveFacts(events[1] as NonNullable<(typeof events)[1]>, 'ocpp1.6')).toEqual([
      { kind: 'answered', action: 'Reset', outcome: 'result', status: 'Rejected' },
    ]);
    await charger.close();
  });

  it('may be answered with a byte order mark before the answer', async () => {
    const { identity, charger } = await connect();
    for (const n of [1, 2, 3]) {
      const end = send(identity, 'ClearCache');
      const answer = `\uFEFF[3,"${idOf(await nthCall(charger, n))}",{"status":"Accepted"}]`;
      charger.send(answer);
      expect(await end).toEqual({ kind: 'result', payload: '{"status":"Accepted"}' });
      const event = (await eventsOf(identity))[n] as NonNullable<Awaited<ReturnType<typeof eventsOf>>[number]>;
      expect(event.frame).toBe(answer);
      expect(deriveFacts(event, 'ocpp1.6')).toMatchObject([{ kind: 'answered', status: 'Accepted' }]);
    }
    await charger.close();
  });

  it('that sets an AuthorizationKey goes on record without the key', async () => {
    const { identity, charger } = await connect();
    const end = send(identity, 'ChangeConfiguration', '{"key":"AuthorizationKEY","value":"00ff"}');
    const call = await nthCall(charger, 1);
    expect(call).toContain('"value":"00ff"');
    charger.send([3, idOf(call), { status: 'Accepted' }]);
    await end;
    expect((await eventsOf(identity))[1]?.reply).toBe(
      `[2,"${idOf(call)}","ChangeConfiguration",{"key":"AuthorizationKEY","value":""}]`,
    );
    await charger.close();
  });

  it('that is refused ends with the code and description of the CALLERROR, which is on record', async () => {
    const { identity, charger } = await connect();
    const end = send(identity, 'ClearCache');
    charger.send([4, idOf(await nthCall(charger, 1)), 'NotSupported', 'no cache', {}]);
    expect(await end).toEqual({ kind: 'error', code: 'NotSupported', description: 'no cache' });
    expect(deriveFacts((await eventsOf(identity))[1] as never, 'ocpp1.6')).toEqual([
      { kind: 'answered', action: 'ClearCache', outcome: 'error', status: 'NotSupported' },
    ]);
    await charger.close();
  });

  it('that is answered with what nests too deep ends as malformed, and harms nobody', async () => {
    const { identity, charger } = await connect();
    const { charger: other } = await connect();
    const end = send(identity, 'TriggerMessage', '{"requestedMessage":"Heartbeat"}');
    const id = idOf(await nthCall(charger, 1));
    charger.send(`[3,"${id}",{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}},1]`);
    expect(await end).toEqual({ kind: 'malformed' });
    expect((await charger.call('1', 'Heartbeat', {}))[0]).toBe(3);
    expect((await other.call('1', 'Heartbeat', {}))[0]).toBe(3);
    await Promise.all([charger.close(), other.close()]);
  });

  it('whose answer breaks the gateway’s own handling costs the charger its connection, and no other', async () => {
    const { identity, charger } = await connect();
    const { charger: other } = await connect();
    const heard = () => {
      throw new Error('broken');
    };
    const end = gateway.command(identity, { action: 'ClearCache', payload: '{}', deadlineMs: IN_A_MINUTE(), heard });
    charger.send([3, idOf(await nthCall(charger, 1)), { status: 'Accepted' }]);
    expect(await charger.closed).toEqual({ code: 1011, reason: 'internal error' });
    expect(await end).toEqual({ kind: 'lost' });
    expect((await other.call('1', 'Heartbeat', {}))[0]).toBe(3);
    await other.close();
  });

  it('waits until the one before it is answered, and not more than may', async () => {
    const { identity, charger } = await connect();
    const ends = ['1', '2', '3', '4'].map((n) => send(identity, 'DataTransfer', `{"vendorId":"${n}"}`));
    expect(await ends[3]).toEqual({ kind: 'full' });
    for (const n of [1, 2, 3]) {
      const call = await nthCall(charger, n);
      expect(JSON.parse(call)[3]).toEqual({ vendorId: String(n) });
      expect(callsTo(charger)).toHaveLength(n);
      charger.send([3, idOf(call), { status: 'Accepted', data: String(n) }]);
      expect(await ends[n - 1]).toEqual({ kind: 'result', payload: `{"status":"Accepted","data":"${n}"}` });
    }
    await charger.close();
  });

  it('does not keep the charger from being heard meanwhile', async () => {
    const { identity, charger } = await connect();
    const end = send(identity, 'ClearCache');
    const id = idOf(await nthCall(charger, 1));
    expect((await charger.call('own', 'Heartbeat', {}))[0]).toBe(3);
    // Both may give their messages the same id.
    expect(
      (await charger.call(id, 'StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Available' }))[0],
    ).toBe(2);
    await waitFor(() => charger.received.includes(`[3,"${id}",{}]`), { what: 'the status to be answered' });
    charger.send([3, id, { status: 'Accepted' }]);
    expect(await end).toEqual({ kind: 'result', payload: '{"status":"Accepted"}' });
    await charger.close();
  });

  it('that is not answered in time is given up, its late answers are ignored, and the next one goes out', async () => {
    const { identity, charger } = await connect(impatient);
    const silent = send(identity, 'ClearCache', '{}', IN_A_MINUTE(), impatient);
    const next = send(identity, 'GetLocalListVersion', '{}', IN_A_MINUTE(), impatient);
    expect(await silent).toEqual({ kind: 'silent' });
    const lateId = idOf(await nthCall(charger, 1));
    // More than may be malformed in a row.
    for (let n = 0; n < 5; n++) charger.send([3, lateId, { status: 'Accepted' }]);
    charger.send([3, idOf(await nthCall(charger, 2)), { listVersion: 7 }]);
    expect(await next).toEqual({ kind: 'result', payload: '{"listVersion":7}' });
    expect((await charger.call('own', 'Heartbeat', {}))[0]).toBe(3);
    expect((await eventsOf(identity)).map(({ kind }) => kind)).toEqual(['open', 'answer', 'call']);
    await charger.close();
  });

  it('ends, as do those that wait, when the connection is lost', async () => {
    const { identity, charger } = await connect();
    const ends = [send(identity, 'ClearCache'), send(identity, 'ClearCache')];
    await nthCall(charger, 1);
    await charger.close();
    expect(await Promise.all(ends)).toEqual([{ kind: 'lost' }, { kind: 'lost' }]);
    await waitFor(() => !gateway.chargers().includes(identity), { what: 'the charger to be gone' });
    expect(send(identity, 'ClearCache')).toBeUndefined();
  });

  it('has its answer go on record once what follows from that is done, and not where it fails or comes too late', async () => {
    const { identity, charger } = await connect();
    /** Sends the nth call and has it answered; gives how it ends once the answer is heard. */
    const answered = async (n: number, follow: () => Promise<void>) => {
      const heard = Promise.withResolvers<string>();
      const end = gateway.command(identity, {
        action: 'ClearCache',
        payload: '{}',
        deadlineMs: IN_A_MINUTE(),
        heard: (text) => {
          heard.resolve(text);
          return follow();
        },
      });
      const answer = `[3,"${idOf(await nthCall(charger, n))}",{"status":"Rejected"}]`;
      charger.send(answer);
      expect(await heard.promise).toBe(answer);
      return { end };
    };
    const kinds = async () => (await eventsOf(identity)).map(({ kind }) => kind);
    const first = Promise.withResolvers<void>();
    const { end } = await answered(1, () => first.promise);
    await charger.call('own', 'Heartbeat', {});
    expect(await kinds()).toEqual(['open', 'call']);
    first.resolve();
    expect(await end).toEqual({ kind: 'result', payload: '{"status":"Rejected"}' });
    const failed = await answered(2, () => Promise.reject(new Error('Redis is away')));
    expect(await failed.end).toEqual({ kind: 'unrecorded' });
    const third = Promise.withResolvers<void>();
    const late = await answered(3, () => third.promise);
    await charger.close();
    await waitFor(async () => (await kinds()).includes('close'), { what: 'the end of the connection' });
    third.resolve();
    expect(await late.end).toEqual({ kind: 'unrecorded' });
    await connectCharger(gateway.port, identity).then((back) => back.close());
    await waitFor(async () => (await kinds()).filter((kind) => kind === 'close').length === 2, { what: 'another end' });
    expect(await kinds()).toEqual(['open', 'call', 'answer', 'close', 'open', 'close']);
  });

  it('that waits is over at its deadline, whatever the one before it does, and leaves its place', async () => {
    const { identity, charger } = await connect();
    const first = send(identity, 'ClearCache');
    const call = await nthCall(charger, 1);
    const ends = [100, 101].map((ms) => send(identity, 'Reset', '{"type":"Hard"}', Date.now() + ms));
    expect(await send(identity, 'ClearCache')).toEqual({ kind: 'full' });
    expect(await Promise.all(ends)).toEqual([{ kind: 'expired' }, { kind: 'expired' }]);
    const last = send(identity, 'GetLocalListVersion');
    charger.send([3, idOf(call), { status: 'Accepted' }]);
    expect(await first).toEqual({ kind: 'result', payload: '{"status":"Accepted"}' });
    const next = await nthCall(charger, 2);
    expect(next).toContain('"GetLocalListVersion"');
    charger.send([3, idOf(next), { listVersion: 7 }]);
    expect(await last).toEqual({ kind: 'result', payload: '{"listVersion":7}' });
    await charger.close();
  });

  it('is not sent after its deadline', async () => {
    const { identity, charger } = await connect(impatient);
    const first = send(identity, 'ClearCache', '{}', IN_A_MINUTE(), impatient);
    const second = send(identity, 'Reset', '{"type":"Hard"}', Date.now() + 100, impatient);
    expect(await first).toEqual({ kind: 'silent' });
    expect(await second).toEqual({ kind: 'expired' });
    expect(callsTo(charger)).toHaveLength(1);
    await charger.close();
  });

  it('whose answer is no answer ends as such', async () => {
    const { identity, charger } = await connect();
    const end = send(identity, 'ClearCache');
    charger.send([3, idOf(await nthCall(charger, 1))]);
    expect(await end).toEqual({ kind: 'malformed' });
    await charger.close();
  });

  it('in flight when the gateway stops is waited for; those behind it are not sent', async () => {
    const other = await startTestGateway(redis.url, {}, { sources: otherSources() });
    const charger = await connectCharger(other.port, 'CPdrain');
    const command = { action: 'ClearCache', payload: '{}', deadlineMs: IN_A_MINUTE() };
    const ends = [other.command('CPdrain', command), other.command('CPdrain', command)];
    const call = await nthCall(charger, 1);
    const closing = other.close();
    expect(await ends[1]).toEqual({ kind: 'leaving' });
    expect(await other.command('CPdrain', command)).toEqual({ kind: 'leaving' });
    charger.send([3, idOf(call), { status: 'Accepted' }]);
    expect(await ends[0]).toEqual({ kind: 'result', payload: '{"status":"Accepted"}' });
    await closing;
    expect((await charger.closed).code).toBe(1001);
  });
});
