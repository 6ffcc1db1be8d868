import { describe, expect, it } from '@jest/globals';
import type { ChargerFact } from '../../core/charger-fact.ts';
import { deriveFacts } from '../../core/derive-facts.ts';
import { kwhAsWh } from '../../core/kwh-as-wh.ts';
import { toldReading } from '../../core/meter-reading.ts';
import { waitFor } from '../support/wait.ts';
import { shareGateway } from './one-gateway.ts';
import { OPERATORS, type RawCharger } from './support.ts';

const HOUR_MS = 3_600_000;

/** What chargers in the field do, each from the socket to what an operator reads of it. */
describe('a gateway, in the field', () => {
  const { gateway, connect: connectAs, eventsOf } = shareGateway();
  let names = 0;

  const connect = async (identity = `CP${++names}`) => {
    return { identity, charger: await connectAs(identity) };
  };
  /** What the third operator reads of a charger, without its connections. */
  const factsOf = async (identity: string): Promise<ChargerFact[]> => {
    const events = await eventsOf(identity, OPERATORS[2]);
    const facts = events.flatMap((event) => deriveFacts(event, 'ocpp1.6'));
    return facts.filter(({ kind }) => kind !== 'opened' && kind !== 'closed');
  };
  const start = async (charger: RawCharger, id: string, payload: object = {}) => {
    const [type, , result] = await charger.call(id, 'StartTransaction', {
      connectorId: 1,
      idTag: 'Accepted-1',
      meterStart: 1_000,
      timestamp: new Date().toISOString(),
      ...payload,
    });
    expect(type).toBe(3);
    return (result as { transactionId: number }).transactionId;
  };
  const stop = (charger: RawCharger, id: string, transactionId: number, meterStop: number, payload: object = {}) =>
    charger.call(id, 'StopTransaction', { transactionId, meterStop, timestamp: new Date().toISOString(), ...payload });
  const meter = (charger: RawCharger, id: string, sampledValue: object[], payload: object = {}) =>
    charger.call(id, 'MeterValues', {
      connectorId: 1,
      meterValue: [{ timestamp: new Date().toISOString(), sampledValue }],
      ...payload,
    });

  it('answers an end of transaction −1 and one of an id it never gave, and leaves the one that runs alone', async () => {
    const { identity, charger } = await connect();
    const running = await start(charger, '1');
    expect(await stop(charger, '2', -1, 1_500)).toEqual([3, '2', {}]);
    expect(await stop(charger, '3', running + 1_000_000, 1_600)).toEqual([3, '3', {}]);
    expect(await stop(charger, '4', running, 1_700)).toEqual([3, '4', {}]);
    const facts = await factsOf(identity);
    expect(facts.map((fact) => ('transactionId' in fact ? fact.transactionId : fact.kind))).toEqual([
      running,
      -1,
      running + 1_000_000,
      running,
    ]);
  });

  it('answers an end that comes twice with other values, and keeps both, the first one first', async () => {
    const { identity, charger } = await connect();
    const transactionId = await start(charger, '1');
    await stop(charger, '2', transactionId, 5_000, { reason: 'EVDisconnected' });
    expect(await stop(charger, '3', transactionId, 9_000, { reason: 'PowerLoss' })).toEqual([3, '3', {}]);
    expect((await factsOf(identity)).slice(1)).toMatchObject([
      { kind: 'transaction-stopped', transactionId, meterStopWh: 5_000, reason: 'EVDisconnected' },
      { kind: 'transaction-stopped', transactionId, meterStopWh: 9_000, reason: 'PowerLoss' },
    ]);
  });

  it('takes in what was kept offline for hours, in order, by its own times', async () => {
    const { identity, charger } = await connect();
    const atMs = Date.now() - 9 * HOUR_MS;
    const at = (minutes: number) => new Date(atMs + minutes * 60_000).toISOString();
    const transactionId = await start(charger, '1', { timestamp: at(0) });
    charger.send(
      [2, '2', 'MeterValues', { connectorId: 1, transactionId, meterValue: [valueAt(at(30), '4000')] }],
      [2, '3', 'StopTransaction', { transactionId, meterStop: 7_000, timestamp: at(60) }],
      [2, '4', 'StartTransaction', { connectorId: 1, idTag: 'Accepted-2', meterStart: 7_000, timestamp: at(90) }],
    );
    const [, , second] = await charger.answerTo('4');
    const sec = (minutes: number) => Math.floor((atMs + minutes * 60_000) / 1000);
    expect(await factsOf(identity)).toMatchObject([
      { kind: 'transaction-started', transactionId, startedAt: { atSec: sec(0), clock: 'late' } },
      { kind: 'meter', transactionId, samples: [{ takenAt: { atSec: sec(30), clock: 'late' } }] },
      { kind: 'transaction-stopped', transactionId, stoppedAt: { atSec: sec(60), clock: 'late' } },
      {
        kind: 'transaction-started',
        transactionId: (second as { transactionId: number }).transactionId,
        startedAt: { atSec: sec(90), clock: 'late' },
      },
    ]);
    expect((second as { transactionId: number }).transactionId).not.toBe(transactionId);
  });

  it('takes in MeterValues of a transaction that has ended', async () => {
    const { identity, charger } = await connect();
    const transactionId = await start(charger, '1');
    await stop(charger, '2', transactionId, 3_000);
    expect(await meter(charger, '3', [{ value: '3000' }], { transactionId })).toEqual([3, '3', {}]);
    expect((await factsOf(identity)).at(-1)).toMatchObject({ kind: 'meter', transactionId });
  });

  it('takes in statuses before any boot, a boot after them, and another on the same socket', async () => {
    const { identity, charger } = await connect();
    const status = { connectorId: 1, errorCode: 'NoError', status: 'Charging' };
    const boot = { chargePointVendor: 'v', chargePointModel: 'm' };
    expect(await charger.call('1', 'StatusNotification', status)).toEqual([3, '1', {}]);
    expect((await charger.call('2', 'BootNotification', boot))[2]).toMatchObject({ status: 'Accepted' });
    expect((await charger.call('3', 'BootNotification', boot))[2]).toMatchObject({ status: 'Accepted' });
    expect((await charger.call('4', 'Heartbeat', {}))[0]).toBe(3);
    expect((await factsOf(identity)).map(({ kind }) => kind)).toEqual(['status', 'boot', 'boot', 'heartbeat']);
    expect(gateway().chargers()).toContain(identity);
  });

  it('gives a charger whose clock shows 1970, or next year, the time, and does not believe its own', async () => {
    const { identity, charger } = await connect();
    const [, , boot] = await charger.call('b', 'BootNotification', { chargePointVendor: 'v', chargePointModel: 'm' });
    const { currentTime } = boot as { currentTime: string };
    expect(Math.abs(Date.parse(currentTime) - Date.now())).toBeLessThan(60_000);
    await start(charger, '1', { timestamp: '1970-01-01T00:00:07Z' });
    await start(charger, '2', { timestamp: new Date(Date.now() + 365 * 24 * HOUR_MS).toISOString() });
    await start(charger, '3', { timestamp: new Date(Date.now() + 60_000).toISOString() });
    const clocks = (await factsOf(identity)).slice(1).map((fact) => 'startedAt' in fact && fact.startedAt.clock);
    expect(clocks).toEqual(['skewed', 'skewed', 'sound']);
  });

  it('reads registers in Wh, kWh or without a unit alike, and none that another unit or text stands for', async () => {
    const { identity, charger } = await connect();
    await meter(charger, '1', [
      { value: '12.345', unit: 'kWh' },
      { value: '12345', unit: 'Wh' },
      { value: '12345' },
      { value: '12345.9' },
      { value: '12345', unit: 'W' },
      { value: '1.2E4' },
      { value: '16', measurand: 'Current.Import' },
    ]);
    const [fact] = await factsOf(identity);
    expect(fact?.kind === 'meter' && fact.samples.map(({ reading }) => shownOf(reading))).toEqual([
      12_345,
      12_345,
      12_345,
      12_345,
      'unusable',
      'unusable',
      'unusable',
    ]);
  });

  it('takes a register of one phase for no register of the connector, though it alone is told', async () => {
    const { identity, charger } = await connect();
    const phases = ['L1', 'L2', 'L3'].map((phase, i) => ({ value: `${1_000 * (i + 1)}`, phase }));
    await meter(charger, '1', phases);
    await meter(charger, '2', [...phases, { value: '6000' }]);
    const told = (await factsOf(identity)).map((fact) => toldReading(fact, Date.now()));
    expect(told[0]).toBeUndefined();
    expect(told[1]).toMatchObject({ connector: 1, registerWh: 6_000 });
  });

  it('tells kWh that are called Wh as they came: only with the registers of start and end can they be known', async () => {
    const { identity, charger } = await connect();
    const transactionId = await start(charger, '1', { meterStart: 12_345_678 });
    await meter(charger, '2', [{ value: '12350.3', unit: 'Wh' }]);
    await stop(charger, '3', transactionId, 12_355_678);
    const [, told] = await factsOf(identity);
    const read = told?.kind === 'meter' ? told.samples.map(({ reading }) => reading) : [];
    expect(read).toEqual([expect.objectContaining({ kind: 'value', value: 12_350, unit: 'Wh' })]);
    expect(kwhAsWh(12_350, 12_345_678, 12_355_678)).toBe(12_350_000);
  });

  it('tells a register that has been reset as it is, and never as one that went on', async () => {
    const { identity, charger } = await connect();
    const transactionId = await start(charger, '1', { meterStart: 500_000 });
    await meter(charger, '2', [{ value: '500400' }], { transactionId });
    await meter(charger, '3', [{ value: '12' }], { transactionId });
    await stop(charger, '4', transactionId, 800);
    const told = (await factsOf(identity)).map((fact) => toldReading(fact, Date.now())?.registerWh);
    expect(told).toEqual([500_000, 500_400, 12, 800]);
  });

  it('keeps what a meter has signed byte for byte, in MeterValues and at the end', async () => {
    const { identity, charger } = await connect();
    const ocmf = 'OCMF|{"FV":"1.0","RD":[{"RV":1.50,"RU":"kWh"}]}|{"SD":"30\\/45=="}';
    const signed = { value: ocmf, format: 'SignedData', context: 'Transaction.End' };
    const transactionId = await start(charger, '1');
    await meter(charger, '2', [{ value: '1500', unit: 'Wh' }, signed]);
    await stop(charger, '3', transactionId, 2_500, {
      transactionData: [{ timestamp: new Date().toISOString(), sampledValue: [signed] }],
    });
    const facts = await factsOf(identity);
    const readings = facts.flatMap((fact) => ('samples' in fact ? fact.samples.map(({ reading }) => reading) : []));
    expect(readings.slice(1)).toEqual([
      { kind: 'signed', data: ocmf },
      { kind: 'signed', data: ocmf },
    ]);
  });

  it('knows a card in any case, at the start, at the end and beside', async () => {
    const { identity, charger } = await connect();
    const timestamp = new Date().toISOString();
    const transactionId = await start(charger, '1', { idTag: 'Accepted-Ab12', timestamp });
    expect(await start(charger, '2', { idTag: 'ACCEPTED-aB12', timestamp })).toBe(transactionId);
    const text = JSON.stringify(await factsOf(identity));
    expect(text.toLowerCase()).not.toContain('ab12');
  });

  it('has a hard reset that takes the socket away before it is answered end as lost, and the charger back', async () => {
    const { identity, charger } = await connect();
    const command = { action: 'Reset', payload: '{"type":"Hard"}', deadlineMs: Date.now() + 60_000 };
    const end = gateway().command(identity, command);
    await waitFor(() => charger.received.length === 1, { what: 'the reset to reach the charger' });
    await charger.close();
    expect(await end).toEqual({ kind: 'lost' });
    const { charger: again } = await connect(identity);
    expect(
      (await again.call('1', 'BootNotification', { chargePointVendor: 'v', chargePointModel: 'm' }))[2],
    ).toMatchObject({ status: 'Accepted' });
    expect((await factsOf(identity)).map(({ kind }) => kind)).toEqual(['boot']);
  });

  it('takes a start whose answer the socket did not live to see for the same when it comes again', async () => {
    const { identity, charger } = await connect();
    const timestamp = new Date().toISOString();
    const payload = { connectorId: 1, idTag: 'Accepted-1', meterStart: 10, timestamp };
    charger.send([2, '1', 'StartTransaction', payload]);
    await charger.close();
    const { charger: again } = await connect(identity);
    const transactionId = await start(again, '1', payload);
    const started = (await factsOf(identity)).filter(({ kind }) => kind === 'transaction-started');
    expect(started.length).toBeGreaterThanOrEqual(1);
    for (const fact of started) expect(fact).toMatchObject({ transactionId });
  });
});

function valueAt(timestamp: string, value: string) {
  return { timestamp, sampledValue: [{ value, unit: 'Wh' }] };
}

function shownOf(reading: { kind: string; value?: number }) {
  return reading.kind === 'value' ? reading.value : reading.kind;
}
