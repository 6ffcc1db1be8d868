import { describe, expect, it } from '@jest/globals';
import type { ChargerEvent } from '../../core/charger-event.ts';
import type { ChargerFact } from '../../core/charger-fact.ts';
import { deriveFacts } from '../../core/derive-facts.ts';
import { toldReading } from '../../core/meter-reading.ts';
import { notifyEvent, register, transactionEvent } from '../core/samples20.ts';
import { waitFor } from '../support/wait.ts';
import { shareGateway } from './one-gateway.ts';
import type { Version20 } from './samples20.ts';
import { OPERATORS } from './support.ts';

const HOUR_MS = 3_600_000;
const BOOT = { reason: 'PowerUp', chargingStation: { vendorName: 'v', model: 'm' } };
const EVSE = { evse: { id: 1, connectorId: 1 } };

/** What chargers of OCPP 2.x do in the field, each from the socket to what an operator reads of it. */
describe('a gateway, in the field of OCPP 2.x', () => {
  const { gateway, connect: connectAs, eventsOf } = shareGateway();
  let names = 0;

  /** A charger of the version told; where it makes no difference, of 2.0.1 and of 2.1 in turn. */
  const connect = async (version: Version20 = names % 2 === 0 ? 'ocpp2.0.1' : 'ocpp2.1', identity = `CP${++names}`) => {
    return { identity, charger: await connectAs(identity, { subprotocols: [version] }), version };
  };
  /** What the third operator has on record of a charger, without its connections. */
  const recordOf = async (identity: string): Promise<ChargerEvent[]> => {
    const events = await eventsOf(identity, OPERATORS[2]);
    return events.filter(({ kind }) => kind !== 'open' && kind !== 'close');
  };
  const factsOf = async ({ identity, version }: { identity: string; version: Version20 }): Promise<ChargerFact[]> =>
    (await recordOf(identity)).flatMap((event) => deriveFacts(event, version));

  it('answers a start that comes again with another message id as the first, and keeps both, of one transaction', async () => {
    const at = await connect();
    const idToken = { idToken: 'Accepted-1', type: 'Central' };
    const payload = now('Started', 0, { ...EVSE, idToken, ...told(1_000, 'Transaction.Begin') });
    const accepted = { idTokenInfo: { status: 'Accepted' } };
    expect(await at.charger.call('1', 'TransactionEvent', payload)).toEqual([3, '1', accepted]);
    expect(await at.charger.call('2', 'TransactionEvent', payload)).toEqual([3, '2', accepted]);
    expect((await recordOf(at.identity)).map(({ frame, reply }) => [frame, reply])).toEqual(
      ['1', '2'].map((id) => [JSON.stringify([2, id, 'TransactionEvent', payload]), JSON.stringify([3, id, accepted])]),
    );
    const [first, again, ...more] = await factsOf(at);
    expect(first).toMatchObject({
      kind: 'transaction-started',
      connector: 1,
      transactionId: 'tx-1',
      meterStartWh: 1_000,
      outcome: 'Accepted',
      startedAt: { clock: 'sound' },
      detail: { seqNo: 0, isOffline: false },
    });
    expect([again, more]).toEqual([first, []]);
  });

  it('answers an end that comes twice with other values, and keeps both, the first one first', async () => {
    const at = await connect();
    await at.charger.call('1', 'TransactionEvent', now('Started', 0, EVSE));
    const end = (id: string, stoppedReason: string, registerWh: number) => {
      const transactionInfo = { transactionId: 'tx-1', stoppedReason };
      const payload = now('Ended', 1, { transactionInfo, ...told(registerWh, 'Transaction.End') });
      return at.charger.call(id, 'TransactionEvent', payload);
    };
    expect(await end('2', 'EVDisconnected', 5_000)).toEqual([3, '2', {}]);
    expect(await end('3', 'PowerLoss', 9_000)).toEqual([3, '3', {}]);
    expect((await factsOf(at)).slice(1)).toMatchObject([
      { kind: 'transaction-stopped', transactionId: 'tx-1', meterStopWh: 5_000, reason: 'EVDisconnected' },
      { kind: 'transaction-stopped', transactionId: 'tx-1', meterStopWh: 9_000, reason: 'PowerLoss' },
    ]);
  });

  it('answers the end of a transaction it never heard of, and leaves the one that runs alone', async () => {
    const at = await connect();
    await at.charger.call('1', 'TransactionEvent', now('Started', 0, EVSE));
    const other = now('Ended', 4, { transactionInfo: { transactionId: 'tx-0' } });
    expect(await at.charger.call('2', 'TransactionEvent', other)).toEqual([3, '2', {}]);
    expect(await at.charger.call('3', 'TransactionEvent', now('Ended', 1))).toEqual([3, '3', {}]);
    expect(await factsOf(at)).toMatchObject([
      { kind: 'transaction-started', transactionId: 'tx-1' },
      { kind: 'transaction-stopped', transactionId: 'tx-0', reason: 'Local', detail: { seqNo: 4 } },
      { kind: 'transaction-stopped', transactionId: 'tx-1', reason: 'Local', detail: { seqNo: 1 } },
    ]);
  });

  it('takes in what was kept offline for hours, in order, by its own times', async () => {
    const at = await connect();
    const atMs = Date.now() - 9 * HOUR_MS;
    const kept = (eventType: Told, seqNo: number, minutes: number, change: object = {}) =>
      transactionEvent(eventType, seqNo, { timestamp: iso(atMs + minutes * 60_000), offline: true, ...change });
    const idToken = (idToken: string) => ({ idToken: { idToken, type: 'ISO14443' } });
    const second = { transactionInfo: { transactionId: 'tx-2' } };
    at.charger.send(
      [2, '1', 'TransactionEvent', kept('Started', 0, 0, { ...EVSE, ...idToken('Accepted-1') })],
      [2, '2', 'TransactionEvent', kept('Updated', 1, 30, told(4_000, 'Sample.Periodic', atMs + 30 * 60_000))],
      [2, '3', 'TransactionEvent', kept('Ended', 2, 60, told(7_000, 'Transaction.End', atMs + 60 * 60_000))],
      [2, '4', 'TransactionEvent', kept('Started', 0, 90, { ...EVSE, ...idToken('Blocked-2'), ...second })],
    );
    expect(await at.charger.answerTo('4')).toEqual([3, '4', { idTokenInfo: { status: 'Blocked' } }]);
    expect(at.charger.received.map((text) => JSON.parse(text)[1])).toEqual(['1', '2', '3', '4']);
    const late = (minutes: number) => ({ atSec: Math.floor((atMs + minutes * 60_000) / 1000), clock: 'late' });
    const detail = { isOffline: true };
    expect(await factsOf(at)).toMatchObject([
      { kind: 'transaction-started', transactionId: 'tx-1', outcome: 'Accepted', startedAt: late(0), detail },
      { kind: 'transaction-updated', updatedAt: late(30), samples: [{ takenAt: late(30) }], detail },
      { kind: 'transaction-stopped', meterStopWh: 7_000, stoppedAt: late(60), detail },
      { kind: 'transaction-started', transactionId: 'tx-2', outcome: 'Blocked', startedAt: late(90), detail },
    ]);
  });

  it('takes in meter values of a transaction that has ended, within it and beside it', async () => {
    const at = await connect();
    await at.charger.call('1', 'TransactionEvent', now('Started', 0, EVSE));
    await at.charger.call('2', 'TransactionEvent', now('Ended', 1, told(3_000, 'Transaction.End')));
    const after = now('Updated', 2, told(3_000));
    expect(await at.charger.call('3', 'TransactionEvent', after)).toEqual([3, '3', {}]);
    expect(await at.charger.call('4', 'MeterValues', { evseId: 1, ...told(3_001) })).toEqual([3, '4', {}]);
    const facts = await factsOf(at);
    expect(facts.slice(2)).toMatchObject([
      { kind: 'transaction-updated', transactionId: 'tx-1', detail: { seqNo: 2 } },
      { kind: 'meter', connector: 1 },
    ]);
    expect(facts.map((fact) => toldReading(fact, Date.now())?.registerWh)).toEqual([undefined, 3_000, 3_000, 3_001]);
  });

  it('takes in statuses before any boot, a boot after them, and another on the same socket', async () => {
    const at = await connect();
    const status = { timestamp: iso(), connectorStatus: 'Occupied', evseId: 1, connectorId: 1 };
    const component = { name: 'Connector', evse: { id: 2, connectorId: 1 } };
    const available = notifyEvent({ component, variable: 'AvailabilityState', value: 'Available' });
    expect(await at.charger.call('1', 'StatusNotification', status)).toEqual([3, '1', {}]);
    expect(await at.charger.call('2', 'NotifyEvent', available)).toEqual([3, '2', {}]);
    for (const id of ['3', '4']) {
      const [, , answer] = await at.charger.call(id, 'BootNotification', BOOT);
      expect(answer).toEqual({ status: 'Accepted', currentTime: expect.any(String), interval: 300 });
    }
    expect((await at.charger.call('5', 'Heartbeat', {}))[0]).toBe(3);
    expect(await factsOf(at)).toMatchObject([
      { kind: 'status', connector: 1, part: 1, reported: 'Occupied' },
      { kind: 'status', connector: 2, part: 1, reported: 'Available' },
      { kind: 'boot', vendor: 'v', model: 'm', registration: 'Accepted' },
      { kind: 'boot', registration: 'Accepted' },
      { kind: 'heartbeat' },
    ]);
    expect(gateway().chargers()).toContain(at.identity);
  });

  it('goes on with a transaction over a second connection while the first hangs half open', async () => {
    const at = await connect();
    await at.charger.call('1', 'TransactionEvent', now('Started', 0, EVSE));
    at.charger.socket.pause();
    const { charger: newer } = await connect(at.version, at.identity);
    // By a socket that nobody reads any more.
    at.charger.send([2, '2', 'TransactionEvent', now('Updated', 1, told(10))]);
    expect(await newer.call('2', 'TransactionEvent', now('Updated', 1, told(2_000)))).toEqual([3, '2', {}]);
    expect(await newer.call('3', 'TransactionEvent', now('Ended', 2))).toEqual([3, '3', {}]);
    at.charger.socket.resume();
    await at.charger.closed;
    expect(at.charger.received).toHaveLength(1);
    const record = await recordOf(at.identity);
    const epochs = [...new Set(record.map(({ epoch }) => epoch))];
    expect(record.map(({ epoch, frame }) => [epochs.indexOf(epoch), JSON.parse(frame)[1]])).toEqual([
      [0, '1'],
      [1, '2'],
      [1, '3'],
    ]);
    const facts = await factsOf(at);
    expect(facts.map(({ kind }) => kind)).toEqual([
      'transaction-started',
      'transaction-updated',
      'transaction-stopped',
    ]);
    expect(facts[1]).toMatchObject({ samples: [{ reading: { value: 2_000 } }] });
  });

  it('answers a charger that goes on to tell things while it is asked one, under the same message id even', async () => {
    const at = await connect();
    const command = { action: 'ClearCache', payload: '{}', deadlineMs: Date.now() + 60_000 };
    const end = gateway().command(at.identity, command);
    const call = await waitFor(() => at.charger.received[0], { what: 'the command to reach the charger' });
    const [, id] = JSON.parse(call) as [number, string];
    at.charger.send(
      [2, 'a', 'TransactionEvent', now('Started', 0, EVSE)],
      [2, id, 'TransactionEvent', now('Updated', 1, told(500))],
      [2, 'b', 'TransactionEvent', now('Ended', 2)],
    );
    await at.charger.answerTo('b');
    expect(at.charger.received.slice(1).map((text) => JSON.parse(text))).toEqual([
      [3, 'a', {}],
      [3, id, {}],
      [3, 'b', {}],
    ]);
    at.charger.send([3, id, { status: 'Rejected' }]);
    expect(await end).toEqual({ kind: 'result', payload: '{"status":"Rejected"}' });
    expect(await factsOf(at)).toMatchObject([
      { kind: 'transaction-started' },
      { kind: 'transaction-updated' },
      { kind: 'transaction-stopped' },
      { kind: 'answered', action: 'ClearCache', outcome: 'result', status: 'Rejected' },
    ]);
  });

  it('has a hard reset that takes the socket away before it is answered end as lost, and the charger back', async () => {
    const at = await connect();
    const command = { action: 'Reset', payload: '{"type":"Immediate"}', deadlineMs: Date.now() + 60_000 };
    const end = gateway().command(at.identity, command);
    await waitFor(() => at.charger.received.length === 1, { what: 'the reset to reach the charger' });
    await at.charger.close();
    expect(await end).toEqual({ kind: 'lost' });
    const { charger: again } = await connect(at.version, at.identity);
    const [, , boot] = await again.call('1', 'BootNotification', { ...BOOT, reason: 'RemoteReset' });
    expect(boot).toMatchObject({ status: 'Accepted' });
    expect((await factsOf(at)).map(({ kind }) => kind)).toEqual(['boot']);
  });

  it('gives a charger whose clock shows 1970, or next year, the time, and does not believe its own', async () => {
    const at = await connect();
    const [, , boot] = await at.charger.call('b', 'BootNotification', BOOT);
    const { currentTime } = boot as { currentTime: string };
    expect(Math.abs(Date.parse(currentTime) - Date.now())).toBeLessThan(60_000);
    const times = ['1970-01-01T00:00:07Z', iso(Date.now() + 365 * 24 * HOUR_MS), iso(Date.now() + 60_000)];
    for (const [n, timestamp] of times.entries()) {
      await at.charger.call(`${n}`, 'TransactionEvent', now('Started', 0, { timestamp }));
    }
    const clocks = (await factsOf(at)).slice(1).map((fact) => 'startedAt' in fact && fact.startedAt.clock);
    expect(clocks).toEqual(['skewed', 'skewed', 'sound']);
  });

  it('reads registers by unit and multiplier, without either as Wh, and none that another unit stands for', async () => {
    const at = await connect();
    const values = [
      { value: 12_345 },
      { value: 12_345, unitOfMeasure: {} },
      { value: 12_345.9, unitOfMeasure: { unit: 'Wh' } },
      { value: 12.345, unitOfMeasure: { unit: 'kWh' } },
      { value: 12.345, unitOfMeasure: { unit: 'Wh', multiplier: 3 } },
      { value: 1_234.5, unitOfMeasure: { multiplier: 1 } },
      { value: 123_450, unitOfMeasure: { unit: 'kWh', multiplier: -4 } },
      { value: 12_345, unitOfMeasure: { unit: 'W' } },
      { value: 12_345, unitOfMeasure: { unit: 'Toasts' } },
      { value: 16, measurand: 'Current.Import' },
    ];
    await at.charger.call('1', 'MeterValues', { evseId: 1, ...sampled(...values) });
    const [fact] = await factsOf(at);
    expect(fact?.kind === 'meter' && fact.samples.map(({ reading }) => shownOf(reading))).toEqual([
      12_345,
      12_345,
      12_345,
      12_345,
      12_345,
      12_345,
      12_345,
      'unusable',
      'unusable',
      'unusable',
    ]);
    // In 2.x a value is a number, which some stations put into quotes; what is none is none.
    for (const [id, value] of [
      ['2', '12345'],
      ['3', 'many'],
    ]) {
      expect(await at.charger.call(`${id}`, 'MeterValues', { evseId: 1, ...sampled({ value }) })).toEqual([3, id, {}]);
    }
    expect((await recordOf(at.identity)).map(({ kind }) => kind)).toEqual(['call', 'call', 'suspect']);
    const [, quoted, none] = await factsOf(at);
    expect(quoted?.kind === 'meter' && quoted.samples.map(({ reading }) => shownOf(reading))).toEqual([12_345]);
    expect(none).toMatchObject({ kind: 'unusable', action: 'MeterValues' });
  });

  it('takes a register of one phase for no register of the EVSE, though it alone is told', async () => {
    const at = await connect();
    const phases = ['L1', 'L2', 'L3'].map((phase, i) => ({ ...register(1_000 * (i + 1)), phase }));
    await at.charger.call('1', 'MeterValues', { evseId: 1, ...sampled(...phases) });
    await at.charger.call('2', 'MeterValues', { evseId: 1, ...sampled(...phases, register(6_000)) });
    await at.charger.call('3', 'TransactionEvent', now('Started', 0, { ...EVSE, ...sampled(...phases) }));
    const facts = await factsOf(at);
    const readings = facts.map((fact) => toldReading(fact, Date.now()));
    expect(readings[0]).toBeUndefined();
    expect(readings[1]).toMatchObject({ connector: 1, registerWh: 6_000 });
    expect(readings[2]).toBeUndefined();
    expect(facts[2]).not.toHaveProperty('meterStartWh');
  });

  it('tells a register that has been reset as it is, and never as one that went on', async () => {
    const at = await connect();
    const tell = (eventType: Told, seqNo: number, registerWh: number, context?: string) =>
      at.charger.call(`${seqNo}`, 'TransactionEvent', now(eventType, seqNo, { ...EVSE, ...told(registerWh, context) }));
    await tell('Started', 0, 500_000, 'Transaction.Begin');
    await tell('Updated', 1, 500_400);
    await tell('Updated', 2, 12);
    await tell('Ended', 3, 800, 'Transaction.End');
    const registers = (await factsOf(at)).map((fact) => toldReading(fact, Date.now())?.registerWh);
    expect(registers).toEqual([500_000, 500_400, 12, 800]);
  });

  it.each<[Version20, object]>([
    ['ocpp2.0.1', { signingMethod: '', publicKey: 'oca:base16:asn1:30' }],
    // Both may be left out since 2.1.
    ['ocpp2.1', {}],
  ])('keeps what a meter has signed byte for byte, of %s', async (version, more) => {
    const at = await connect(version);
    const data = Buffer.from('OCMF|{"FV":"1.0","RD":[{"RV":1.50,"RU":"kWh"}]}|{"SD":"30=="}').toString('base64');
    const signed = (context: string) => {
      const signedMeterValue = { signedMeterData: data, encodingMethod: 'OCMF', ...more };
      return sampled({ ...register(1_500, context), signedMeterValue });
    };
    // Plain text as well, and escapes where JSON needs none.
    const plain = String.raw`{"signedMeterData":"OCMF|{\"RV\":1.50}|\/\u0041=","encodingMethod":"","signingMethod":"","publicKey":""}`;
    const meterValue = `[{"timestamp":"${iso()}","sampledValue":[{"value":1.50,"signedMeterValue":${plain}}]}]`;
    const text = `[2,"3","MeterValues",{"evseId":1,"meterValue":${meterValue}}]`;
    await at.charger.call('1', 'TransactionEvent', now('Started', 0, signed('Transaction.Begin')));
    await at.charger.call('2', 'TransactionEvent', now('Ended', 1, signed('Transaction.End')));
    at.charger.send(text);
    expect(await at.charger.answerTo('3')).toEqual([3, '3', {}]);
    expect((await recordOf(at.identity)).at(-1)?.frame).toBe(text);
    const readings = (await factsOf(at)).flatMap((fact) => ('samples' in fact ? (fact.samples ?? []) : []));
    expect(readings.map(({ reading }) => reading)).toEqual([
      { kind: 'value', value: 1_500, unit: 'Wh' },
      { kind: 'signed', data },
      { kind: 'value', value: 1_500, unit: 'Wh' },
      { kind: 'signed', data },
      { kind: 'value', value: 1, unit: 'Wh' },
      { kind: 'signed', data: 'OCMF|{"RV":1.50}|/A=' },
    ]);
  });

  it('takes of 2.1 what 2.1 adds, and keeps it of 2.0.1 as suspect', async () => {
    const transactionInfo = { transactionId: 'tx-1', operationMode: 'ChargingOnly', transactionLimit: { maxCost: 5 } };
    const payload = now('Started', 0, { ...EVSE, transactionInfo, triggerReason: 'LimitSet' });
    const newer = await connect('ocpp2.1');
    expect(await newer.charger.call('1', 'TransactionEvent', payload)).toEqual([3, '1', {}]);
    expect(await factsOf(newer)).toMatchObject([{ kind: 'transaction-started', detail: { trigger: 'LimitSet' } }]);
    const older = await connect('ocpp2.0.1');
    expect(await older.charger.call('1', 'TransactionEvent', payload)).toEqual([3, '1', {}]);
    expect((await recordOf(older.identity)).map(({ kind }) => kind)).toEqual(['suspect']);
    expect(await factsOf(older)).toMatchObject([{ kind: 'unusable', action: 'TransactionEvent' }]);
  });

  it('knows a card in any case, at the start, at the end and beside', async () => {
    const [at, elsewhere] = [await connect(), await connect()];
    const showing = (idToken: string) => ({ ...EVSE, idToken: { idToken, type: 'ISO14443' } });
    const start = async ({ charger }: typeof at, id: string, idToken: string) => {
      const change = { ...showing(idToken), transactionInfo: { transactionId: `tx-${id}` } };
      const [, , answer] = await charger.call(id, 'TransactionEvent', now('Started', 0, change));
      return (answer as { idTokenInfo: { status: string } }).idTokenInfo.status;
    };
    expect(await start(at, '1', 'Accepted-Ab12')).toBe('Accepted');
    let starts = 1;
    const elsewhereIs = (status: string) =>
      waitFor(async () => (await start(elsewhere, `${++starts}`, 'Accepted-aB12')) === status, { what: status });
    await elsewhereIs('ConcurrentTx');
    const end = now('Ended', 1, { ...showing('Accepted-AB12'), transactionInfo: { transactionId: 'tx-1' } });
    expect(await at.charger.call('end', 'TransactionEvent', end)).toEqual([
      3,
      'end',
      { idTokenInfo: { status: 'Accepted' } },
    ]);
    await elsewhereIs('Accepted');
    const text = JSON.stringify([await factsOf(at), await factsOf(elsewhere)]);
    expect(text.toLowerCase()).not.toContain('ab12');
  });

  it('takes a start whose answer the socket did not live to see for the same when it comes again', async () => {
    const at = await connect();
    const idToken = { idToken: 'Accepted-once', type: 'Central' };
    const payload = now('Started', 0, { ...EVSE, idToken });
    at.charger.send([2, '1', 'TransactionEvent', payload]);
    await at.charger.close();
    const { charger: again } = await connect(at.version, at.identity);
    const [, , answer] = await again.call('1', 'TransactionEvent', payload);
    expect(answer).toEqual({ idTokenInfo: { status: 'Accepted' } });
    const facts = await factsOf(at);
    expect(facts.length).toBeGreaterThanOrEqual(1);
    for (const fact of facts) {
      expect(fact).toMatchObject({ kind: 'transaction-started', transactionId: 'tx-1', outcome: 'Accepted' });
    }
  });
});

type Told = Parameters<typeof transactionEvent>[0];

function iso(atMs = Date.now()): string {
  return new Date(atMs).toISOString();
}

/** A TransactionEvent of this moment. */
function now(eventType: Told, seqNo: number, change: object = {}) {
  return transactionEvent(eventType, seqNo, { timestamp: iso(), ...change });
}

/** Meter values of one moment. */
function sampled(...sampledValue: object[]) {
  return { meterValue: [{ timestamp: iso(), sampledValue }] };
}

/** The register as it stood at a moment, Wh. */
function told(registerWh: number, context?: string, atMs?: number) {
  return { meterValue: [{ timestamp: iso(atMs), sampledValue: [register(registerWh, context)] }] };
}

function shownOf(reading: { kind: string; value?: number }) {
  return reading.kind === 'value' ? reading.value : reading.kind;
}
