import { describe, expect, it } from '@jest/globals';
import { deriveFacts } from '../../core/derive-facts.ts';
import { payloadCheck } from '../../ocpp-gateway/payload-checks.ts';
import { transactionEvent } from '../core/samples20.ts';
import { shareGateway } from './one-gateway.ts';
import type { ConnectOptions } from './support.ts';

const rfid = (idToken: string) => ({ idToken, type: 'ISO14443' });
const metered = (...sampledValue: object[]) => [{ timestamp: '2026-03-01T12:00:00Z', sampledValue }];
const NOBODY = { idToken: '', type: 'NoAuthorization' };

describe('a gateway, towards chargers of OCPP 2.x', () => {
  const { connect: connectAs, eventsOf } = shareGateway();
  let names = 0;

  const connect = async (subprotocols: ConnectOptions['subprotocols'] = ['ocpp2.0.1']) => {
    const identity = `CP2-${++names}`;
    return { identity, charger: await connectAs(identity, { subprotocols }) };
  };

  it.each([
    [['ocpp1.6', 'ocpp2.0.1', 'ocpp2.1'], 'ocpp2.1'],
    [['ocpp1.6', 'ocpp2.0.1'], 'ocpp2.0.1'],
    [['ocpp2.0', 'ocpp1.6'], 'ocpp1.6'],
  ])(
    'speaks the newest version of those that one offers: of %j it is %s, as is on record',
    async (offered, version) => {
      const { identity, charger } = await connect(offered);
      expect(charger.socket.protocol).toBe(version);
      await charger.call('1', 'Heartbeat', {});
      expect((await eventsOf(identity))[0]).toMatchObject({ kind: 'open', frame: `{"subprotocol":"${version}"}` });
    },
  );

  it.each([
    ['Authorize', { idToken: rfid('Accepted-1') }, { idTokenInfo: { status: 'Accepted' } }],
    ['Authorize', { idToken: rfid('Blocked-1') }, { idTokenInfo: { status: 'Blocked' } }],
    ['Authorize', { idToken: rfid('nobody') }, { idTokenInfo: { status: 'Unknown' } }],
    ['TransactionEvent', transactionEvent('Started', 0, { idToken: rfid('Expired-1') }), expired()],
    ['TransactionEvent', transactionEvent('Started', 0, { idToken: NOBODY }), { idTokenInfo: { status: 'Accepted' } }],
    ['TransactionEvent', transactionEvent('Updated', 7), {}],
    ['TransactionEvent', transactionEvent('Ended', 3, { timestamp: '1970-01-01T00:00:00Z', offline: true }), {}],
    ['SignCertificate', { csr: 'x', certificateType: 'V2GCertificate' }, { status: 'Rejected' }],
    [
      'Get15118EVCertificate',
      { iso15118SchemaVersion: 'urn', action: 'Install', exiRequest: 'x' },
      { status: 'Failed', exiResponse: '', statusInfo: { reasonCode: 'UnsupportedRequest' } },
    ],
  ])('answers %s %j', async (action, payload, expected) => {
    const { charger } = await connect();
    expect(await charger.call('1', action, payload)).toEqual([3, '1', expected]);
  });

  it.each(['ocpp2.0.1', 'ocpp2.1'] as const)('takes messages of %s as far as they are right', async (version) => {
    const { identity, charger } = await connect([version]);
    const slips: [action: string, payload: object, told: object][] = [
      [
        'TransactionEvent',
        {
          ...transactionEvent('Ended', 3, { idToken: null, cableMaxCurrent: 31.5, timestamp: '2026-03-01T12:00:00' }),
          meterValue: metered({ value: '7.5', unitOfMeasure: { unit: 'kWh' } }, { value: 8, unitOfMeasure: 'kWh' }, {}),
        },
        {
          kind: 'transaction-stopped',
          meterStopWh: 7500,
          stoppedAt: { clock: 'missing' },
          samples: [{ reading: { value: 7500 } }, { reading: { kind: 'unusable' } }, { reading: { kind: 'unusable' } }],
        },
      ],
      [
        'MeterValues',
        { evseId: '1', meterValue: metered({ value: 8, phase: null }, { value: 9, measurand: 7 }) },
        { connector: 1, samples: [{ reading: { value: 8 } }, { reading: { kind: 'unusable' } }] },
      ],
      [
        'BootNotification',
        {
          reason: 'PowerUp',
          chargingStation: { vendorName: 'V', model: 'M', serialNumber: 's'.repeat(30), modem: null },
        },
        { kind: 'boot', vendor: 'V' },
      ],
      [
        'StatusNotification',
        { evseId: 1, connectorId: 1, connectorStatus: 'Occupied', timestamp: '2026-03-01T12:00:00', info: 'more' },
        { kind: 'status', status: 2, reportedAt: { clock: 'missing' } },
      ],
    ];
    for (const [n, [action, payload]] of slips.entries()) {
      expect((await charger.call(`${n}`, action, payload))[0]).toBe(3);
    }
    const events = (await eventsOf(identity)).slice(1);
    expect(events.map(({ kind }) => kind)).toEqual(slips.map(() => 'call'));
    expect(events.map(({ frame }) => JSON.parse(frame)[3])).toEqual(slips.map(([, payload]) => payload));
    expect(events.flatMap((event) => deriveFacts(event, version))).toMatchObject(slips.map(([, , told]) => told));
  });

  it.each(['ocpp2.0.1', 'ocpp2.1'] as const)('takes no contract of a car for good, in %s', async (version) => {
    const { charger } = await connect([version]);
    const idToken = { idToken: 'Accepted-1', type: 'eMAID' };
    const hash = { hashAlgorithm: 'SHA256', issuerNameHash: 'aa', issuerKeyHash: 'bb', serialNumber: '01' };
    const hashes = [{ ...hash, responderURL: 'http://ocsp.example.org' }];
    for (const shown of [{ certificate: 'PEM' }, { iso15118CertificateHashData: hashes }]) {
      const [, , answer] = await charger.call(Object.keys(shown).join(), 'Authorize', { idToken, ...shown });
      expect(answer).toEqual({ idTokenInfo: { status: 'Invalid' }, certificateStatus: 'NoCertificateAvailable' });
      expect(payloadCheck(version, 'Authorize', 'response')(answer)).toBeUndefined();
    }
    const plain = { idToken, certificate: null };
    expect((await charger.call('p', 'Authorize', plain))[2]).toEqual({ idTokenInfo: { status: 'Accepted' } });
  });

  it('keeps transaction messages of which too little is right, raw, as suspect, and refuses others without a record', async () => {
    const { identity, charger } = await connect();
    const { transactionInfo: _, ...broken } = transactionEvent('Ended', 3);
    expect(await charger.call('1', 'TransactionEvent', broken)).toEqual([3, '1', {}]);
    expect(await charger.call('2', 'MeterValues', { evseId: 1, meterValue: [] })).toEqual([3, '2', {}]);
    expect((await charger.call('3', 'Authorize', { idToken: { idToken: 'A' } }))[2]).toBe(
      'OccurrenceConstraintViolation',
    );
    expect((await eventsOf(identity)).map(({ kind }) => kind)).toEqual(['open', 'suspect', 'suspect']);
  });

  it('refuses what another version has, what only a CSMS sends, and what is no frame, in the words of 2.x', async () => {
    const { charger } = await connect();
    expect((await charger.call('1', 'StartTransaction', {}))[2]).toBe('NotImplemented');
    expect((await charger.call('2', 'SetVariables', {}))[2]).toBe('NotSupported');
    expect((await charger.call('3', 'NotifySettlement', {}))[2]).toBe('NotImplemented');
    charger.send('no JSON');
    expect(await charger.answerTo('-1')).toEqual([4, '-1', 'RpcFrameworkError', 'a frame must be JSON', {}]);
  });

  it('records a SEND of 2.1, answers none, and lets one pass that it does not know, or that 2.0.1 has not', async () => {
    const stream = { id: 1, pending: 0, basetime: '2026-03-01T12:00:00Z', data: [{ t: 0, v: '1' }] };
    const frame = JSON.stringify([6, 'a', 'NotifyPeriodicEventStream', stream]);
    const { identity, charger } = await connect(['ocpp2.1']);
    charger.send([6, 'x', 'MakeCoffee', {}], [6, 'y', 'NotifyPeriodicEventStream', {}], [6, 7], [5, 'z', 'c', 'd', {}]);
    charger.send(frame);
    await charger.call('1', 'Heartbeat', {});
    expect(charger.received).toHaveLength(1);
    expect((await eventsOf(identity))[1]).toMatchObject({ kind: 'call', frame, reply: '' });
    expect(await eventsOf(identity)).toHaveLength(3);
    charger.send(frame, frame, [2, 'a', 'Heartbeat', {}]);
    await charger.answerTo('a');
    expect((await eventsOf(identity)).filter((event) => event.frame === frame)).toHaveLength(3);
    const older = await connect(['ocpp2.0.1']);
    older.charger.send(frame);
    await older.charger.call('1', 'Heartbeat', {});
    expect(await eventsOf(older.identity)).toHaveLength(2);
  });
});

function expired() {
  return { idTokenInfo: { status: 'Expired' } };
}
