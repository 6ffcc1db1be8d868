import { describe, expect, it } from '@jest/globals';
import { GAP_PATIENCE_MS } from '../../adapter/ingest.ts';
import type { Batch } from '../../core/batch.ts';
import { encodeEvent } from '../../core/charger-event.ts';
import { makeTestGateway, makeTestKey, type TestGateway } from '../support/batches.ts';
import { makeTestRecord } from './record.ts';

const ms = (sec: number) => sec * 1000;

function begin() {
  const gateway = makeTestGateway({ bootedAtMs: ms(1_000) });
  const record = makeTestRecord([gateway.listed()]);
  record.apply(gateway.flush(ms(1_000)));
  return { gateway, record };
}

/** A batch in which CH-1 connects and becomes available, up to `sec`. */
function firstBatch(gateway: TestGateway, sec = 1_004): Batch {
  gateway.open('CH-1', ms(1_001));
  gateway.status('CH-1', ms(1_002), 1, 'Available');
  return gateway.flush(ms(sec));
}

describe('custody of batches', () => {
  it('takes each batch once, however often it comes', () => {
    const { gateway, record } = begin();
    const batches = [firstBatch(gateway), gateway.flush(ms(1_005)), gateway.flush(ms(1_006))];
    record.apply(...batches);
    record.apply(...batches, ...batches);
    expect(record.count('events')).toBe(2);
    expect(record.count('batches')).toBe(4);
    expect(record.outcomes.filter((outcome) => outcome === 'duplicate')).toHaveLength(6);
  });

  it('puts batches in order that come in any', () => {
    const { gateway, record } = begin();
    const [a, b, c, d] = [
      firstBatch(gateway),
      gateway.flush(ms(1_005)),
      gateway.flush(ms(1_006)),
      gateway.flush(ms(1_007)),
    ];
    record.apply(d);
    record.apply(b, c);
    expect(record.count('parked')).toBe(3);
    record.apply(a);
    expect(record.count('parked')).toBe(0);
    expect(record.ingest.book.row(gateway.account)).toMatchObject({ state: 'following', number: 4 });
  });

  it.each<[string, (batch: Batch) => Batch | string, string]>([
    ['no JSON', () => '{', 'batch is no JSON'],
    ['of the wrong shape', (batch) => JSON.stringify({ ...batch, number: -1 }), 'batch: number is no whole number'],
    ['of another network', (batch) => ({ ...batch, network: `1:0x${'0'.repeat(40)}` }), 'batch is of another network'],
    ['with another watermark than was signed', (batch) => ({ ...batch, watermarkMs: 1 }), 'signature does not verify'],
    ['with another signature', (batch) => ({ ...batch, signature: '1'.repeat(128) }), 'signature does not verify'],
    [
      'with a charger message altered',
      (batch) => ({ ...batch, events: batch.events.map((line) => line.replace('Available', 'Faulted')) }),
      'signature does not verify',
    ],
    [
      'with an event left out',
      (batch) => ({ ...batch, events: batch.events.slice(0, 1) }),
      'signature does not verify',
    ],
    [
      'with a key that is none',
      (batch) => ({ ...batch, publicKey: `04${'0'.repeat(128)}` }),
      'public key is no point of the curve',
    ],
    ['with a line that is none', (batch) => ({ ...batch, events: ['x'] }), 'charger event has 1 fields, expected 7'],
  ])('refuses a batch %s, and takes the true one after it', (_name, falsify, reason) => {
    const { gateway, record } = begin();
    const batch = firstBatch(gateway);
    record.apply(falsify(batch));
    expect(record.reasons()).toEqual([reason]);
    expect(record.count('events')).toBe(0);
    record.apply(batch);
    expect(record.told('CH-1', 1, 1_003)).toBe('Available@1002');
  });

  it('waits with a batch that may follow a lost one, and refuses it once the true one is there', () => {
    const { gateway, record } = begin();
    const batch = firstBatch(gateway);
    record.apply({ ...batch, events: batch.events.toReversed() });
    expect([record.count('parked'), record.reasons()]).toEqual([1, []]);
    record.apply(batch, gateway.flush(ms(1_005)));
    expect([record.count('parked'), record.count('events')]).toEqual([0, 2]);
    expect(record.told('CH-1', 1, 1_003)).toBe('Available@1002');
  });

  it('lets a false batch of one gateway not hold up the others', () => {
    const { gateway, record } = begin();
    const other = makeTestGateway({ bootedAtMs: ms(1_000) });
    record.ingest.listGateways([gateway.listed(), other.listed()], 0);
    const good = firstBatch(gateway);
    record.apply('{', { ...other.flush(ms(1_001)), signature: '2'.repeat(128) }, good);
    expect(record.count('events')).toBe(2);
  });

  it('holds a batch whose key is not registered, and takes it when it is', () => {
    const { gateway, record } = begin();
    const newKey = makeTestKey();
    record.apply(firstBatch(gateway));
    const renewed = makeTestGateway({ bootedAtMs: ms(1_010), key: newKey, account: gateway.account });
    renewed.open('CH-1', ms(1_011));
    const batch = renewed.flush(ms(1_012));
    record.apply(batch);
    expect(record.readiness(1_006, ms(9_000))).toBe('wait');
    expect(record.count('batches')).toBe(2);
    record.ingest.listGateways([renewed.listed()], ms(1_013));
    expect(record.count('batches')).toBe(3);
  });

  it('takes batches under a replaced key only for a minute of their watermarks', () => {
    const { gateway, record } = begin();
    record.apply(firstBatch(gateway));
    record.ingest.listGateways([{ ...gateway.listed(), signingKey: makeTestKey().address }], ms(1_005));
    record.apply(gateway.flush(ms(1_065)));
    record.apply(gateway.flush(ms(1_065) + 1));
    expect(record.count('batches')).toBe(3);
    expect(record.count('parked')).toBe(1);
  });

  it('takes nothing of a gateway that is not active', () => {
    const { gateway, record } = begin();
    record.ingest.listGateways([{ ...gateway.listed(), active: false }], 0);
    record.apply(firstBatch(gateway));
    expect(record.count('events')).toBe(0);
  });

  it('convicts a gateway that signs two batches of one number, keeps both, and believes neither', () => {
    const { gateway, record } = begin();
    const first = firstBatch(gateway);
    const liar = gateway.clone();
    gateway.status('CH-1', ms(1_005), 1, 'Charging');
    liar.status('CH-1', ms(1_005), 1, 'Faulted', 'GroundFailure');
    const truth = gateway.flush(ms(1_006));
    const lie = liar.flush(ms(1_006));
    const later = gateway.flush(ms(1_007));
    record.apply(first, truth, later);
    expect(record.told('CH-1', 1, 1_005)).toBe('Charging@1005');
    record.apply(lie);
    expect(record.ingest.book.convicted()).toEqual([gateway.account]);
    const proof = record.db.prepare<{ kept: string; contradicting: string }>('SELECT * FROM convictions').get();
    expect(JSON.parse(proof?.kept ?? '')).toEqual(truth);
    expect(JSON.parse(proof?.contradicting ?? '')).toEqual(lie);
    expect(record.told('CH-1', 1, 1_002)).toBe('Available@1002');
    expect(record.told('CH-1', 1, 1_005)).toBe('offline@1004');
    record.apply(gateway.flush(ms(1_008)));
    expect(record.reasons()).toEqual(['key is convicted of signing contradictory batches']);
  });

  it('comes to the same record whichever of two contradictory batches it saw first', () => {
    const gateway = makeTestGateway({ bootedAtMs: ms(1_000) });
    const zeroth = gateway.flush(ms(1_000));
    const first = firstBatch(gateway);
    const liar = gateway.clone();
    gateway.close('CH-1', ms(1_005));
    gateway.open('CH-2', ms(1_005));
    liar.status('CH-1', ms(1_005), 1, 'Faulted');
    const [one, two] = [gateway.flush(ms(1_006)), liar.flush(ms(1_006))];
    const told = [
      [one, two],
      [two, one],
    ].map((order) => {
      const record = makeTestRecord([gateway.listed()]);
      record.apply(zeroth, first, ...order);
      return [1_003, 1_004, 1_005, 1_006].map((sec) => [record.told('CH-1', 1, sec), record.told('CH-2', 1, sec)]);
    });
    expect(told[0]).toEqual(told[1]);
    expect(told[0]?.[2]).toEqual(['offline@1004', 'offline@0']);
  });

  it('convicts a gateway whose next batch follows another one than it gave', () => {
    const { gateway, record } = begin();
    const first = firstBatch(gateway);
    const liar = gateway.clone();
    record.apply(first, gateway.flush(ms(1_005)));
    liar.flush(ms(1_006));
    record.apply(liar.flush(ms(1_007)));
    expect(record.ingest.book.convicted()).toEqual([gateway.account]);
  });

  it('does not convict on a batch that only someone else forged', () => {
    const { gateway, record } = begin();
    const first = firstBatch(gateway);
    record.apply(first, { ...first, watermarkMs: ms(1_009), signature: '3'.repeat(128) });
    expect(record.ingest.book.convicted()).toEqual([]);
    expect(record.reasons()).toEqual(['signature does not verify']);
  });

  it('trusts a convicted gateway again only under another key, from a new generation', () => {
    const { gateway, record } = begin();
    const first = firstBatch(gateway);
    const liar = gateway.clone();
    record.apply(first, gateway.flush(ms(1_005)), liar.flush(ms(1_006)));
    const renewed = makeTestGateway({ bootedAtMs: ms(1_100), account: gateway.account });
    record.ingest.listGateways([renewed.listed()], ms(1_100));
    record.apply(renewed.flush(ms(1_100)));
    renewed.open('CH-1', ms(1_101));
    record.apply(renewed.flush(ms(1_102)));
    expect(record.ingest.book.row(gateway.account)).toMatchObject({ state: 'following', number: 1 });
  });

  it.each<[string, string, (gateway: TestGateway) => Batch]>([
    ['watermark falls', 'watermark falls', (gateway) => gateway.flush(ms(1_003))],
    [
      'an event is older than the watermark before',
      'event was received before one that went out earlier',
      (gateway) => {
        gateway.call('CH-1', ms(1_004), 'Heartbeat', {});
        return gateway.flush(ms(1_006));
      },
    ],
    [
      'an event is newer than its watermark',
      'event was received after the watermark',
      (gateway) => {
        gateway.call('CH-1', ms(1_007), 'Heartbeat', {});
        return gateway.flush(ms(1_006));
      },
    ],
    [
      'a connection leaves out an event',
      'connection leaves out or repeats an event',
      (gateway) => {
        gateway.event({
          charger: 'CH-1',
          epoch: ms(1_001),
          seq: 3,
          receivedAtMs: ms(1_005),
          kind: 'call',
          reply: '',
          frame: '',
        });
        return gateway.flush(ms(1_006));
      },
    ],
    [
      'a connection is opened twice',
      'connection leaves out or repeats an event',
      (gateway) => {
        gateway.open('CH-1', ms(1_005), ms(1_001));
        return gateway.flush(ms(1_006));
      },
    ],
    [
      'a connection outlives its process',
      'connection outlives its process',
      (gateway) => {
        gateway.call('CH-1', ms(1_005), 'Heartbeat', {});
        return gateway.flush(ms(1_006), (batch) => {
          batch.bootedAtMs = ms(1_005);
        });
      },
    ],
    [
      'a process is older than the one before',
      'process is older than the one before',
      (gateway) =>
        gateway.flush(ms(1_006), (batch) => {
          batch.bootedAtMs = ms(999);
        }),
    ],
  ])('breaks off the record where %s, until the next process', (_name, reason, falsify) => {
    const { gateway, record } = begin();
    record.apply(firstBatch(gateway));
    record.apply(falsify(gateway));
    expect(record.reasons()).toEqual([reason]);
    gateway.flush(ms(1_007));
    expect(record.told('CH-1', 1, 1_003)).toBe('Available@1002');
    expect(record.told('CH-1', 1, 1_006)).toBe('offline@1004');
    record.apply(
      gateway.clone().flush(ms(1_008), (batch) => {
        batch.number -= 1;
      }),
    );
    gateway.restart(ms(1_010));
    gateway.open('CH-1', ms(1_011));
    record.apply(gateway.flush(ms(1_012)), gateway.flush(ms(1_013)));
    expect(record.ingest.book.row(gateway.account).state).toBe('following');
    expect(record.readiness(1_011, ms(1_013))).toBe('never');
    expect(record.told('CH-1', 1, 1_012)).toBe('Unknown@0');
  });

  it('believes nothing from before a break, once the gateway goes on after Redis lost its chain', () => {
    const { gateway, record } = begin();
    record.apply(firstBatch(gateway));
    gateway.beginGeneration(ms(1_005));
    gateway.call('CH-1', ms(1_006), 'Heartbeat', {});
    record.apply(gateway.flush(ms(1_007)), gateway.flush(ms(1_008)));
    expect(record.readiness(1_005, ms(1_008))).toBe('never');
    expect(record.told('CH-1', 1, 1_003)).toBe('Available@1002');
    expect(record.told('CH-1', 1, 1_007)).toBe('Unknown@0');
    gateway.status('CH-1', ms(1_009), 1, 'Charging');
    record.apply(gateway.flush(ms(1_010)));
    expect(record.told('CH-1', 1, 1_009)).toBe('Charging@1009');
  });

  it('goes on without a lost batch after its patience, and then cannot know what it may have missed', () => {
    const { gateway, record } = begin();
    record.apply(firstBatch(gateway));
    gateway.status('CH-1', ms(1_005), 1, 'Charging');
    gateway.flush(ms(1_006));
    record.apply(gateway.flush(ms(1_007)), gateway.flush(ms(1_008)));
    record.ingest.giveUpGaps(GAP_PATIENCE_MS - 1, 0);
    record.ingest.giveUpGaps(GAP_PATIENCE_MS, 1);
    expect(record.count('parked')).toBe(2);
    record.ingest.giveUpGaps(GAP_PATIENCE_MS, 0);
    expect(record.count('parked')).toBe(0);
    expect(record.readiness(1_020, ms(9_000))).toBe('wait');
    gateway.restart(ms(1_030));
    record.apply(gateway.flush(ms(1_031)));
    gateway.open('CH-2', ms(1_032));
    gateway.status('CH-2', ms(1_033), 1, 'Charging');
    record.apply(gateway.flush(ms(1_034)));
    expect(record.readiness(1_033, ms(1_034))).toBe('ready');
    expect(record.told('CH-1', 1, 1_033)).toBe('cannot know');
    expect(record.told('CH-2', 1, 1_033)).toBe('Charging@1033');
  });

  it('begins with a gateway in mid-course only where all its connections begin', () => {
    const gateway = makeTestGateway({ bootedAtMs: ms(1_000) });
    const record = makeTestRecord([gateway.listed()]);
    firstBatch(gateway);
    record.apply(gateway.flush(ms(1_005)), gateway.flush(ms(1_006)));
    record.ingest.giveUpGaps(GAP_PATIENCE_MS, 0);
    expect(record.count('batches')).toBe(0);
    gateway.restart(ms(1_010));
    gateway.open('CH-1', ms(1_011));
    gateway.status('CH-1', ms(1_011), 1, 'Available');
    record.apply(gateway.flush(ms(1_012)), gateway.flush(ms(1_014)));
    expect(record.told('CH-1', 1, 1_012)).toBe('Available@1011');
    expect(record.told('CH-9', 1, 1_012)).toBe('cannot know');
    expect(record.readiness(1_011, ms(1_013))).toBe('never');
  });

  it('keeps frames and replies byte for byte', () => {
    const { gateway, record } = begin();
    const frame = '[2,"1","DataTransfer",{"vendorId":"\u{1F50C}\tä"}]';
    gateway.open('CH-1', ms(1_001));
    const event = { charger: 'CH-1', epoch: ms(1_001), seq: 1, receivedAtMs: ms(1_002), kind: 'call' as const };
    gateway.event({ ...event, reply: '[3,"1",{}]', frame });
    const batch = gateway.flush(ms(1_003));
    record.apply(batch);
    const row = record.db
      .prepare<{ frame: string; reply: string }>('SELECT frame, reply FROM events WHERE seq = 1')
      .get();
    expect(encodeEvent({ ...event, reply: row?.reply ?? '', frame: row?.frame ?? '' })).toBe(batch.events[1]);
  });
});
