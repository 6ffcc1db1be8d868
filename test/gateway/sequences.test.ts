import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ChargerEvent } from '../../core/charger-event.ts';
import type { TransactionId } from '../../core/charger-fact.ts';
import { deriveFacts } from '../../core/derive-facts.ts';
import { OCPP_VERSIONS, type OcppVersion } from '../../core/ocpp-version.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { answerOf, factOf, ownIdOf, type Told, worded } from './sequence-words.ts';
import { connectCharger, type RawCharger, readEvents, startTestGateway } from './support.ts';

/** What a charger may do next. */
type Step =
  | { do: 'call' | 'send'; told: Told }
  /** One of its earlier messages once more, with another message id. */
  | { do: 'repeat'; back: number }
  | { do: 'garbage'; text: string }
  | { do: 'command'; answer: 'result' | 'error' | 'none' }
  | { do: 'terminate' | 'close' | 'takeOver' };

const of = fc.nat({ max: 2 });
const anyTold: fc.Arbitrary<Told> = fc.oneof(
  fc.constantFrom('boot', 'heartbeat').map((kind): Told => ({ kind })),
  fc.constantFrom('Accepted', 'Blocked', 'Expired').map((card): Told => ({ kind: 'authorize', card })),
  fc.constantFrom('Available', 'Unavailable', 'Faulted').map((status): Told => ({ kind: 'status', status })),
  of.map((of): Told => ({ kind: 'meter', of })),
  { weight: 2, arbitrary: of.map((of): Told => ({ kind: 'start', of })) },
  { weight: 2, arbitrary: fc.oneof(of, fc.constant('unknown' as const)).map((of): Told => ({ kind: 'stop', of })) },
);
const talk = (how: 'call' | 'send') => anyTold.map((told): Step => ({ do: how, told }));
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: talk('call') },
  { weight: 8, arbitrary: talk('send') },
  { weight: 3, arbitrary: fc.nat({ max: 20 }).map((back): Step => ({ do: 'repeat', back })) },
  { weight: 1, arbitrary: fc.constantFrom('{', '', '[]', '[3,"x",{}]').map((text): Step => ({ do: 'garbage', text })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('result', 'error', 'none').map((answer): Step => ({ do: 'command', answer })),
  },
  { weight: 2, arbitrary: fc.constantFrom('terminate', 'close', 'takeOver').map((what): Step => ({ do: what })) },
);

/** A message as it went over a socket, and the id by which it named its transaction. */
interface Sent {
  messageId: string;
  text: string;
  told: Told;
  id: TransactionId | undefined;
}

/** One connection: all that went over its socket, as the charger saw it. */
interface Connection {
  charger: RawCharger;
  calls: Sent[];
  answers: string[];
}

describe('whatever a charger does', () => {
  let redis: TestRedis;
  let gateway: RunningGateway;
  let runs = 0;

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startTestGateway(redis.url, { MAX_CONNECTS_PER_MIN: '0', REFUSE_CONCURRENT_TX: 'false' });
  });
  afterAll(async () => {
    await gateway.close();
    await redis.close();
  });

  async function play(version: OcppVersion, identity: string, steps: readonly Step[]): Promise<Connection[]> {
    const connections: Connection[] = [];
    const connect = async () => {
      const charger = await connectCharger(gateway.port, identity, { subprotocols: [version] });
      const made: Connection = { charger, calls: [], answers: [] };
      connections.push(made);
      return made;
    };
    let now = await connect();
    const tell = async (messageId: string, told: Told) => {
      const id = 'of' in told && told.kind !== 'start' ? await idOf(version, told.of, connections) : undefined;
      // Nobody ends a transaction of OCPP 1.6 whose id he was not told.
      const isLost = told.kind === 'stop' && id === undefined;
      const meant: Told = isLost ? { kind: 'stop', of: 'unknown' } : told;
      const named = 'of' in meant ? (id ?? ownIdOf(version, meant.of)) : undefined;
      const text = JSON.stringify([2, messageId, ...worded(version, meant, named)]);
      now.calls.push({ messageId, text, told: meant, id: named });
      now.charger.send(text);
    };
    for (const [n, step] of steps.entries()) {
      const messageId = `m${n}`;
      if (step.do === 'call' || step.do === 'send') {
        await tell(messageId, step.told);
        if (step.do === 'call') await now.charger.answerTo(messageId);
      } else if (step.do === 'repeat') {
        const before = connections.flatMap(({ calls }) => calls);
        const again = before[before.length - 1 - step.back];
        if (again === undefined) continue;
        const text = again.text.replace(again.messageId, messageId);
        now.calls.push({ ...again, messageId, text });
        now.charger.send(text);
      } else if (step.do === 'garbage') now.charger.send(step.text);
      else if (step.do === 'command') await obey(identity, now, step.answer);
      else {
        if (step.do === 'terminate') await now.charger.close();
        if (step.do === 'close') now.charger.socket.close(1000);
        now = await connect();
      }
    }
    await tell('end', { kind: 'heartbeat' });
    await now.charger.answerTo('end');
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

  it.each(OCPP_VERSIONS)(
    'its record is what it was told, connection by connection, and tells of its transactions what it did (%s)',
    async (version) => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 40 }), async (steps) => {
          const identity = `CPsequence${++runs}`;
          // A command that is not answered keeps those after it waiting: at most one for each connection.
          const connections = await play(version, identity, withoutWaiting(steps));
          const events = await eventsOf(identity, connections.length);
          expectWhole(connections, events);
          expectSame(version, connections, events);
        }),
        { numRuns: 9, endOnFailure: true },
      );
      expect(gateway.health().status).toBe('green');
    },
    120_000,
  );
});

