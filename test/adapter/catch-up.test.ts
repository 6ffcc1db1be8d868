import { describe, expect, it } from '@jest/globals';
import { makeBatchExport, type PeerBeginning } from '../../adapter/batch-export.ts';
import { makeCatchUp } from '../../adapter/catch-up.ts';
import type { PeerReader } from '../../adapter/peers.ts';
import { makeRetention } from '../../adapter/retention.ts';
import type { SealedBatch } from '../../core/sealed-batch.ts';
import { makeLog } from '../../runtime/log.ts';
import { makeTestGateway, makeTestKey } from '../support/batches.ts';
import { makeTestRecord, type TestRecord } from './record.ts';

const ms = (sec: number) => sec * 1000;
const PAGE = 4;

/** A peer that gives what is on a record, a few batches at a time. */
function peerOf(record: TestRecord, change: (texts: string[]) => string[] = (texts) => texts): PeerReader {
  const given = makeBatchExport(record.db, record.ingest.batchText);
  return {
    beginning: async (_peer, gateway) => {
      const begin = given.beginning(gateway);
      if (begin === undefined) throw new Error('no beginning');
      return begin;
    },
    batches: async (_peer, gateway, generation, number) => change(given.batches(gateway, generation, number, PAGE)),
    convictions: async (_peer, gateway) =>
      given
        .convictions()
        .filter((one) => one.gateway === gateway)
        .flatMap(({ kept, contradicting }) => [kept, contradicting]),
  };
}

function catchUpOf(record: TestRecord, readers: readonly PeerReader[], now = () => 0) {
  const peers = readers.map((_, n) => ({ url: `http://${n}`, token: '' }));
  const readerOf = (url: string) => readers[Number(url.slice(7))] as PeerReader;
  const { ingest } = record;
  return makeCatchUp({
    peers,
    reader: {
      beginning: (peer, gateway) => readerOf(peer.url).beginning(peer, gateway),
      batches: (peer, ...rest) => readerOf(peer.url).batches(peer, ...rest),
      convictions: (peer, gateway) => readerOf(peer.url).convictions(peer, gateway),
    },
    book: ingest.book,
    gapOf: ingest.gapOf,
    apply: (texts) => ingest.applyFromPeer(texts, now()),
    beginAfter: (anchor, texts) => ingest.beginAfter(anchor, texts, now()),
    log: makeLog('test', 'silent'),
    now,
    closing: new AbortController().signal,
  });
}

/** An operator that was there from the start, and what came to all queues since a second one joined. */
function begin() {
  const gateway = makeTestGateway({ bootedAtMs: ms(1_000) });
  const old = makeTestRecord([gateway.listed()]);
  old.apply(gateway.flush(ms(1_000)));
  gateway.open('CH-1', ms(1_001));
  for (let sec = 1_002; sec <= 1_012; sec++) {
    gateway.status('CH-1', ms(sec), 1, sec % 2 === 0 ? 'Available' : 'Charging');
    old.apply(gateway.flush(ms(sec) + 1));
  }
  gateway.status('CH-1', ms(1_013), 1, 'SuspendedEV');
  const since = [gateway.flush(ms(1_014)), gateway.flush(ms(1_015))];
  old.apply(...since);
  const fresh = makeTestRecord([gateway.listed()]);
  fresh.apply(...since);
  return { gateway, old, fresh };
}

const altered = ({ anchor }: PeerBeginning, fields: Partial<SealedBatch>) => anchor && { ...anchor, ...fields };

const SECONDS = Array.from({ length: 16 }, (_, n) => 1_000 + n);
const toldBy = (record: TestRecord) => SECONDS.map((sec) => record.told('CH-1', 1, sec));

