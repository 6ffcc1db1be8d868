import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ZeroHash } from 'ethers';
import { pino } from 'pino';
import { authorizationKeyHash } from '../../core/identity.ts';
import { openChargerCa } from '../../ocpp-gateway/charger-ca.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import {
  fingerprintOf,
  makeCertificate,
  makeFiles,
  makeSigningRequest,
  type TestCertificate,
} from '../support/certificates.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import {
  CHARGER_KEY,
  connectCharger,
  otherSources,
  type RawCharger,
  readEvents,
  refusalOf,
  startTestGateway,
} from './support.ts';

const NO_KEY = { authorization: '' };

describe('a charger that asks a gateway with a CA for a certificate', () => {
  const root = makeCertificate({ commonName: 'Root', purpose: 'ca' });
  const ca = makeCertificate({ commonName: 'Chargers', purpose: 'ca', issuer: root });
  const gatewayCertificate = makeCertificate({ commonName: 'gateway', purpose: 'server' });
  const files = makeFiles({
    'cert.pem': gatewayCertificate.cert,
    'key.pem': gatewayCertificate.key,
    'ca.pem': ca.cert + root.cert,
    'ca-key.pem': ca.key,
    'other-key.pem': root.key,
    'rootless.pem': ca.cert,
    'no-ca.pem': gatewayCertificate.cert,
  });
  /** What the chain commits to beside the key, by charger. */
  const onChain = new Map<string, string>();
  const sources = {
    ...otherSources(),
    chargers: {
      find: async (identity: string) => ({
        device: '',
        authorizationKeyHash: authorizationKeyHash(CHARGER_KEY),
        certificateFingerprint: onChain.get(identity) ?? ZeroHash,
      }),
    },
  };
  /** What is told of certificates on their way. */
  const told: { chargerId: string; status?: string; level: number }[] = [];
  const log = pino(
    { level: 'info' },
    {
      write: (text) => {
        const line = JSON.parse(text);
        if (['certificate delivered', 'certificate not accepted'].includes(line.msg)) told.push(line);
      },
    },
  );
  let redis: TestRedis;
  let gateway: RunningGateway;

  const tls = (certificate?: TestCertificate) => ({ rejectUnauthorized: false, ...certificate });
  const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const sent = (charger: RawCharger, n = 1) =>
    waitFor(
      () => charger.received.map((text) => JSON.parse(text)).filter((frame) => frame[2] === 'CertificateSigned')[n - 1],
      { what: 'the certificate' },
    ) as Promise<[2, string, string, { certificateChain: string }]>;
  /** Asks for the nth time on this connection, answers as told, and gives the certificate with its key. */
  const getCertificate = async (
    charger: RawCharger,
    key: { publicKey: KeyObject; privateKey: KeyObject },
    status = 'Accepted',
    n = 1,
  ) => {
    const csr = makeSigningRequest('whatever', key.privateKey, key.publicKey);
    expect((await charger.call(`sign ${n}`, 'SignCertificate', { csr }))[2]).toEqual({ status: 'Accepted' });
    const [, messageId, , { certificateChain }] = await sent(charger, n);
    charger.send([3, messageId, { status }]);
    return { cert: certificateChain, key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  };

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startTestGateway(
      redis.url,
      {
        GATEWAY_TLS_CERT_FILE: files.path('cert.pem'),
        GATEWAY_TLS_KEY_FILE: files.path('key.pem'),
        CHARGER_CA_CERT_FILE: files.path('ca.pem'),
        CHARGER_CA_KEY_FILE: files.path('ca-key.pem'),
        CHARGER_CERT_DAYS: '30',
      },
      { sources },
      log,
    );
  });
  afterAll(async () => {
    await gateway.close();
    await redis.close();
    files.remove();
  });

  it('gets one in its own name, changes over to it, and goes by nothing less once the chain commits to it', async () => {
    const charger = await connectCharger(gateway.port, 'CPup', { tls: tls() });
    const issued = await getCertificate(charger, newKey());
    const certificate = new X509Certificate(issued.cert);
    expect(certificate.subject).toBe('CN=CPup');
    expect(certificate.verify(new X509Certificate(ca.cert).publicKey)).toBe(true);
    expect(issued.cert.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    const days = (certificate.validToDate.getTime() - Date.now()) / 86_400_000;
    // The CA itself ends tomorrow.
    expect(days).toBeLessThan(1.01);
    await charger.close();

    const byCertificate = await connectCharger(gateway.port, 'CPup', { tls: tls(issued), headers: NO_KEY });
    await byCertificate.close();
    expect(await refusalOf(gateway.port, 'CPother', { tls: tls(issued), headers: NO_KEY })).toBe('401 wrong key');

    onChain.set('CPup', fingerprintOf(issued));
    await (await connectCharger(gateway.port, 'CPup', { tls: tls(issued), headers: NO_KEY })).close();
    expect(await refusalOf(gateway.port, 'CPup', { tls: tls() })).toBe('401 certificate is missing');
  });

  it('renews it by it, and any change on chain makes void what was issued before', async () => {
    const first = await connectCharger(gateway.port, 'CPrenew', { tls: tls() });
    const old = await getCertificate(first, newKey());
    await first.close();
    onChain.set('CPrenew', fingerprintOf(old));
    const second = await connectCharger(gateway.port, 'CPrenew', { tls: tls(old), headers: NO_KEY });
    const renewed = await getCertificate(second, newKey());
    await second.close();
    for (const one of [renewed, old]) {
      await (await connectCharger(gateway.port, 'CPrenew', { tls: tls(one), headers: NO_KEY })).close();
    }
    onChain.set('CPrenew', `0x${'77'.repeat(32)}`);
    for (const one of [renewed, old]) {
      expect(await refusalOf(gateway.port, 'CPrenew', { tls: tls(one), headers: NO_KEY })).toBe(
        '401 wrong certificate',
      );
    }
  });

  it('stays with the one it has where others are refused or lost, and goes by no older one once it came by a newer', async () => {
    const come = (certificate: TestCertificate) =>
      connectCharger(gateway.port, 'CPfails', { tls: tls(certificate), headers: NO_KEY });
    const charger = await connectCharger(gateway.port, 'CPfails', { tls: tls() });
    const first = await getCertificate(charger, newKey());
    await charger.close();
    const onFirst = await come(first);
    await getCertificate(onFirst, newKey(), 'Rejected');
    // Nobody learns whether the charger has taken this one in.
    const csr = newKey();
    await onFirst.call('lost', 'SignCertificate', {
      csr: makeSigningRequest('whatever', csr.privateKey, csr.publicKey),
    });
    await sent(onFirst, 2);
    await onFirst.close();

    const again = await come(first);
    const last = await getCertificate(again, newKey());
    await again.close();
    await (await come(last)).close();
    expect(await refusalOf(gateway.port, 'CPfails', { tls: tls(first), headers: NO_KEY })).toBe('401 wrong key');

    const facts = () => told.filter(({ chargerId }) => chargerId === 'CPfails');
    await waitFor(() => facts().length === 4, { what: 'all four to be told of' });
    expect(facts().map(({ status, level }) => [status, level])).toEqual([
      ['Accepted', 30],
      ['Rejected', 40],
      [undefined, 40],
      ['Accepted', 30],
    ]);
  });

  it('has question, certificate and answer on record', async () => {
    const charger = await connectCharger(gateway.port, 'CPrecord', { tls: tls() });
    await getCertificate(charger, newKey());
    await charger.call('last', 'Heartbeat', {});
    await charger.close();
    const events = (await readEvents(redis.url)).filter((event) => event.charger === 'CPrecord');
    expect(events.map(({ kind }) => kind).slice(0, 4)).toEqual(['open', 'call', 'answer', 'call']);
    expect(events[2]?.reply).toContain('"CertificateSigned"');
  });

  it('gets one in OCPP 2.0.1 as well, of the type that it asked for, and none of a V2G hierarchy', async () => {
    const charger = await connectCharger(gateway.port, 'CPnewer', { tls: tls(), subprotocols: ['ocpp2.0.1'] });
    const { publicKey, privateKey } = newKey();
    const csr = makeSigningRequest('CPnewer', privateKey, publicKey);
    const ask = async (id: string, certificateType: string) =>
      (await charger.call(id, 'SignCertificate', { csr, certificateType }))[2];
    expect(await ask('1', 'V2GCertificate')).toEqual({ status: 'Rejected' });
    expect(await ask('2', 'ChargingStationCertificate')).toEqual({ status: 'Accepted' });
    const [, , , payload] = await sent(charger);
    expect(payload).toMatchObject({ certificateType: 'ChargingStationCertificate' });
    expect(new X509Certificate(payload.certificateChain).subject).toBe('CN=CPnewer');
    await charger.close();
  });

  it('is refused with a request of a key that it does not have, with none at all, and when it asks all the time', async () => {
    const charger = await connectCharger(gateway.port, 'CPliar', { tls: tls() });
    const [own, foreign] = [newKey(), newKey()];
    const ask = async (id: string, csr: string) => (await charger.call(id, 'SignCertificate', { csr }))[2];
    const rejected = { status: 'Rejected' };
    expect(await ask('1', makeSigningRequest('CPliar', own.privateKey, foreign.publicKey))).toEqual(rejected);
    expect(await ask('2', 'x')).toEqual(rejected);
    const good = makeSigningRequest('CPliar', own.privateKey, own.publicKey);
    const answers: unknown[] = [];
    for (let i = 3; i < 9; i++) answers.push(await ask(`${i}`, good));
    expect(answers.filter((answer) => JSON.stringify(answer) === '{"status":"Accepted"}')).toHaveLength(5);
    expect(answers.at(-1)).toEqual(rejected);
    await charger.close();
  });

  it('finds a CA only in files that are one', () => {
    const open = (cert: string, key: string) =>
      openChargerCa({ certificateFile: files.path(cert), keyFile: files.path(key), validDays: 30 });
    expect(open('ca.pem', 'ca-key.pem').certificates.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(() => open('ca.pem', 'other-key.pem')).toThrow('the key is not its own');
    expect(() => open('rootless.pem', 'ca-key.pem')).toThrow('the root is missing above the CA');
    expect(() => open('no-ca.pem', 'key.pem')).toThrow('it is no CA');
    expect(() => open('none.pem', 'key.pem')).toThrow('CHARGER_CA_CERT_FILE is wrong: ENOENT');
  });
});