/** Each message that was answered is on record, once, in order, by connection: nothing more and nothing else. */
function expectWhole(connections: readonly Connection[], events: readonly ChargerEvent[]): void {
  const epochs = [...new Set(events.map(({ epoch }) => epoch))];
  expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
  expect(epochs).toHaveLength(connections.length);
  for (const [n, { charger, calls, answers }] of connections.entries()) {
    const own = events.filter(({ epoch }) => epoch === epochs[n]);
    expect(own.map(({ seq }) => seq)).toEqual(own.map((_, seq) => seq));
    expect([own[0]?.kind, own.at(-1)?.kind]).toEqual(['open', 'close']);
    const taken = own.filter(({ kind }) => kind === 'call');
    // What it sent, in order, up to where the connection broke off. Nothing broke the last one off.
    const isLast = n === connections.length - 1;
    const texts = calls.map(({ text }) => text);
    expect(taken.map(({ frame }) => frame)).toEqual(isLast ? texts : texts.slice(0, taken.length));
    const told = charger.received.filter((text) => /^\[3,"(m|end)/.test(text));
    expect(told).toEqual(taken.map(({ reply }) => reply).slice(0, told.length));
    const answered = own.filter(({ kind }) => kind === 'answer').map(({ frame }) => frame);
    expect(answered).toEqual(answers.slice(0, answered.length));
  }
}

/** What operators read of the record, message by message, is what the charger did, and so are the transactions that go on. */
function expectSame(version: OcppVersion, connections: readonly Connection[], events: readonly ChargerEvent[]): void {
  const sent = new Map(connections.flatMap(({ calls }) => calls).map((one) => [one.text, one]));
  const given = new Map<number, TransactionId>();
  const [begun, over] = [new Set<number>(), new Set<number>()];
  const [begunByFacts, overByFacts] = [new Set<TransactionId>(), new Set<TransactionId>()];
  for (const event of events.filter(({ kind }) => kind === 'call')) {
    const { told, id: named } = sent.get(event.frame) as Sent;
    const [, , answer] = JSON.parse(event.reply) as [number, string, { transactionId?: number }];
    const id = told.kind === 'start' && version === 'ocpp1.6' ? answer.transactionId : named;
    expect(answer).toEqual(answerOf(version, told, id));
    const facts = deriveFacts(event, version);
    expect(facts).toMatchObject([factOf(version, told, id)]);

    if (told.kind === 'start') {
      // The same start, in whichever connection and message, is one transaction.
      expect(given.get(told.of) ?? id).toBe(id);
      given.set(told.of, id as TransactionId);
      begun.add(told.of);
    } else if (told.kind === 'stop' && told.of !== 'unknown') over.add(told.of);
    for (const fact of facts) {
      if (fact.kind === 'transaction-started') begunByFacts.add(fact.transactionId);
      if (fact.kind === 'transaction-stopped') overByFacts.add(fact.transactionId);
    }
    const open = [...begun].filter((of) => !over.has(of)).map((of) => given.get(of));
    // An end touches none but its own.
    expect([...begunByFacts].filter((one) => !overByFacts.has(one))).toEqual(open);
  }
  // Another start is another transaction.
  expect(new Set(given.values()).size).toBe(given.size);
}

/** The id of a transaction, which in OCPP 1.6 is what its start was answered; undefined if no answer came. */
async function idOf(version: OcppVersion, of: number | 'unknown', connections: readonly Connection[]) {
  const own = ownIdOf(version, of);
  if (own !== undefined) return own;
  for (const connection of connections) {
    const { charger, calls } = connection;
    const start = calls.find(({ told }) => told.kind === 'start' && told.of === of);
    if (start === undefined) continue;
    const isAnswered = charger.received.some((text) => text.startsWith(`[3,"${start.messageId}"`));
    if (!isAnswered && connection !== connections.at(-1)) continue;
    const [, , answer] = await charger.answerTo(start.messageId);
    return (answer as { transactionId: number }).transactionId;
  }
  return undefined;
}

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