describe('a record made whole from another operator', () => {
  it('answers like that of its peer, from the beginning and on with its own queue', async () => {
    const { gateway, old, fresh } = begin();
    expect(fresh.readiness(1_014, ms(1_015))).toBe('wait');
    await catchUpOf(fresh, [peerOf(old)]).run();
    expect(toldBy(fresh)).toEqual(toldBy(old));
    expect(new Set(toldBy(fresh)).size).toBe(15);
    expect(SECONDS.map((sec) => fresh.readiness(sec, ms(1_015)))).toEqual(
      SECONDS.map((sec) => old.readiness(sec, ms(1_015))),
    );
    fresh.apply(gateway.flush(ms(1_016)));
    expect(fresh.told('CH-1', 1, 1_015)).toBe('Suspended@1013');
    expect(fresh.ingest.book.row(gateway.account)).toMatchObject({ state: 'following', number: 14 });
    expect([fresh.count('parked'), fresh.count('evidence')]).toEqual([0, 0]);
  });

  it('closes a gap in its middle too', async () => {
    const { gateway, old } = begin();
    const lacking = makeTestRecord([gateway.listed()]);
    const given = makeBatchExport(old.db, old.ingest.batchText).batches(gateway.account, 0, -1, 100);
    lacking.apply(...given.slice(0, 3), ...given.slice(9));
    expect(lacking.ingest.gapOf(gateway.account)).toBe(given.length - 9);
    await catchUpOf(lacking, [peerOf(old)]).run();
    expect(lacking.ingest.gapOf(gateway.account)).toBe(0);
    expect(toldBy(lacking)).toEqual(toldBy(old));
  });

  it.each<[string, (texts: string[]) => string[]]>([
    ['alters a frame', (texts) => texts.map((text) => text.replaceAll('Charging', 'Faulted'))],
    ['leaves a batch out', (texts) => texts.filter((text) => !text.includes('"number":2,'))],
    ['gives nonsense', () => ['{', '[]', 'null']],
    ['gives nothing', () => []],
    ['repeats itself', (texts) => texts.flatMap((text) => [text, text])],
    ['mixes the order', (texts) => texts.toReversed()],
  ])('believes nothing of a peer that %s, and goes to the next one', async (_name, change) => {
    const { old, fresh } = begin();
    await catchUpOf(fresh, [peerOf(old, change), peerOf(old)]).run();
    expect(toldBy(fresh)).toEqual(toldBy(old));
    expect([fresh.count('evidence'), fresh.count('parked')]).toEqual([0, 0]);
  });

  it('takes nothing of a key that the chain does not know', async () => {
    const { old, gateway } = begin();
    const stranger = makeTestRecord([{ ...gateway.listed(), signingKey: makeTestKey().address }]);
    await catchUpOf(stranger, [peerOf(old)]).run();
    expect([stranger.count('batches'), stranger.count('parked'), stranger.count('evidence')]).toEqual([0, 0, 0]);
  });

  it('verifies what a gateway signed with a key that it had before, and nothing that it signed with that key later', async () => {
    const { old, gateway } = begin();
    const listed = { ...gateway.listed(), signingKey: makeTestKey().address };
    const former = { gateway: gateway.account, signingKey: gateway.key.address };
    const last = gateway.flush(ms(1_016));
    old.apply(last);
    const wiped = makeTestRecord([listed]);
    wiped.ingest.listGateways([listed], 0, [{ ...former, replacedAtMs: ms(1_016) }]);
    wiped.apply(last);
    await catchUpOf(wiped, [peerOf(old)]).run();
    expect(toldBy(wiped)).toEqual(toldBy(old));
    const stolen = makeTestRecord([listed]);
    // A key counts for a minute more, for what was under way.
    stolen.ingest.listGateways([listed], 0, [{ ...former, replacedAtMs: ms(1_001) - 60_000 }]);
    await catchUpOf(stolen, [peerOf(old)]).run();
    expect(stolen.ingest.book.row(gateway.account).watermarkMs).toBe(ms(1_000));
  });

  it('convicts a gateway by the proof that its peer keeps, and believes as little of it as the peer', async () => {
    const { gateway, old, fresh } = begin();
    const liar = gateway.clone();
    gateway.status('CH-1', ms(1_017), 1, 'Charging');
    liar.status('CH-1', ms(1_017), 1, 'Faulted');
    const [truth, lie, later] = [gateway.flush(ms(1_018)), liar.flush(ms(1_018)), gateway.flush(ms(1_019))];
    old.apply(truth, lie, later);
    const wiped = makeTestRecord([gateway.listed()]);
    wiped.apply(later);
    await catchUpOf(wiped, [peerOf(old)]).run();
    expect(wiped.ingest.book.convicted()).toEqual([gateway.account]);
    expect([1_012, 1_016, 1_018].map((sec) => wiped.told('CH-1', 1, sec))).toEqual(
      [1_012, 1_016, 1_018].map((sec) => old.told('CH-1', 1, sec)),
    );
    expect(fresh.ingest.book.convicted()).toEqual([]);
  });

  it('leaves a gateway alone for half a minute when no peer could help', async () => {
    const { fresh } = begin();
    let nowMs = 0;
    let asked = 0;
    const silent: PeerReader = {
      beginning: async () => {
        asked++;
        throw new Error('away');
      },
      batches: async () => [],
      convictions: async () => [],
    };
    const catchUp = catchUpOf(fresh, [silent], () => nowMs);
    for (nowMs of [0, 29_999, 30_000, 31_000]) await catchUp.run();
    expect(asked).toBe(2);
    expect(catchUp.lastProgressMs()).toBe(0);
  });

  it('begins where the text of what was told before is deleted, and says what that leaves unknown', async () => {
    const { old, gateway } = begin();
    gateway.restart(ms(1_020));
    old.apply(gateway.flush(ms(1_020)));
    gateway.open('CH-1', ms(1_021));
    gateway.status('CH-1', ms(1_022), 1, 'Faulted');
    const last = gateway.flush(ms(1_024));
    old.apply(last);
    const retention = makeRetention(old.db, () => 0);
    while (retention.step(ms(1_020)).isMore);
    const wiped = makeTestRecord([gateway.listed()]);
    wiped.apply(last);
    await catchUpOf(wiped, [peerOf(old)]).run();
    expect(wiped.ingest.book.row(gateway.account)).toMatchObject({ state: 'following', number: 15 });
    expect([1_019, 1_020, 1_021].map((sec) => wiped.readiness(sec, ms(1_024)))).toEqual(['never', 'ready', 'ready']);
    expect([1_020, 1_021, 1_022].map((sec) => wiped.told('CH-1', 1, sec))).toEqual([
      'cannot know',
      'cannot know',
      'Faulted@1022',
    ]);
    expect([1_021, 1_022].map((sec) => old.told('CH-1', 1, sec))).toEqual(['Suspended@1013', 'Faulted@1022']);
    expect([wiped.count('evidence'), wiped.count('parked')]).toEqual([0, 0]);
  });

  it.each<[string, (begin: PeerBeginning) => PeerBeginning]>([
    ['shows the place in the middle of a process as its end', (begin) => begin],
    ['alters the batch with which it ended', (begin) => ({ ...begin, anchor: altered(begin, { bootedAtMs: 1 }) })],
    ['shows another batch', (begin) => ({ ...begin, anchor: altered(begin, { number: 7 }) })],
  ])('begins nowhere with a peer that %s, and goes to the next one', async (_name, change) => {
    const { old, gateway } = begin();
    const inMiddle = gateway.flush(ms(1_020));
    const after = gateway.flush(ms(1_021));
    old.apply(inMiddle, after);
    const { events: _, ...header } = inMiddle;
    const place = { generation: header.generation, number: header.number };
    const liar: PeerReader = {
      ...peerOf(old),
      beginning: async () => change({ ...place, anchor: { ...header, eventHashes: [] } }),
    };
    const wiped = makeTestRecord([gateway.listed()]);
    wiped.apply(after);
    await catchUpOf(wiped, [liar]).run();
    expect([wiped.count('batches'), wiped.count('gateways'), wiped.count('evidence')]).toEqual([0, 0, 0]);
    await catchUpOf(wiped, [liar, peerOf(old)]).run();
    expect(toldBy(wiped)).toEqual(toldBy(old));
  });
});
