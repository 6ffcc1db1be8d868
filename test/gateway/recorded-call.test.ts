import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { recordedCall } from '../../ocpp-gateway/recorded-call.ts';

const recorded = (action: string, payload: unknown) =>
  JSON.parse(recordedCall('7', `[2,"7","${action}",${JSON.stringify(payload)}]`, action, JSON.stringify(payload)))[3];

describe('a call to a charger, on record', () => {
  it('stands as it was sent, but for tabs, where it holds no secret', () => {
    const payload = '{ "key" :\t"MeterValueSampleInterval","value":"60"}';
    const text = `[2,"7","ChangeConfiguration",${payload}]`;
    expect(recordedCall('7', text, 'ChangeConfiguration', payload)).toBe(text.replace('\t', ' '));
  });

  it('shows no key that it sets, whatever the case of the name and the version of OCPP', () => {
    expect(recorded('ChangeConfiguration', { key: 'AUTHORIZATIONKey', value: '00ff' })).toEqual({
      key: 'AUTHORIZATIONKey',
      value: '',
    });
    const item = (name: string) => ({
      component: { name: 'SecurityCtrlr' },
      variable: { name },
      attributeValue: 'abc',
    });
    expect(recorded('SetVariables', { setVariableData: [item('BasicAuthPassword'), item('Identity')] })).toEqual({
      setVariableData: [{ ...item('BasicAuthPassword'), attributeValue: '' }, item('Identity')],
    });
    const vpn = { server: 's', user: 'u', group: 'g', password: 'p', key: 'shared', type: 'IPSec' };
    expect(recorded('SetNetworkProfile', { configurationSlot: 1, connectionData: { vpn } })).toEqual({
      configurationSlot: 1,
      connectionData: { vpn: { ...vpn, user: '', password: '', key: '' } },
    });
    expect(recorded('SetNetworkProfile', { connectionData: { apn: { apn: 'x', apnPassword: 'y' } } })).toEqual({
      connectionData: { apn: { apn: 'x', apnPassword: '' } },
    });
  });

  it.each(['WifiPassword', 'AuthorizationKey', 'apn.user', 'SIM_PIN', 'MasterPassGroupId'])(
    'shows no value that it gives to %s',
    (name) => {
      expect(recorded('ChangeConfiguration', { key: name, value: 'abc' })).toEqual({ key: name, value: '' });
      for (const [component, variable] of [
        ['Network', name],
        [name, 'Value'],
      ]) {
        const item = { component: { name: component }, variable: { name: variable }, attributeValue: 'abc' };
        expect(recorded('SetVariables', { setVariableData: [item] })).toEqual({
          setVariableData: [{ ...item, attributeValue: '' }],
        });
      }
    },
  );

  it('shows what it sets else, and the idToken of a call', () => {
    const change = { key: 'TokenReaderEnabled', value: 'true' };
    expect(recorded('ChangeConfiguration', change)).toEqual(change);
    const start = { remoteStartId: 1, idToken: { idToken: 'T', type: 'Central' } };
    expect(recorded('RequestStartTransaction', start)).toEqual(start);
  });

  it.each([
    ['ftp://me:secret@example.org/logs', 'ftp://example.org/logs'],
    ['ftps://me:se/cr@t@example.org/logs', 'ftps://example.org/logs'],
    ['sftp://me@example.org', 'sftp://example.org'],
    ['https://bucket.example.org/fw.bin?X-Signature=abc#x', 'https://bucket.example.org/fw.bin'],
    ['https://example.org/fw.bin', 'https://example.org/fw.bin'],
    ['HTTP://u:p@[::1]:8080/a?b', 'HTTP://[::1]:8080/a'],
    ['ftp://me:sec?ret@example.org/x', 'ftp://'],
    ['me@example.org', 'me@example.org'],
  ])('shows %s as %s', (location, shown) => {
    expect(recorded('GetDiagnostics', { location, retries: 1 })).toEqual({ location: shown, retries: 1 });
    expect(recorded('GetLog', { log: { remoteLocation: location } })).toEqual({ log: { remoteLocation: shown } });
  });

  it('shows user and password of no URL, however odd they are', () => {
    const odd = fc.stringMatching(/^[A-Za-z0-9@:/!$&'()*+,;=._~%?#-]{1,20}$/).map((text) => `xQ${text}Qx`);
    // A user that ends at a slash, ? or # is a host to everybody.
    const name = odd.map((text) => text.replace(/[/?#]/g, '-'));
    fc.assert(
      fc.property(name, odd, (user, password) => {
        const shown = recorded('UpdateFirmware', { location: `ftp://${user}:${password}@example.org/x` });
        expect(shown.location).not.toMatch(/xQ|Qx/);
      }),
    );
  });
});
