import { afterEach, describe, expect, it } from '@jest/globals';
import { type Charger, startCharger } from '../../simulator/charger.ts';
import { COMMAND_HELP, runCommand } from '../../simulator/driver-commands.ts';
import { waitFor } from '../support/wait.ts';
import { type Csms, startCsms, usualAnswer } from './csms.ts';

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function drive(): Promise<{ csms: Csms; charger: Charger; does: (line: string) => Promise<string> }> {
  const csms = await startCsms((call) => call.answer(usualAnswer(call.action)));
  open.push(csms);
  const timings = { backoff: { firstMs: 10, longestMs: 50 } };
  const charger = startCharger({ url: csms.url, identity: 'CP-1', key: undefined, connectors: 2, timings });
  open.push(charger);
  await charger.settled();
  return { csms, charger, does: (line) => runCommand(charger, 2, line) };
}

describe('a virtual charger that is driven by hand', () => {
  it('plays a whole visit, part of it offline, and tells all of it', async () => {
    const { csms, charger, does } = await drive();
    expect(await does('plug 2 22 50')).toBe('Done');
    expect(await does('card 2 DRIVER-ADA')).toBe('Done');
    expect(await does('pause 2 EVSE')).toBe('Done');
    expect(await does('show')).toMatch(
      /^online.*\nconnector 1: Available, 0 Wh, 0 W\nconnector 2: SuspendedEVSE, 0 Wh, 0 W, transaction \S+ since \S+Z, battery 50 %$/,
    );
    await charger.settled();
    expect(await does('offline')).toBe('Done');
    await waitFor(() => !charger.isOnline(), { what: 'the charger to be offline' });
    expect(await does('resume 2')).toBe('Done');
    expect(await does('card 2 driver-ada')).toBe('Done');
    expect(await does('unplug 2')).toBe('Done');
    expect(await does('show')).toMatch(/^offline, 2 messages wait to be told\n/);
    expect(await does('online')).toBe('Done');
    await charger.settled();
    const told = csms.received.filter(({ payload }) => payload.connectorId === 2 || payload.transactionId === 77);
    expect(told.map(({ action, payload }) => `${action} ${payload.status ?? payload.reason ?? ''}`.trim())).toEqual([
      'StatusNotification Available',
      'StatusNotification Preparing',
      'StartTransaction',
      'StatusNotification Charging',
      'StatusNotification SuspendedEVSE',
      'StopTransaction Local',
      'StatusNotification Available',
    ]);
  });

  it('says what it cannot do, and why', async () => {
    const { does } = await drive();
    expect(await does('dance')).toBe(`No such command: dance\n${COMMAND_HELP}`);
    expect(await does('plug')).toBe('plug needs a connector from 1 to 2');
    expect(await does('plug 3')).toBe('plug needs a connector from 1 to 2');
    expect(await does('plug 1 fast')).toBe('Not done: expected kW, and % from 0 to 100');
    expect(await does('card 1')).toBe('Not done: card needs an idTag');
    expect(await does('card 1 DRIVER-ADA')).toBe('Not done: no car waits');
    expect(await does('fault 1 Boredom')).toMatch(/^Not done: fault needs one of .*GroundFailure/);
    expect(await does('resume 1')).toBe('Not done: nothing is paused');
    expect(await does('')).toBe('');
    expect(await does('quit')).toBe('quit');
    expect(await does('settings')).toContain('NumberOfConnectors = 2');
    expect(await does('settings')).not.toContain('AuthorizationKey');
  });
});
