import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ChargerEvent } from '../../core/charger-event.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { connectCharger, type RawCharger, readEvents, startTestGateway } from './support.ts';

const TIME = '2026-03-01T12:00:00Z';

/** What a charger may do next. */
type Step =
  | { do: 'call' | 'send'; action: string; payload: object }
  | { do: 'garbage'; text: string }
  | { do: 'command'; answer: 'result' | 'error' | 'none' }
  | { do: 'terminate' | 'close' | 'takeOver' };

const message = fc.oneof(
  fc.constant(['Heartbeat', {}] as const),
  fc.constantFrom('Available', 'Charging', 'Faulted').map((status) => {
    return ['StatusNotification', { connectorId: 1, errorCode: 'NoError', status }] as const;
  }),
  fc.nat({ max: 3 }).map((n) => {
    return ['StartTransaction', { connectorId: 1, idTag: 'Accepted', meterStart: n, timestamp: TIME }] as const;
  }),
  fc.integer({ min: -1, max: 3 }).map((transactionId) => {
    return ['StopTransaction', { transactionId, meterStop: 9, timestamp: TIME, idTag: 'Blocked' }] as const;
  }),
);
const talk = (how: 'call' | 'send') => message.map(([action, payload]): Step => ({ do: how, action, payload }));
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: talk('call') },
  { weight: 6, arbitrary: talk('send') },
  { weight: 1, arbitrary: fc.constantFrom('{', '', '[]', '[3,"x",{}]').map((text): Step => ({ do: 'garbage', text })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('result', 'error', 'none').map((answer): Step => ({ do: 'command', answer })),
  },
  { weight: 2, arbitrary: fc.constantFrom('terminate', 'close', 'takeOver').map((what): Step => ({ do: what })) },
);

/** One connection: all that went over its socket, as the charger saw it. */
interface Connection {
  charger: RawCharger;
  calls: string[];
  answers: string[];
}

describe('whatever a charger does', () => {
  let redis: TestRedis;
  let gateway: RunningGateway;
  let runs = 0;

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startTestGateway(redis.url, { MAX_CONNECTS_PER_MIN: '0' });
  });
  afterAll(async () => {
    await gateway.close();
    await redis.close();
  });

  async function play(identity: string, steps: readonly Step[]): Promise<Connection[]> {
    const connections: Connection[] = [];
    const connect = async () => {
      const made = { charger: await connectCharger(gateway.port, identity), calls: [], answers: [] };
      connections.push(made);
      return made;
    };
    let now: Connection = await connect();
    for (const [n, step] of steps.entries()) {
      if (step.do === 'call' || step.do === 'send') {
        const text = JSON.stringify([2, `m${n}`, step.action, step.payload]);
        now.calls.push(text);
        now.charger.send(text);
        if (step.do === 'call') await now.charger.answerTo(`m${n}`);
      } else if (step.do === 'garbage') now.charger.send(step.text);
      else if (step.do === 'command') await obey(identity, now, step.answer);
      else {
        if (step.do === 'terminate') await now.charger.close();
        if (step.do === 'close') now.charger.socket.close(1000);
        now = await connect();
      }
    }
    await now.charger.call('end', 'Heartbeat', {});
    now.calls.push('[2,"end","Heartbeat",{}]');
    now.charger.socket.close(1000);
    await Promise.all(connections.map(({ charger }) => charger.closed));
    return connections;
  }

  async function obey(identity: string, { charger, answers }: Connection, answer: 'result' | 'error' | 'none') {
    const before = commandsTo(charger).length;
    const command = { action: 'ClearCache', payload: '{}', deadlineMs: Date.now() + 60_000 };
    void gateway.command(identity, command);
    if (answer === 'none') return;
    const call = await waitFor(() => commandsTo(charger)[before], { what: 'the command', timeoutMs: 5_000 }).catch(
      () => undefined,
    );
    // One before it is not answered yet, and never will be on this connection.
    if (call === undefined) return;
    const [, id] = call;
    const text = answer === 'result' ? `[3,"${id}",{"status":"Accepted"}]` : `[4,"${id}","NotSupported","",{}]`;
    answers.push(text);
    charger.send(text);
  }

  const eventsOf = (identity: string, connections: number) =>
    waitFor(
      async () => {
        const events = (await readEvents(redis.url)).filter((event) => event.charger === identity);
        return events.filter(({ kind }) => kind === 'close').length === connections && events;
      },
      { what: 'every connection’s end' },
    ) as Promise<ChargerEvent[]>;

  it('its record is what it was told, connection by connection: nothing more, nothing else, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 30 }), async (steps) => {
        const identity = `CPsequence${++runs}`;
        // A command that is not answered keeps those after it waiting: at most one for each connection.
        const connections = await play(identity, withoutWaiting(steps));
        const events = await eventsOf(identity, connections.length);
        const epochs = [...new Set(events.map(({ epoch }) => epoch))];
        expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
        expect(epochs).toHaveLength(connections.length);
        for (const [n, { charger, calls, answers }] of connections.entries()) {
          const own = events.filter(({ epoch }) => epoch === epochs[n]);
          expect(own.map(({ seq }) => seq)).toEqual(own.map((_, seq) => seq));
          expect([own[0]?.kind, own.at(-1)?.kind]).toEqual(['open', 'close']);
          const taken = own.filter(({ kind }) => kind === 'call');
          // What it sent, in order, up to where the connection broke off.
          expect(taken.map(({ frame }) => frame)).toEqual(calls.slice(0, taken.length));
          const told = charger.received.filter((text) => /^\[3,"(m|end)/.test(text));
          expect(told).toEqual(taken.map(({ reply }) => reply).slice(0, told.length));
          const answered = own.filter(({ kind }) => kind === 'answer').map(({ frame }) => frame);
          expect(answered).toEqual(answers.slice(0, answered.length));
        }
        // The same start, in whichever connection and message, is one transaction; another one is another.
        const starts = events.filter(({ kind, frame }) => kind === 'call' && frame.includes('"StartTransaction"'));
        const told = starts.map(({ frame }) => JSON.stringify(JSON.parse(frame)[3]));
        const pairs = new Set(starts.map(({ reply }, n) => `${told[n]} ${JSON.parse(reply)[2].transactionId}`));
        const ids = new Set(starts.map(({ reply }) => JSON.parse(reply)[2].transactionId));
        expect([pairs.size, ids.size]).toEqual([new Set(told).size, new Set(told).size]);
        const last = connections.at(-1) as Connection;
        const ofLast = events.filter(({ epoch, kind }) => epoch === epochs.at(-1) && kind === 'call');
        // Nothing broke the last one off, so all of it is on record.
        expect(ofLast.map(({ frame }) => frame)).toEqual(last.calls);
      }),
      { numRuns: 25, endOnFailure: true },
    );
    expect(gateway.health().status).toBe('green');
  }, 120_000);
});

/** The steps without commands that would wait for one which is never answered. */
function withoutWaiting(steps: readonly Step[]): Step[] {
  let isWaiting = false;
  return steps.filter((step) => {
    if (['terminate', 'close', 'takeOver'].includes(step.do)) isWaiting = false;
    if (step.do !== 'command') return true;
    const isKept = !isWaiting;
    isWaiting ||= step.answer === 'none';
    return isKept;
  });
}

function commandsTo({ received }: RawCharger): [2, string, string][] {
  return received.map((text) => JSON.parse(text)).filter(([type]) => type === 2);
}
