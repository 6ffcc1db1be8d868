import { createPrivateKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type WebSocket, WebSocketServer } from 'ws';
import { issuerOf, signCertificate } from '../../core/certificate.ts';
import { readCertificateRequest } from '../../core/certificate-request.ts';
import { type Charger, type ChargerSettings, startCharger } from '../../simulator/charger.ts';
import type { Happening } from '../../simulator/conversation.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { waitFor } from '../support/wait.ts';
import { usualAnswer } from './csms.ts';
import { startStrictCsms } from './strict-csms.ts';

const KEY = Buffer.from('00112233445566778899aabbccddeeff00112233', 'hex');
const QUICK = { backoff: { firstMs: 10, longestMs: 50 } };

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

interface Visit {
  authorization: string | undefined;
  /** CN of the certificate that was shown. */
  commonName: string | undefined;
}

/** A CSMS over TLS that asks for a certificate of its CA, and certifies what it is asked to. */
async function startTlsCsms(ca: TestCertificate) {
  const own = makeCertificate({ commonName: 'localhost', purpose: 'server', issuer: ca });
  const server = createServer({
    cert: own.cert,
    key: own.key,
    ca: ca.cert,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'ocpp1.6' });
  const visits: Visit[] = [];
  sockets.on('connection', (socket: WebSocket, request) => {
    const tls = request.socket as TLSSocket;
    const commonName = tls.authorized ? tls.getPeerCertificate().subject.CN : undefined;
    visits.push({ authorization: request.headers.authorization, commonName: commonName as string | undefined });
    socket.on('message', (data) => {
      const [type, id, action, payload] = JSON.parse(data.toString()) as [number, string, string, { csr?: string }];
      if (type !== 2) return;
      socket.send(JSON.stringify([3, id, action === 'SignCertificate' ? { status: 'Accepted' } : usualAnswer(action)]));
      if (action !== 'SignCertificate') return;
      const { publicKey, subject } = readCertificateRequest(payload.csr ?? '');
      const times = { notBeforeMs: Date.now() - 1_000, notAfterMs: Date.now() + 3_600_000 };
      const issuer = issuerOf(new X509Certificate(ca.cert), createPrivateKey(ca.key));
      const certificateChain = signCertificate({ subject, publicKey, purpose: 'client', ...times }, issuer);
      socket.send(JSON.stringify([2, 'sign', 'CertificateSigned', { certificateChain }]));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({
    close: async () => {
      for (const socket of sockets.clients) socket.terminate();
      await new Promise((done) => server.close(done));
    },
  });
  return { url: `wss://localhost:${(server.address() as AddressInfo).port}`, visits };
}

function chargerAt(url: string, more: Partial<ChargerSettings>): { charger: Charger; seen: Happening[] } {
  const seen: Happening[] = [];
  const watch = (happening: Happening) => void seen.push(happening);
  const charger = startCharger({ url, identity: 'CP-1', key: KEY, connectors: 1, timings: QUICK, watch, ...more });
  open.push(charger);
  return { charger, seen };
}

describe('a virtual charger over TLS', () => {
  it('trusts the CA it is given and no other', async () => {
    const ca = makeCertificate({ commonName: 'CA', purpose: 'ca' });
    const other = makeCertificate({ commonName: 'Other', purpose: 'ca' });
    const csms = await startTlsCsms(ca);
    const { charger } = chargerAt(csms.url, { tls: { trusted: [ca.cert] } });
    await charger.settled();
    const { seen } = chargerAt(csms.url, { tls: { trusted: [other.cert] } });
    await waitFor(() => seen.some(({ kind }) => kind === 'refused'), { what: 'the connection to be given up' });
    expect(csms.visits).toEqual([
      {
        authorization: `Basic ${Buffer.concat([Buffer.from('CP-1:'), KEY]).toString('base64')}`,
        commonName: undefined,
      },
    ]);
  });

  it('asks for a certificate and comes back with it', async () => {
    const ca = makeCertificate({ commonName: 'CA', purpose: 'ca' });
    const csms = await startTlsCsms(ca);
    const { charger } = chargerAt(csms.url, { key: undefined, tls: { trusted: [ca.cert] } });
    await charger.settled();
    charger.askForCertificate();
    await waitFor(() => csms.visits.length === 2, { what: 'the charger to come back' });
    expect(csms.visits).toEqual([
      { authorization: undefined, commonName: undefined },
      { authorization: undefined, commonName: 'CP-1' },
    ]);
  });
});

describe('the firmware of a virtual charger', () => {
  const file = Buffer.from('new firmware');
  const locations = { firmware: 'http://127.0.0.1:1/files/charger-2.4.1.bin', none: 'http://127.0.0.1:1/none' };
  const files = {
    download: async (location: string) => {
      if (location === locations.none) throw new Error('HTTP 404');
      return file;
    },
    upload: async () => {},
  };

  it('is got, installed, and runs after a boot', async () => {
    const csms = await startStrictCsms('ocpp1.6');
    open.push(csms);
    const { charger } = chargerAt(csms.url, { files });
    await charger.settled();
    await csms.call('UpdateFirmware', { location: locations.firmware, retrieveDate: '2020-01-01T00:00:00Z' });
    await csms.told('FirmwareStatusNotification', ({ status }) => status === 'Installed');
    expect(csms.of('FirmwareStatusNotification').map(({ status }) => status)).toEqual([
      'Downloading',
      'Downloaded',
      'Installing',
      'Installed',
    ]);
    expect(csms.of('BootNotification').map(({ firmwareVersion }) => firmwareVersion)).toEqual([
      '0.1.0',
      'charger-2.4.1',
    ]);
    await csms.call('UpdateFirmware', { location: locations.none, retrieveDate: '2020-01-01T00:00:00Z' });
    await csms.told('FirmwareStatusNotification', ({ status }) => status === 'DownloadFailed');
    expect(csms.broken).toEqual([]);
  });

  it('is installed only if the signature is good', async () => {
    const csms = await startStrictCsms('ocpp1.6');
    open.push(csms);
    const { charger } = chargerAt(csms.url, { files });
    await charger.settled();
    const maker = makeCertificate({ commonName: 'Maker', purpose: 'ca' });
    const makerKey = createPrivateKey(maker.key);
    const stranger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
    const order = (requestId: number, key: KeyObject, signingCertificate: string) => ({
      requestId,
      firmware: {
        location: locations.firmware,
        retrieveDateTime: '2020-01-01T00:00:00Z',
        signingCertificate,
        signature: sign('sha256', file, key).toString('base64'),
      },
    });
    const told = (requestId: number) =>
      csms
        .of('SignedFirmwareStatusNotification')
        .flatMap((each) => (each.requestId === requestId ? [each.status] : []));
    expect(await csms.call('SignedUpdateFirmware', order(1, makerKey, 'none'))).toEqual({
      status: 'InvalidCertificate',
    });
    expect(await csms.call('SignedUpdateFirmware', order(2, stranger, maker.cert))).toEqual({ status: 'Accepted' });
    await waitFor(() => told(2).includes('InvalidSignature'), { what: 'the signature to be refused' });
    expect(await csms.call('SignedUpdateFirmware', order(3, makerKey, maker.cert))).toEqual({ status: 'Accepted' });
    await waitFor(() => told(3).includes('Installed'), { what: 'the firmware to be installed' });
    expect(told(2)).toEqual(['Downloading', 'Downloaded', 'InvalidSignature']);
    expect(told(3)).toEqual(['Downloading', 'Downloaded', 'SignatureVerified', 'Installing', 'Installed']);
    expect(csms.broken).toEqual([]);
  });
});

describe('a virtual charger that cannot ask', () => {
  it('goes by its list of cards, and by those it remembers', async () => {
    const csms = await startStrictCsms('ocpp1.6');
    open.push(csms);
    const { charger } = chargerAt(csms.url, {});
    await charger.settled();
    const car = { battery: { capacityWh: 50_000, levelWh: 0 }, maxPowerW: 10_000 };
    const list = (listVersion: number, updateType: string, ...cards: [string, string | undefined][]) => ({
      listVersion,
      updateType,
      localAuthorizationList: cards.map(([idTag, status]) => ({ idTag, ...(status ? { idTagInfo: { status } } : {}) })),
    });
    const full = list(3, 'Full', ['LISTED', 'Accepted'], ['BAD', 'Blocked'], ['GONE', 'Accepted']);
    expect(await csms.call('SendLocalList', full)).toEqual({ status: 'Accepted' });
    expect(await csms.call('SendLocalList', list(3, 'Differential'))).toEqual({ status: 'VersionMismatch' });
    expect(await csms.call('SendLocalList', list(4, 'Differential', ['GONE', undefined]))).toEqual({
      status: 'Accepted',
    });
    expect(await csms.call('GetLocalListVersion', {})).toEqual({ listVersion: 4 });
    charger.plug(1, car);
    await charger.present(1, 'SEEN');
    await charger.present(1, 'SEEN');
    await charger.settled();
    charger.setOffline(true);
    await waitFor(() => !charger.isOnline(), { what: 'the charger to be offline' });
    charger.unplug(1);
    charger.plug(1, car);
    expect(await charger.present(1, 'GONE')).toBe('nobody to ask about the card');
    expect(await charger.present(1, 'BAD')).toBe('the card is Blocked');
    expect(await charger.present(1, 'listed')).toBeUndefined();
    expect(await charger.present(1, 'LISTED')).toBeUndefined();
    charger.unplug(1);
    charger.plug(1, car);
    expect(await charger.present(1, 'SEEN')).toBeUndefined();
    charger.setOffline(false);
    await charger.settled();
    expect(csms.of('StartTransaction').map(({ idTag }) => idTag)).toEqual(['SEEN', 'listed', 'SEEN']);
    expect(csms.broken).toEqual([]);
  });
});
