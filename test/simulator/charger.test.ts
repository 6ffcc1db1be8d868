import { afterEach, describe, expect, it } from '@jest/globals';
import { type Charger, type ChargerSettings, startCharger } from '../../simulator/charger.ts';
import type { Happening } from '../../simulator/conversation.ts';
import { waitFor } from '../support/wait.ts';
import { type Csms, type Received, startCsms, usualAnswer } from './csms.ts';
import { makeManualClock } from './manual-clock.ts';

const KEY = Buffer.from('00112233445566778899aabbccddeeff00112233', 'hex');
const car = { battery: { capacityWh: 50_000, levelWh: 10_000 }, maxPowerW: 10_000 };
const QUICK = {
  connectTimeoutMs: 2_000,
  answerTimeoutMs: 30_000,
  unansweredLimit: 2,
  retryMs: 10,
  attempts: 3,
  backoff: { firstMs: 10, longestMs: 50 },
};

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function csmsWith(
  rule: (call: Received) => void = (call) => call.answer(usualAnswer(call.action)),
): Promise<Csms> {
  const csms = await startCsms(rule);
  open.push(csms);
  return csms;
}

function chargerAt(url: string, more: Partial<ChargerSettings> = {}): { charger: Charger; seen: Happening[] } {
  const seen: Happening[] = [];
  const watch = (happening: Happening) => void seen.push(happening);
  const charger = startCharger({ url, identity: 'CP 1', key: KEY, connectors: 1, timings: QUICK, watch, ...more });
  open.push(charger);
  return { charger, seen };
}

