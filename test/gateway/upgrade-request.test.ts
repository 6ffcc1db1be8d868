import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readAuthorizationKeys, readUpgradeTarget } from '../../ocpp-gateway/upgrade-request.ts';

describe('the target of an upgrade', () => {
  it('is the last segment of the path, percent-decoded, and the gateway’s first choice of what is offered', () => {
    expect(readUpgradeTarget('/ocpp/CP%201'.replace('%20', '%3A'), 'ocpp1.6')).toEqual({
      identity: 'CP:1',
      version: 'ocpp1.6',
    });
    expect(readUpgradeTarget('/CP-1', 'ocpp1.6,ocpp2.1,ocpp2.0.1')).toEqual({ identity: 'CP-1', version: 'ocpp2.1' });
    expect(readUpgradeTarget('/CP-1?x=/y', 'ocpp1.6, ocpp2.0.1')).toEqual({
      identity: 'CP-1',
      version: 'ocpp2.0.1',
    });
  });

  it.each(['/a%', '/%ff', 'CP1', '', '*', 'http://elsewhere/CP1'])('is refused with 400 if the URL is %p', (url) => {
    expect(readUpgradeTarget(url, 'ocpp1.6')).toEqual({ status: 400, reason: 'malformed URL' });
  });

  it.each(['/', '/CP1/', '/..', '/CP1/..', '/CP%2F1', '/CP 1', `/${'x'.repeat(49)}`, '/CP%00'])(
    'is an unknown charger if the URL is %p',
    (url) => {
      expect(readUpgradeTarget(url, 'ocpp1.6')).toEqual({ status: 404, reason: 'unknown charger' });
    },
  );

  it.each([
    [undefined, 'no subprotocol offered'],
    ['', 'no subprotocol offered'],
    ['ocpp1.6,', 'malformed subprotocol header'],
    ['ocpp1.6,ocpp1.6', 'malformed subprotocol header'],
    ['ocpp 1.6', 'malformed subprotocol header'],
    ['ocpp1.5', 'no common subprotocol'],
    ['ocpp2.0', 'no common subprotocol'],
  ])('is refused with 400 if the subprotocols are %p', (offered, reason) => {
    expect(readUpgradeTarget('/CP1', offered)).toEqual({ status: 400, reason });
  });

  it('never throws, whatever is sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (url, offered) => {
        readUpgradeTarget(url, offered);
        readUpgradeTarget(`/${url}`, offered);
      }),
    );
  });
});

describe('the key of a Basic header', () => {
  const header = (text: string | Buffer) => `Basic ${Buffer.from(text).toString('base64')}`;

  it('is taken as bytes and, where it is hex digits, as what these stand for', () => {
    expect(readAuthorizationKeys(header(Buffer.from('4350313a00ff3a0a', 'hex')), 'CP1')).toEqual([
      Buffer.from('00ff3a0a', 'hex'),
    ]);
    const digits = '00FF'.repeat(10);
    expect(readAuthorizationKeys(header(`CP1:${digits}`), 'CP1')).toEqual([
      Buffer.from(digits),
      Buffer.from(digits, 'hex'),
    ]);
  });

  it('may follow a user name that holds a colon', () => {
    expect(readAuthorizationKeys(header('CP:1:key'), 'CP:1')).toEqual([Buffer.from('key')]);
  });

  it.each([undefined, '', 'Bearer abc', 'Basic', 'Basic !!', header('CP2:key'), header('CP1:'), header('CP1')])(
    'is none if the header is %p',
    (value) => {
      expect(readAuthorizationKeys(value, 'CP1')).toEqual([]);
    },
  );

  it('is none if it is longer than any key', () => {
    expect(readAuthorizationKeys(header(`CP1:${'x'.repeat(129)}`), 'CP1')).toEqual([]);
  });
});
