import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ZeroHash } from 'ethers';
import { authorizationKeyHash } from '../../core/identity.ts';
import { type CommandPlace, sendCommand } from '../../network/command.ts';
import type { Credential } from '../../ocpp-gateway/charger-directory.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { reloadAtHangUp } from '../../ocpp-gateway/hang-up.ts';
import { fingerprintOf, makeCertificate, makeFiles, type TestCertificate } from '../support/certificates.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { clientFrame } from './client-frame.ts';
import { checkPartedMessages } from './parted-messages.ts';
import { CHARGER_KEY, connectCharger, MANAGER, otherSources, refusalOf, startTestGateway } from './support.ts';

const HOUR_MS = 3_600_000;
const NO_KEY = { authorization: '' };

describe('a gateway with TLS', () => {
  const serverCa = makeCertificate({ commonName: 'Server CA', purpose: 'ca' });
  const clientCa = makeCertificate({ commonName: 'Client CA', purpose: 'ca' });
  const otherCa = makeCertificate({ commonName: 'Other CA', purpose: 'ca' });
  const server = (commonName = 'gateway') => makeCertificate({ commonName, purpose: 'server', issuer: serverCa });
  const client = (commonName: string, issuer = clientCa) => makeCertificate({ commonName, purpose: 'client', issuer });

  const own = {
    good: client('CPgood'),
    other: client('CPother'),
    named: client('CPwrongName'),
    foreign: client('CPforeign', otherCa),
    expired: makeCertificate({
      commonName: 'CPexpired',
      purpose: 'client',
      issuer: clientCa,
      notAfterMs: Date.now() - HOUR_MS,
    }),
    server: makeCertificate({ commonName: 'CPserver', purpose: 'server', issuer: clientCa }),
  };
  const keyHash = authorizationKeyHash(CHARGER_KEY);
  const certified = (certificate: TestCertificate): Credential => ({
    device: '',
    authorizationKeyHash: keyHash,
    certificateFingerprint: fingerprintOf(certificate),
  });
  const credentials: Record<string, Credential> = {
    CPkey: { device: '', authorizationKeyHash: keyHash, certificateFingerprint: ZeroHash },
    CPgood: certified(own.good),
    CPnamed: certified(own.named),
    CPforeign: certified(own.foreign),
    CPexpired: certified(own.expired),
    CPserver: certified(own.server),
  };
  const sources = () => ({
    ...otherSources(),
    chargers: { find: async (identity: string) => credentials[identity] ?? ('unknown' as const) },
  });
  const files = makeFiles({ 'client-ca.pem': clientCa.cert });
  const tlsFiles = {
    GATEWAY_TLS_CERT_FILE: files.path('cert.pem'),
    GATEWAY_TLS_KEY_FILE: files.path('key.pem'),
    GATEWAY_CLIENT_CA_FILE: files.path('client-ca.pem'),
  };
  const writeServer = ({ cert, key }: TestCertificate) => {
    files.write('cert.pem', cert);
    files.write('key.pem', key);
  };
  const tls = (certificate?: TestCertificate): ConnectionOptions => ({
    ca: serverCa.cert,
    checkServerIdentity: () => undefined,
    ...certificate,
  });

  let redis: TestRedis;
  let gateway: RunningGateway;

  beforeAll(async () => {
    writeServer(server());
    redis = await startRedis();
    gateway = await startTestGateway(redis.url, tlsFiles, { sources: sources() });
  });
  afterAll(async () => {
    await gateway.close();
    await redis.close();
    files.remove();
  });

  it('takes a charger in by its key (security profile 2), and its messages', async () => {
    const charger = await connectCharger(gateway.port, 'CPkey', { tls: tls() });
    expect((await charger.call('1', 'Heartbeat', {}))[0]).toBe(3);
    await charger.close();
    expect(await refusalOf(gateway.port, 'CPkey', { tls: tls(), key: 'wrong' })).toBe('401 wrong key');
  });

  it('takes in each message once and in order, however its bytes are parted and however often it pauses', async () => {
    const narrow = { ...tlsFiles, MAX_MESSAGES_PER_SEC: '1000', MAX_CALLS_IN_FLIGHT: '4' };
    const other = await startTestGateway(redis.url, narrow, { sources: sources() });
    await checkPartedMessages(await connectCharger(other.port, 'CPkey', { tls: tls() }));
    const charger = await connectCharger(other.port, 'CPkey', { tls: tls() });
    for (let n = 0; n < 200; n++) {
      charger.socket.send(`[2,"${n}","DataTransfer",{"vendorId":"v","data":"${'x'.repeat(10 * n)}"}]`);
    }
    await charger.answerTo('199');
    expect(charger.received.map((text) => JSON.parse(text)[1])).toEqual(Array.from({ length: 200 }, (_, n) => `${n}`));
    await charger.close();
    await other.close();
  });

  it('keeps the order of what comes in one piece, also where it pauses within that', async () => {
    const other = await startTestGateway(redis.url, { ...tlsFiles, MAX_CALLS_IN_FLIGHT: '1' }, { sources: sources() });
    const tcp = connectTcp(other.port, '127.0.0.1');
    const held: Buffer[] = [];
    let isHolding = false;
    const between = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => {
        if (isHolding) held.push(chunk);
        else tcp.write(chunk);
        done();
      },
    });
    tcp.on('data', (chunk) => between.push(chunk));
    const createConnection = () => connectTls({ ...tls(), socket: between });
    const charger = await connectCharger(other.port, 'CPkey', { tls: { createConnection } as ConnectionOptions });
    const { _socket: secure } = charger.socket as unknown as { _socket: Socket };
    const mask = Buffer.from([1, 2, 3, 4]);
    const message = (id: string) => clientFrame(Buffer.from(`[2,"${id}","Heartbeat",{}]`), mask);
    const [parted, after] = [message('3'), message('4')];
    isHolding = true;
    // Each is a record of its own, and so a read of its own.
    for (const record of [message('1'), message('2'), parted.subarray(0, 9), parted.subarray(9), after, message('5')]) {
      await new Promise((resolve) => secure.write(record, resolve));
    }
    isHolding = false;
    tcp.write(Buffer.concat(held));
    await charger.answerTo('5');
    expect(charger.received.map((text) => JSON.parse(text)[1])).toEqual(['1', '2', '3', '4', '5']);
    await charger.close();
    tcp.destroy();
    await other.close();
  });

  it('takes a command from a manager that knows its CA', async () => {
    const { cert, key } = server('localhost');
    files.write('local.pem', cert);
    files.write('local-key.pem', key);
    const local = sources();
    const paths = {
      GATEWAY_TLS_CERT_FILE: files.path('local.pem'),
      GATEWAY_TLS_KEY_FILE: files.path('local-key.pem'),
    };
    const other = await startTestGateway(redis.url, paths, { sources: local });
    const charger = await connectCharger(other.port, 'CPkey', { tls: tls() });
    charger.socket.on('message', (data) => {
      charger.send([3, JSON.parse(String(data))[1], { status: 'Accepted' }]);
    });
    const place = { gatewayUrl: `wss://localhost:${other.port}`, network: local.registry.network };
    const send = (more: Partial<CommandPlace> = {}) =>
      sendCommand({ ...place, ...more }, MANAGER, {
        identity: 'CPkey',
        action: 'ClearCache',
        payload: '{}',
        validSec: 60,
      });
    expect(await send({ gatewayCa: serverCa.cert })).toEqual({ status: 200, body: '{"status":"Accepted"}' });
    for (const gatewayCa of [undefined, otherCa.cert]) {
      await expect(send({ gatewayCa })).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: 'the gateway cannot be reached (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
      });
    }
    await charger.close();
    await other.close();
    await expect(send()).rejects.toMatchObject({ message: 'the gateway cannot be reached (ECONNREFUSED)' });
  });

  it('is not said to be out of reach where it was sent a command and the connection broke', async () => {
    const silent = createServer((socket) => socket.once('data', () => socket.destroy()));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const place = { gatewayUrl: `http://127.0.0.1:${port}`, network: sources().registry.network };
    const command = { identity: 'CPkey', action: 'ClearCache', payload: '{}', validSec: 60 };
    await expect(sendCommand(place, MANAGER, command)).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('the command may have been carried out'),
    });
    silent.close();
    await once(silent, 'close');
  });

  it('takes a charger in by the certificate that the chain commits to (profile 3), without any key', async () => {
    const charger = await connectCharger(gateway.port, 'CPgood', { tls: tls(own.good), headers: NO_KEY });
    expect((await charger.call('1', 'Heartbeat', {}))[0]).toBe(3);
    await charger.close();
  });

  it.each([
    ['with its key alone, though the key is right', undefined, 'CPgood', 'certificate is missing'],
    ['with a certificate of the same CA that is not its own', own.other, 'CPgood', 'wrong certificate'],
    ['with its own certificate, that names another charger', own.named, 'CPnamed', 'certificate of another charger'],
    ['with its own certificate, of an unknown CA', own.foreign, 'CPforeign', 'certificate is not trusted'],
    ['with its own certificate, when it has expired', own.expired, 'CPexpired', 'certificate is not trusted'],
    ['with its own certificate, made for servers', own.server, 'CPserver', 'certificate is not trusted'],
    ['by a certificate the chain does not commit to, without a key', own.other, 'CPkey', 'wrong key'],
  ])('refuses a charger %s', async (_how, certificate, identity, reason) => {
    const headers = identity === 'CPkey' ? NO_KEY : {};
    expect(await refusalOf(gateway.port, identity, { tls: tls(certificate), headers })).toBe(`401 ${reason}`);
  });

  it('lets no charger with a certificate on chain in without TLS, though its key is right', async () => {
    const plain = await startTestGateway(redis.url, {}, { sources: sources() });
    expect(await refusalOf(plain.port, 'CPgood')).toBe('401 certificate is missing');
    await (await connectCharger(plain.port, 'CPkey')).close();
    await plain.close();
  });

  it('speaks no plain WebSocket, and no TLS before 1.2', async () => {
    await expect(connectCharger(gateway.port, 'CPkey')).rejects.toThrow();
    const old = tls();
    await expect(
      connectCharger(gateway.port, 'CPkey', {
        tls: { ...old, maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
      }),
    ).rejects.toThrow(/protocol version|unsupported protocol|alert|reset/i);
    const metrics = await (await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`)).text();
    expect(metrics).toMatch(/^devsen_gateway_refused_total\{reason="TLS handshake failed"\} [1-9]/m);
    expect(metrics).toMatch(/^devsen_gateway_tls_certificate_expiry_timestamp_seconds 1\d{9}$/m);
  });

  it('cuts off those who do not finish TLS, and those who do not finish their request', async () => {
    const strict = await startTestGateway(redis.url, { ...tlsFiles, AUTH_TIMEOUT_MS: '500' }, { sources: sources() });
    const mute = connectTcp(strict.port, '127.0.0.1');
    const slow = connectTls({ port: strict.port, host: '127.0.0.1', ...tls() });
    slow.on('secureConnect', () => slow.write('GET /CPkey HTTP/1.1\r\nHost: x\r\n'));
    slow.resume();
    mute.resume();
    for (const socket of [mute, slow]) socket.on('error', () => {});
    await Promise.all([once(mute, 'close'), once(slow, 'close')]);
    await strict.close();
  });

  it('shows a renewed certificate to those who come after, without a word to those who are in', async () => {
    const shown = async () => {
      const socket = connectTls({ port: gateway.port, host: '127.0.0.1', ...tls() });
      await once(socket, 'secureConnect');
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return CN;
    };
    const before = await connectCharger(gateway.port, 'CPkey', { tls: tls() });
    const renewed = server('renewed');
    const signals = new EventEmitter();
    const started = reloadAtHangUp(signals);
    // It reads them at the start.
    signals.emit('SIGHUP');
    started(gateway);
    files.write('cert.pem', renewed.cert);
    signals.emit('SIGHUP');
    // The key is still that of the old one: both are no pair.
    expect(await shown()).toBe('gateway');
    files.write('key.pem', renewed.key);
    signals.emit('SIGHUP');
    expect(await shown()).toBe('renewed');
    expect((await before.call('1', 'Heartbeat', {}))[0]).toBe(3);
    await before.close();
    await (await connectCharger(gateway.port, 'CPgood', { tls: tls(own.good) })).close();
  });

  it('is red once its certificate has expired', async () => {
    const expired = makeCertificate({
      commonName: 'old',
      purpose: 'server',
      issuer: serverCa,
      notAfterMs: Date.now() - HOUR_MS,
    });
    const kept = server();
    writeServer(expired);
    gateway.reloadTls();
    expect(gateway.health().problems).toEqual(['TLS certificate has expired']);
    writeServer(kept);
    gateway.reloadTls();
    await waitFor(() => gateway.health().status === 'green', { what: 'the gateway to be healthy again' });
  });

  it('does not start with files that are missing or no pair, and says which', async () => {
    files.write('other-key.pem', server().key);
    const start = (cert: string, key: string) =>
      startTestGateway(
        redis.url,
        { GATEWAY_TLS_CERT_FILE: files.path(cert), GATEWAY_TLS_KEY_FILE: files.path(key) },
        { sources: sources() },
      );
    await expect(start('nowhere.pem', 'key.pem')).rejects.toThrow('GATEWAY_TLS_CERT_FILE is wrong: ENOENT');
    await expect(start('cert.pem', 'other-key.pem')).rejects.toThrow(/^the TLS files are wrong: ERR_/);
  });
});
