import { describe, expect, it } from '@jest/globals';
import { readGatewaySettings } from '../../ocpp-gateway/settings.ts';

const GOOD = {
  RPC_URL: 'http://127.0.0.1:8545',
  ORACLE_ADDRESS: `0x${'Ab'.repeat(20)}`,
  GATEWAY_ACCOUNT: `0x${'22'.repeat(20)}`,
  GATEWAY_KEY: '07'.repeat(32),
  IDTAG_PEPPER: 'aa'.repeat(16),
  ALLOW_PLAIN_WS: 'true',
};

describe('the gateway’s settings', () => {
  it('need no more than chain, contract, account, key, pepper and a word on TLS', () => {
    expect(readGatewaySettings(GOOD)).toMatchObject({
      GATEWAY_HOST: '127.0.0.1',
      GATEWAY_PORT: 9220,
      ORACLE_ADDRESS: `0x${'ab'.repeat(20)}`,
      GATEWAY_KEY: Buffer.alloc(32, 7),
      HEARTBEAT_INTERVAL_SEC: 300,
    });
  });

  it('name every wrong variable at once and repeat no value', () => {
    const env = { ...GOOD, GATEWAY_PORT: '70000', GATEWAY_KEY: 'sesame', RPC_URL: 'ftp://secret', IDTAG_PEPPER: '' };
    const error = (() => {
      try {
        readGatewaySettings(env);
      } catch (caught) {
        return caught as Error & { code: string };
      }
    })();
    expect(error?.code).toBe('SETTINGS_INVALID');
    expect(error?.message.split('\n')).toEqual([
      'GATEWAY_PORT is wrong: expected a whole number from 0 to 65535',
      'RPC_URL is wrong: expected a URL that begins with http:// or https://',
      'GATEWAY_KEY is wrong: expected 32 bytes as hex digits',
      "IDTAG_PEPPER is not set: The network's pepper for idTag commitments. (16 to 64 bytes as hex digits)",
    ]);
  });

  it('refuse plain WebSocket unless it is asked for, also on the loopback', () => {
    for (const GATEWAY_HOST of ['127.0.0.1', '0.0.0.0', 'example.org']) {
      expect(() => readGatewaySettings({ ...GOOD, GATEWAY_HOST, ALLOW_PLAIN_WS: 'false' })).toThrow(
        'GATEWAY_TLS_CERT_FILE is wrong: expected it, or ALLOW_PLAIN_WS=true',
      );
      expect(readGatewaySettings({ ...GOOD, GATEWAY_HOST }).GATEWAY_HOST).toBe(GATEWAY_HOST);
    }
  });

  it('want certificate and key together, no plain WebSocket beside them, and no client CA without them', () => {
    const both = { GATEWAY_TLS_CERT_FILE: 'c.pem', GATEWAY_TLS_KEY_FILE: 'k.pem' };
    expect(readGatewaySettings({ ...GOOD, ...both, ALLOW_PLAIN_WS: 'false' })).toMatchObject(both);
    expect(() => readGatewaySettings({ ...GOOD, ...both })).toThrow('and not both');
    for (const name of ['GATEWAY_TLS_CERT_FILE', 'GATEWAY_TLS_KEY_FILE']) {
      expect(() => readGatewaySettings({ ...GOOD, [name]: 'x.pem' })).toThrow('together with GATEWAY_TLS_KEY_FILE');
    }
    expect(() => readGatewaySettings({ ...GOOD, GATEWAY_CLIENT_CA_FILE: 'ca.pem' })).toThrow(
      'GATEWAY_CLIENT_CA_FILE is wrong: expected GATEWAY_TLS_CERT_FILE with it',
    );
  });

  it('refuse a heartbeat so rare that an idle charger would count as gone', () => {
    expect(readGatewaySettings({ ...GOOD, HEARTBEAT_INTERVAL_SEC: '450' }).HEARTBEAT_INTERVAL_SEC).toBe(450);
    expect(() => readGatewaySettings({ ...GOOD, HEARTBEAT_INTERVAL_SEC: '451' })).toThrow(
      'HEARTBEAT_INTERVAL_SEC is wrong: expected a whole number from 1 to 450',
    );
  });

  it('want the key either itself or in a file', () => {
    const message = 'GATEWAY_KEY is wrong: expected either GATEWAY_KEY or GATEWAY_KEY_FILE, and not both';
    expect(() => readGatewaySettings({ ...GOOD, GATEWAY_KEY_FILE: 'key' })).toThrow(message);
    expect(() => readGatewaySettings({ ...GOOD, GATEWAY_KEY: '' })).toThrow(message);
    expect(readGatewaySettings({ ...GOOD, GATEWAY_KEY: '', GATEWAY_KEY_FILE: 'key' }).GATEWAY_KEY_FILE).toBe('key');
  });
});