describe('a virtual charger', () => {
  it('presents its identity and key, boots, then tells how each connector is', async () => {
    const csms = await csmsWith();
    const { charger } = chargerAt(csms.url);
    await charger.settled();
    expect(csms.received[0]).toMatchObject({
      identity: 'CP 1',
      authorization: `Basic ${Buffer.concat([Buffer.from('CP 1:'), KEY]).toString('base64')}`,
      action: 'BootNotification',
    });
    expect(csms.received.slice(1).map(({ action, payload }) => [action, payload.connectorId, payload.status])).toEqual([
      ['StatusNotification', 0, 'Available'],
      ['StatusNotification', 1, 'Available'],
    ]);
  });

  it('boots again after the interval while its registration is pending, and says nothing else', async () => {
    let boots = 0;
    const csms = await csmsWith((call) => {
      const isPending = call.action === 'BootNotification' && ++boots < 3;
      call.answer(isPending ? { status: 'Pending', interval: 0.02, currentTime: '' } : usualAnswer(call.action));
    });
    const { charger } = chargerAt(csms.url);
    await charger.settled();
    expect(csms.actions().slice(0, 4)).toEqual([...Array(3).fill('BootNotification'), 'StatusNotification']);
    expect(csms.connections()).toBe(1);
  });

  it('uses the number the CSMS gave the transaction in what follows', async () => {
    const csms = await csmsWith();
    const { charger } = chargerAt(csms.url);
    await charger.settled();
    charger.plug(1, car);
    expect(await charger.present(1, 'TAG')).toBeUndefined();
    charger.act(1, { kind: 'meter' });
    expect(await charger.present(1, 'tag')).toBeUndefined();
    await charger.settled();
    const told = csms.received.filter(({ action }) => action === 'MeterValues' || action === 'StopTransaction');
    expect(told.map(({ action, payload }) => [action, payload.transactionId])).toEqual([
      ['MeterValues', 77],
      ['StopTransaction', 77],
    ]);
  });

  it('ends a transaction whose card the CSMS refuses', async () => {
    const csms = await csmsWith((call) => {
      const invalid = { transactionId: 5, idTagInfo: { status: 'Invalid' } };
      call.answer(call.action === 'StartTransaction' ? invalid : usualAnswer(call.action));
    });
    const { charger } = chargerAt(csms.url);
    await charger.settled();
    charger.plug(1, car);
    await charger.present(1, 'TAG');
    await waitFor(() => csms.received.find(({ action }) => action === 'StopTransaction'), { what: 'the stop' });
    expect(csms.received.find(({ action }) => action === 'StopTransaction')?.payload).toMatchObject({
      transactionId: 5,
      reason: 'DeAuthorized',
    });
  });

  it('keeps transaction messages while nobody is there and sends them in order when it is back', async () => {
    const csms = await csmsWith();
    const { charger, seen } = chargerAt(csms.url, { timings: { ...QUICK, backoff: { firstMs: 200, longestMs: 200 } } });
    await charger.settled();
    charger.plug(1, car);
    await charger.present(1, 'TAG');
    await charger.settled();
    charger.powerCut();
    await waitFor(() => seen.some(({ kind }) => kind === 'disconnected') || undefined, { what: 'the cut' });
    const before = csms.received.length;
    charger.act(1, { kind: 'meter' });
    charger.act(1, { kind: 'meter' });
    charger.unplug(1);
    await charger.settled();
    expect(csms.connections()).toBe(2);
    const isOfTransaction = (action: string) => action === 'MeterValues' || action === 'StopTransaction';
    expect(csms.actions().slice(before).filter(isOfTransaction)).toEqual([
      'MeterValues',
      'MeterValues',
      'StopTransaction',
    ]);
    expect(csms.actions().slice(before)).not.toContain('BootNotification');
  });

  it('sends what was not answered again under a new message id, then takes the connection for dead', async () => {
    let silent = 3;
    const csms = await csmsWith((call) => {
      if (call.action === 'StartTransaction' && silent-- > 0) return;
      call.answer(usualAnswer(call.action));
    });
    // short enough for a test, and longer than a busy machine keeps an answer waiting
    const { charger, seen } = chargerAt(csms.url, { timings: { ...QUICK, answerTimeoutMs: 1_000 } });
    await charger.settled();
    charger.plug(1, car);
    await charger.present(1, 'TAG');
    await charger.settled();
    const starts = csms.received.filter(({ action }) => action === 'StartTransaction');
    expect(starts).toHaveLength(4);
    expect(new Set(starts.map(({ id }) => id)).size).toBe(4);
    expect(new Set(starts.map(({ payload }) => JSON.stringify(payload))).size).toBe(1);
    expect(csms.connections()).toBe(2);
    const idOf = (happening: Happening) => ('frame' in happening ? JSON.parse(happening.frame)[1] : undefined);
    const unanswered = seen.filter(({ kind }) => kind === 'unanswered').map(idOf);
    expect(unanswered).toEqual(starts.slice(0, 3).map(({ id }) => id));
  });

  it('says which message went out with a connection that broke', async () => {
    let silent = 1;
    const csms = await csmsWith((call) => {
      if (call.action !== 'StartTransaction' || silent-- <= 0) call.answer(usualAnswer(call.action));
      else charger.powerCut();
    });
    const { charger, seen } = chargerAt(csms.url);
    await charger.settled();
    charger.plug(1, car);
    await charger.present(1, 'TAG');
    await charger.settled();
    const [start] = csms.received.filter(({ action }) => action === 'StartTransaction');
    const lost = seen.flatMap((happening) => (happening.kind === 'lost' ? [JSON.parse(happening.frame)[1]] : []));
    expect(lost).toEqual([start?.id]);
  });

  it('tries a transaction message that gets an error three times in all, then goes on', async () => {
    const csms = await csmsWith((call) => {
      if (call.action === 'StartTransaction') call.fail('InternalError');
      else call.answer(usualAnswer(call.action));
    });
    const { charger } = chargerAt(csms.url);
    await charger.settled();
    charger.plug(1, car);
    await charger.present(1, 'TAG');
    charger.unplug(1);
    await charger.settled();
    expect(csms.actions().filter((action) => action === 'StartTransaction')).toHaveLength(3);
    // OCPP 1.6 errata: a transaction without a number is -1
    expect(csms.received.find(({ action }) => action === 'StopTransaction')?.payload.transactionId).toBe(-1);
  });

  it('sends a heartbeat when it has been quiet for the interval', async () => {
    const csms = await csmsWith((call) => {
      const accepted = { status: 'Accepted', interval: 0.05, currentTime: '' };
      call.answer(call.action === 'BootNotification' ? accepted : usualAnswer(call.action));
    });
    chargerAt(csms.url);
    await waitFor(() => csms.actions().filter((action) => action === 'Heartbeat').length >= 2 || undefined, {
      what: 'two heartbeats',
    });
  });

  it('comes back with growing patience when it is refused, and says with what status', async () => {
    const { charger, seen } = chargerAt('ws://127.0.0.1:1');
    await waitFor(() => seen.filter(({ kind }) => kind === 'refused').length >= 3 || undefined, {
      what: 'three attempts',
    });
    expect(charger.isOnline()).toBe(false);
    expect(seen[0]).toMatchObject({ kind: 'refused', status: undefined });
  });

  it('obeys its CSMS: starts, stops, becomes unavailable, resets, and knows what it does not know', async () => {
    const csms = await csmsWith();
    const { charger } = chargerAt(csms.url);
    await charger.settled();
    const ask = async (action: string, payload: unknown) => {
      const count = csms.answers.length;
      csms.call(action, payload);
      await waitFor(() => csms.answers.length > count || undefined, { what: `the answer to ${action}` });
      return csms.answers.at(-1);
    };
    await ask('ChangeConfiguration', { key: 'ConnectionTimeOut', value: '0' });
    expect(await ask('RemoteStartTransaction', { connectorId: 1, idTag: 'TAG' })).toEqual([
      3,
      'csms-1',
      { status: 'Rejected' },
    ]);
    charger.plug(1, car);
    expect(await ask('RemoteStartTransaction', { connectorId: 1, idTag: 'TAG' })).toEqual([
      3,
      'csms-1',
      { status: 'Accepted' },
    ]);
    await charger.settled();
    expect(await ask('RemoteStopTransaction', { transactionId: 78 })).toEqual([3, 'csms-1', { status: 'Rejected' }]);
    expect(await ask('RemoteStopTransaction', { transactionId: 77 })).toEqual([3, 'csms-1', { status: 'Accepted' }]);
    charger.unplug(1);
    expect(await ask('ChangeAvailability', { connectorId: 0, type: 'Inoperative' })).toEqual([
      3,
      'csms-1',
      { status: 'Accepted' },
    ]);
    expect(charger.connector(1).status).toBe('Unavailable');
    expect(await ask('GetConfiguration', { key: ['NumberOfConnectors', 'Nonsense'] })).toEqual([
      3,
      'csms-1',
      { configurationKey: [{ key: 'NumberOfConnectors', value: '1', readonly: true }], unknownKey: ['Nonsense'] },
    ]);
    expect(await ask('Dance', {})).toEqual([4, 'csms-1', 'NotImplemented', '', {}]);
    const boots = () => csms.actions().filter((action) => action === 'BootNotification').length;
    expect(await ask('Reset', { type: 'Soft' })).toEqual([3, 'csms-1', { status: 'Accepted' }]);
    await waitFor(() => boots() === 2 || undefined, { what: 'the second boot' });
  });

  it('waits for somebody to plug in, for ConnectionTimeOut, and then starts at once', async () => {
    const csms = await csmsWith();
    const clock = makeManualClock(Date.parse('2026-03-01T12:00:00Z'));
    const { charger } = chargerAt(csms.url, { clock, meterIntervalMs: 3_600_000 });
    await charger.settled();
    const ask = async (action: string, payload: unknown) => {
      const count = csms.answers.length;
      csms.call(action, payload);
      await waitFor(() => csms.answers.length > count || undefined, { what: `the answer to ${action}` });
      await charger.settled();
      return csms.answers.at(-1)?.[2];
    };
    const start = { connectorId: 1, idTag: 'TAG' };
    await ask('ChangeConfiguration', { key: 'ConnectionTimeOut', value: '20' });
    expect(await ask('GetConfiguration', { key: ['connectiontimeout'] })).toEqual({
      configurationKey: [{ key: 'ConnectionTimeOut', readonly: false, value: '20' }],
      unknownKey: [],
    });
    expect(await ask('RemoteStartTransaction', start)).toEqual({ status: 'Accepted' });
    expect(await charger.present(1, 'CARD')).toBe('no car waits');
    clock.advance(19_999);
    expect(charger.connector(1).status).toBe('Preparing');
    clock.advance(1);
    await charger.settled();
    expect(await ask('RemoteStartTransaction', start)).toEqual({ status: 'Accepted' });
    clock.advance(19_999);
    charger.plug(1, car);
    clock.advance(30_000);
    await charger.settled();
    const told = csms.received.filter(({ payload }) => payload.connectorId === 1);
    expect(told.map(({ action, payload }) => payload.status ?? action)).toEqual([
      ...['Available', 'Preparing', 'Available', 'Preparing', 'StartTransaction', 'Charging'],
    ]);
  });

  it('leaves nothing behind on its connection however long it is quiet', async () => {
    const csms = await csmsWith((call) => {
      const accepted = { status: 'Accepted', interval: 0.001, currentTime: '' };
      call.answer(call.action === 'BootNotification' ? accepted : usualAnswer(call.action));
    });
    // one timer of a kind at a time: what is armed beside it is the meter's
    const armed = new Set<object>();
    const clock = {
      nowMs: Date.now,
      after: (delayMs: number, act: () => void) => {
        const mark = {};
        armed.add(mark);
        const timer = setTimeout(() => {
          armed.delete(mark);
          act();
        }, delayMs);
        return () => {
          armed.delete(mark);
          clearTimeout(timer);
        };
      },
    };
    const { charger } = chargerAt(csms.url, { clock });
    const beats = () => csms.actions().filter((action) => action === 'Heartbeat').length;
    await waitFor(() => beats() >= 100 || undefined, { what: 'a hundred heartbeats' });
    expect(armed.size).toBeLessThanOrEqual(2);
    await charger.close();
    expect(armed.size).toBe(0);
  });

  it('lets go of a card that nobody will answer for when it is reset meanwhile', async () => {
    const csms = await csmsWith((call) => {
      if (call.action !== 'Authorize') call.answer(usualAnswer(call.action));
    });
    const { charger } = chargerAt(csms.url, { timings: { ...QUICK, answerTimeoutMs: 600_000 } });
    await charger.settled();
    charger.plug(1, car);
    const presented = charger.present(1, 'TAG');
    await waitFor(() => csms.actions().includes('Authorize') || undefined, { what: 'the question about the card' });
    csms.call('Reset', { type: 'Hard' });
    expect(await presented).toBe('nobody to ask about the card');
  });
});
