import { describe, expect, it } from '@jest/globals';
import { deriveFacts } from '../../core/derive-facts.ts';
import { waitFor } from '../support/wait.ts';
import { shareGateway } from './one-gateway.ts';
import { connectCharger, OPERATORS, otherSources, startTestGateway } from './support.ts';

/** The `transactionData`, or `meterValue`, that holds these samples. */
const metered = (...sampledValue: object[]) => [{ timestamp: '2026-03-01T12:00:00Z', sampledValue }];
const stop = (change: object) => ({
  transactionId: 99,
  meterStop: 9000,
  timestamp: '2026-03-01T12:00:00Z',
  ...change,
});
const STARTED = { idTagInfo: { status: 'Accepted' }, transactionId: expect.any(Number) };
const START = { connectorId: 1, idTag: 'Accepted-1', meterStart: 1200, timestamp: '2026-03-01T12:00:00Z' };

describe('a gateway, towards its chargers', () => {
  const { gateway, redisUrl, connect: connectAs, eventsOf } = shareGateway();
  let names = 0;

  const connect = async (identity = `CP${++names}`) => {
    return { identity, charger: await connectAs(identity) };
  };

  it('records each call with its exact text and its exact answer, in order, for every operator', async () => {
    const { identity, charger } = await connect();
    const boot = '[2,"b", "BootNotification" ,{"chargePointVendor":"Äcme\\t","chargePointModel":"M"}]';
    charger.send(boot);
    const answer = await charger.answerTo('b');
    expect(answer).toEqual([3, 'b', { status: 'Accepted', currentTime: expect.any(String), interval: 300 }]);
    await charger.call('h', 'Heartbeat', {});
    await charger.call('s', 'StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Available' });
    const [bootReply, heartbeatReply] = charger.received;
    for (const operator of OPERATORS) {
      const events = await eventsOf(identity, operator);
      expect(events.map(({ seq, kind, frame, reply }) => ({ seq, kind, frame, reply }))).toEqual([
        { seq: 0, kind: 'open', frame: '{"subprotocol":"ocpp1.6"}', reply: '' },
        { seq: 1, kind: 'call', frame: boot, reply: bootReply },
        { seq: 2, kind: 'call', frame: '[2,"h","Heartbeat",{}]', reply: heartbeatReply },
        {
          seq: 3,
          kind: 'call',
          frame: '[2,"s","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]',
          reply: '[3,"s",{}]',
        },
      ]);
    }
  });

  it('records the end of a connection with the code and reason of the close', async () => {
    const { identity, charger } = await connect();
    charger.socket.close(1000, 'night');
    await charger.closed;
    const events = await waitFor(
      async () => {
        const found = await eventsOf(identity);
        return found.length === 2 && found;
      },
      { what: 'the close event' },
    );
    expect(events[1]).toMatchObject({ seq: 1, kind: 'close', frame: '{"code":1000,"reason":"night"}', reply: '' });
  });

  it('gives each connection of a charger a greater epoch than the one before', async () => {
    const { identity, charger } = await connect();
    await charger.call('1', 'Heartbeat', {});
    await charger.close();
    const { charger: again } = await connect(identity);
    await again.call('1', 'Heartbeat', {});
    const epochs = (await eventsOf(identity)).filter(({ kind }) => kind === 'open').map(({ epoch }) => epoch);
    expect(epochs).toHaveLength(2);
    expect(epochs[1]).toBeGreaterThan(epochs[0] as number);
  });

  it.each([
    ['Authorize', { idTag: 'Blocked-1' }, { idTagInfo: { status: 'Blocked' } }],
    ['Authorize', { idTag: 'nobody' }, { idTagInfo: { status: 'Invalid' } }],
    ['DataTransfer', { vendorId: 'v' }, { status: 'UnknownVendorId' }],
    ['StopTransaction', { transactionId: -1, meterStop: 5, timestamp: '2026-03-01T12:00:00Z' }, {}],
    [
      'StopTransaction',
      { transactionId: 99, meterStop: 5, timestamp: '1970-01-01T00:00:00Z', idTag: 'Expired-1' },
      { idTagInfo: { status: 'Expired' } },
    ],
    [
      'MeterValues',
      { connectorId: 1, meterValue: [{ timestamp: '2026-03-01T12:00:00Z', sampledValue: [{ value: '1' }] }] },
      {},
    ],
    ['FirmwareStatusNotification', { status: 'Installed' }, {}],
    ['DiagnosticsStatusNotification', { status: 'Idle' }, {}],
    ['SecurityEventNotification', { type: 'Reset', timestamp: '2026-03-01T12:00:00Z' }, {}],
    ['LogStatusNotification', { status: 'Uploaded' }, {}],
    ['SignedFirmwareStatusNotification', { status: 'Installed' }, {}],
    ['SignCertificate', { csr: 'x' }, { status: 'Rejected' }],
  ])('answers %s %j', async (action, payload, expected) => {
    const { charger } = await connect();
    expect(await charger.call('1', action, payload)).toEqual([3, '1', expected]);
  });

  it.each<[string, string, boolean]>([
    ['also after its stop', new Date().toISOString(), true],
    ['also after its stop, told of the past', new Date(Date.now() - 86_400_000).toISOString(), true],
    ['until its stop where its clock was never set', '1970-01-01T00:00:07Z', false],
  ])(
    'gives the same StartTransaction the same id under another message id and on another connection, %s',
    async (_until, timestamp, isSame) => {
      const { identity, charger } = await connect();
      const start = { ...START, timestamp };
      const [, , first] = await charger.call('1', 'StartTransaction', start);
      const { transactionId } = first as { transactionId: number };
      expect(first).toEqual({ idTagInfo: { status: 'Accepted' }, transactionId: expect.any(Number) });
      expect(transactionId).toBeGreaterThan(0);
      expect(transactionId).toBeLessThan(2 ** 31);
      expect((await charger.call('2', 'StartTransaction', start))[2]).toMatchObject({ transactionId });
      const { charger: again } = await connect(identity);
      expect((await again.call('3', 'StartTransaction', start))[2]).toMatchObject({ transactionId });
      expect((await again.call('4', 'StartTransaction', { ...start, idTag: 'accepted-1' }))[2]).toMatchObject({
        transactionId,
      });
      await again.call('5', 'StopTransaction', { transactionId, meterStop: 1300, timestamp });
      const [, , next] = await again.call('6', 'StartTransaction', start);
      expect((next as { transactionId: number }).transactionId === transactionId).toBe(isSame);
      // That is one again.
      expect((await again.call('7', 'StartTransaction', start))[2]).toEqual(next);
    },
  );

  it('gives every other StartTransaction an id of its own', async () => {
    const { charger } = await connect();
    const { charger: other } = await connect();
    const starts = [
      START,
      { ...START, connectorId: 2 },
      { ...START, idTag: 'Accepted-2' },
      { ...START, meterStart: 1201 },
      { ...START, timestamp: '2026-03-01T12:00:01Z' },
    ];
    const ids = new Set<unknown>();
    for (const [i, start] of starts.entries()) {
      ids.add(((await charger.call(`${i}`, 'StartTransaction', start))[2] as { transactionId: number }).transactionId);
    }
    ids.add(((await other.call('o', 'StartTransaction', START))[2] as { transactionId: number }).transactionId);
    expect(ids.size).toBe(6);
  });

  it('gives a transaction id also to a card it refuses', async () => {
    const { charger } = await connect();
    expect(await charger.call('1', 'StartTransaction', { ...START, idTag: 'Blocked-1' })).toEqual([
      3,
      '1',
      { idTagInfo: { status: 'Blocked' }, transactionId: expect.any(Number) },
    ]);
  });

  it.each([
    ['StopTransaction', stop({ meterStop: 1234.5 }), {}, { meterStopWh: 1234 }],
    ['StopTransaction', stop({ transactionId: '99', idTag: null }), {}, { transactionId: 99, meterStopWh: 9000 }],
    ['StopTransaction', stop({ reason: 'StopByUser' }), {}, { reason: 'Other' }],
    ['StopTransaction', stop({ reason: null, transactionData: null }), {}, { reason: 'Local', samples: [] }],
    [
      'StopTransaction',
      stop({ transactionData: metered({ value: '21', unit: '°C', measurand: 'Temperature' }, { value: 8 }) }),
      {},
      {
        samples: [
          { measurand: 'Temperature', reading: { kind: 'unusable' } },
          { reading: { kind: 'value', value: 8, unit: 'Wh' } },
        ],
      },
    ],
    ['StartTransaction', { ...START, reservationId: null }, STARTED, { meterStartWh: 1200, outcome: 'Accepted' }],
    ['StartTransaction', { ...START, connectorId: '1', meterStart: '1200.9' }, STARTED, { meterStartWh: 1200 }],
    [
      'StartTransaction',
      { ...START, timestamp: '2026-03-01T12:00:00' },
      STARTED,
      { meterStartWh: 1200, startedAt: { clock: 'missing' } },
    ],
    [
      'MeterValues',
      { connectorId: 1, transactionId: null, meterValue: metered({ value: 7.5, unit: 'kWh' }) },
      {},
      { connector: 1, samples: [{ reading: { kind: 'value', value: 7500, unit: 'Wh' } }] },
    ],
    [
      'MeterValues',
      {
        connectorId: 1,
        meterValue: metered(
          { value: '50', unit: 'Hz', measurand: 'Frequency' },
          { value: '81', unit: '%' },
          { value: '9' },
          {},
        ),
      },
      {},
      {
        samples: [
          { reading: { kind: 'value', value: 50, unit: 'Hz' } },
          { reading: { kind: 'unusable' } },
          { reading: { kind: 'value', value: 9, unit: 'Wh' } },
          { reading: { kind: 'unusable' } },
        ],
      },
    ],
    [
      'BootNotification',
      { chargePointVendor: 'V', chargePointModel: 'M', chargePointSerialNumber: 's'.repeat(30), iccid: null },
      { status: 'Accepted', currentTime: expect.any(String), interval: 300 },
      { vendor: 'V', registration: 'Accepted' },
    ],
    [
      'StatusNotification',
      {
        connectorId: 1,
        errorCode: 'NoError',
        status: 'Charging',
        info: 'i'.repeat(51),
        timestamp: '2026-03-01T12:00:00',
      },
      {},
      { connector: 1, status: 3, reportedAt: { clock: 'missing' } },
    ],
  ])('takes %s %j as far as it is right, and has it on record as it came', async (action, payload, answer, told) => {
    const { identity, charger } = await connect();
    expect(await charger.call('1', action, payload)).toEqual([3, '1', answer]);
    const [, event] = await eventsOf(identity);
    expect(event).toMatchObject({ kind: 'call', frame: JSON.stringify([2, '1', action, payload]) });
    expect(deriveFacts(event as NonNullable<typeof event>, 'ocpp1.6')).toMatchObject([told]);
    const metrics = await (await fetch(`http://127.0.0.1:${gateway().adminPort}/metrics`)).text();
    expect(metrics).toContain(`action="${action}",outcome="forgiven"}`);
  });

  it('gives a StartTransaction the same id with a slip and without', async () => {
    const { charger } = await connect();
    const [, , first] = await charger.call('1', 'StartTransaction', { ...START, connectorId: '1', more: 1 });
    expect((await charger.call('2', 'StartTransaction', START))[2]).toEqual(first);
    const zoneless = ['12:00:00', '13:00:00'].map((time) => ({ ...START, timestamp: `2026-03-01T${time}` }));
    const [, , one] = await charger.call('3', 'StartTransaction', zoneless[0]);
    expect((await charger.call('4', 'StartTransaction', zoneless[1]))[2]).not.toEqual(one);
  });

  it('keeps transaction messages of which too little is right, raw, as suspect, and refuses none that it can answer', async () => {
    const { identity, charger } = await connect();
    const { timestamp: _, ...undated } = START;
    const frames = [
      JSON.stringify([2, '1', 'StartTransaction', { ...START, idTag: 'x'.repeat(21) }]),
      JSON.stringify([2, '2', 'StartTransaction', undated]),
      '[2,"3","StopTransaction",{"transactionId":1.5,"meterStop":1,"timestamp":"2026-03-01T12:00:00Z"}]',
      '[2,"4","StopTransaction",{"transactionId":1,"meterStop":"much","timestamp":"2026-03-01T12:00:00Z"}]',
      '[2,"5","MeterValues",{"connectorId":1}]',
      '[2,"6","MeterValues",[]]',
    ];
    charger.send(...frames);
    await charger.answerTo('6');
    expect(charger.received.map((text) => JSON.parse(text))).toEqual([
      [3, '1', { idTagInfo: { status: 'Invalid' }, transactionId: expect.any(Number) }],
      [4, '2', 'OccurenceConstraintViolation', "payload must have required property 'timestamp'", {}],
      [3, '3', {}],
      [3, '4', {}],
      [3, '5', {}],
      [3, '6', {}],
    ]);
    const suspects = (await eventsOf(identity)).filter(({ kind }) => kind === 'suspect');
    expect(suspects.map(({ frame }) => frame)).toEqual(frames);
    expect(suspects.map(({ reply }) => reply)).toEqual(charger.received);
  });

  it('refuses other messages that break their schema and does not record them', async () => {
    const { identity, charger } = await connect();
    expect(await charger.call('1', 'StatusNotification', { connectorId: 1, status: 'Available' })).toEqual([
      4,
      '1',
      'OccurenceConstraintViolation',
      "payload must have required property 'errorCode'",
      {},
    ]);
    expect(await charger.call('2', 'Authorize', { idTag: 'x'.repeat(21) })).toEqual([
      4,
      '2',
      'PropertyConstraintViolation',
      'payload/idTag must NOT have more than 20 characters',
      {},
    ]);
    await charger.call('3', 'Heartbeat', {});
    expect((await eventsOf(identity)).map(({ seq, kind }) => [seq, kind])).toEqual([
      [0, 'open'],
      [1, 'call'],
    ]);
  });

  it('answers unknown actions with NotImplemented, those of a CSMS with NotSupported, garbage with FormationViolation', async () => {
    const { charger } = await connect();
    expect((await charger.call('1', 'MakeCoffee', {}))[2]).toBe('NotImplemented');
    expect((await charger.call('2', 'Reset', { type: 'Soft' }))[2]).toBe('NotSupported');
    charger.send('no JSON at all');
    expect(await charger.answerTo('-1')).toEqual([4, '-1', 'FormationViolation', 'a frame must be JSON', {}]);
    charger.send([2, '3', 'Heartbeat']);
    expect(await charger.answerTo('3')).toEqual([4, '3', 'FormationViolation', 'a CALL has four elements', {}]);
  });

  it('answers with an InternalError that tells nothing where its own handling breaks, and lives on with the connection', async () => {
    const sources = otherSources();
    let isBroken = false;
    const snapshot = () => {
      if (isBroken) throw new Error('nobody’s business');
      return sources.registry.snapshot();
    };
    const faulty = await startTestGateway(
      redisUrl(),
      {},
      { sources: { ...sources, registry: { ...sources.registry, snapshot } } },
    );
    const charger = await connectCharger(faulty.port, 'CPfault');
    isBroken = true;
    const broken = await charger.call('1', 'BootNotification', { chargePointVendor: 'v', chargePointModel: 'm' });
    isBroken = false;
    expect(broken).toEqual([4, '1', 'InternalError', 'the message could not be processed', {}]);
    expect((await charger.call('2', 'Heartbeat', {}))[0]).toBe(3);
    await charger.close();
    await faulty.close();
  });

  it('answers a call with a number for an id, or a byte order mark before it, as it is on record', async () => {
    const { identity, charger } = await connect();
    const frames = ['[2,17,"Heartbeat",{}]', `\uFEFF${JSON.stringify([2, 'm', 'StopTransaction', stop({})])}`];
    charger.send(...frames, '\uFEFF[2,18,"Heartbeat"]');
    await charger.answerTo('m');
    expect(charger.received).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^\[3,17,\{"currentTime":/),
        '[4,18,"FormationViolation","a CALL has four elements",{}]',
      ]),
    );
    const [, heartbeat, stopped] = await eventsOf(identity);
    expect([heartbeat?.frame, stopped?.frame]).toEqual(frames);
    const facts = deriveFacts(stopped as NonNullable<typeof stopped>, 'ocpp1.6');
    expect(facts).toMatchObject([{ kind: 'transaction-stopped', meterStopWh: 9000 }]);
  });

  it('answers a StopTransaction with the samples of many hours, and has it on record', async () => {
    const { identity, charger } = await connect();
    const samples = Array.from({ length: 5_000 }, (_, n) => ({
      timestamp: '2026-03-01T12:00:00Z',
      sampledValue: [{ value: `${n}`, context: 'Sample.Periodic', unit: 'Wh', location: 'Outlet' }],
    }));
    const text = JSON.stringify([2, '1', 'StopTransaction', stop({ transactionData: samples })]);
    expect(text.length).toBeGreaterThan(600_000);
    charger.send(text);
    expect(await charger.answerTo('1')).toEqual([3, '1', {}]);
    const [, event] = await eventsOf(identity, OPERATORS[3]);
    expect(event?.frame === text).toBe(true);
    const [fact] = deriveFacts(event as NonNullable<typeof event>, 'ocpp1.6');
    expect(fact).toMatchObject({ kind: 'transaction-stopped', meterStopWh: 9000 });
  });

  it('lets empty frames and unknown message types pass without a word', async () => {
    const { charger } = await connect();
    charger.send('', [7, 'x', {}]);
    await charger.call('1', 'Heartbeat', {});
    expect(charger.received).toHaveLength(1);
  });

  it('answers a message id once that is sent again while the first is in flight', async () => {
    const { identity, charger } = await connect();
    charger.send(...Array.from({ length: 5 }, () => [2, 'same', 'StartTransaction', START]), [
      2,
      'end',
      'Heartbeat',
      {},
    ]);
    await charger.answerTo('end');
    expect(charger.received.map((text) => JSON.parse(text)[1])).toEqual(['same', 'end']);
    expect((await eventsOf(identity)).map(({ kind }) => kind)).toEqual(['open', 'call', 'call']);
  });

  it('answers and records another message under an id that is in flight', async () => {
    const { identity, charger } = await connect();
    const frames = [
      '[2,"same","Heartbeat",{}]',
      JSON.stringify([2, 'same', 'StopTransaction', stop({})]),
      JSON.stringify([2, 'same', 'StartTransaction', START]),
      '[2,"same","Heartbeat",{}]',
      JSON.stringify([2, 'same', 'StopTransaction', stop({ meterStop: 9001 })]),
    ];
    charger.send(...frames, [2, 'end', 'Heartbeat', {}]);
    await charger.answerTo('end');
    expect(charger.received.map((text) => JSON.parse(text)[2])).toEqual([
      { currentTime: expect.any(String) },
      {},
      STARTED,
      {},
      { currentTime: expect.any(String) },
    ]);
    const recorded = (await eventsOf(identity)).slice(1, -1);
    // The second Heartbeat is the first, sent again.
    expect(recorded.map(({ frame }) => frame)).toEqual(frames.filter((_, n) => n !== 3));
    expect(recorded.map(({ reply }) => reply)).toEqual(charger.received.slice(0, -1));
  });

  it('takes a message id that was answered before as a new message', async () => {
    const { identity, charger } = await connect();
    await charger.call('1', 'Heartbeat', {});
    charger.received.length = 0;
    await charger.call('1', 'Heartbeat', {});
    expect(await eventsOf(identity)).toHaveLength(3);
  });

  it('records calls in the order in which they came, though some of them need a look-up', async () => {
    const { identity, charger } = await connect();
    const frames = Array.from({ length: 12 }, (_, i) =>
      JSON.stringify(
        i % 3 === 0 ? [2, `${i}`, 'StartTransaction', { ...START, meterStart: i }] : [2, `${i}`, 'Heartbeat', {}],
      ),
    );
    charger.send(...frames);
    await charger.answerTo('11');
    expect((await eventsOf(identity)).slice(1).map(({ frame }) => frame)).toEqual(frames);
    expect(charger.received.map((text) => JSON.parse(text)[1])).toEqual(frames.map((_, i) => `${i}`));
  });

  it('lets no charger make up labels of its metrics', async () => {
    const { charger } = await connect();
    const frames = ['x', 'x', 'y', 'y'].map((id) => [2, id, `Label-${id}`, {}]);
    charger.send([2, 'start', 'StartTransaction', START], ...frames, [2, 'end', 'Heartbeat', {}]);
    await charger.answerTo('end');
    const metrics = await (await fetch(`http://127.0.0.1:${gateway().adminPort}/metrics`)).text();
    expect(metrics).not.toContain('Label-');
    expect(metrics).toMatch(/action="unknown",outcome="duplicate"\} 2$/m);
  });

  it('serves its counts to Prometheus and its health as JSON, and nothing else', async () => {
    const base = `http://127.0.0.1:${gateway().adminPort}`;
    const { charger } = await connect();
    await charger.call('1', 'Heartbeat', {});
    const metrics = await (await fetch(`${base}/metrics`)).text();
    expect(metrics).toMatch(/^devsen_gateway_connections 1$/m);
    expect(metrics).toMatch(
      /^# TYPE devsen_gateway_outbox_written_events_total counter\ndevsen_gateway_outbox_written_events_total [1-9]\d*$/m,
    );
    const waiting = /^devsen_gateway_operator_waiting_batches\{operator="0x(01|02|03|04)+"\} [1-9]\d*$/gm;
    expect(metrics.match(waiting)).toHaveLength(4);
    expect(metrics).toMatch(/^devsen_gateway_messages_total\{action="Heartbeat",outcome="answered"\} \d+$/m);
    expect(metrics).toMatch(/^devsen_gateway_answer_seconds_count \d+$/m);
    const health = await fetch(`${base}/health`);
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ status: 'green', problems: [], connections: 1 });
    expect((await fetch(`${base}/keys`)).status).toBe(404);
    expect((await fetch(`${base}/health`, { method: 'POST' })).status).toBe(405);
  });
});
