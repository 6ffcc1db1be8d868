import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Database, openDatabase } from '../../adapter/database.ts';
import type { Endpoint } from '../../adapter/endpoints.ts';
import { makeLaterAnswers } from '../../adapter/later-answers.ts';
import { makeLaterStore } from '../../adapter/later-store.ts';
import { DevsenError } from '../../core/errors.ts';
import { makeLog } from '../../runtime/log.ts';
import { waitFor } from '../support/wait.ts';
import { startAsker } from './asker.ts';

const TOKEN = 'shown to the node';
const ANSWER = { result: '0x01', fields: { verdict: 'Done' }, aboutMs: 5_000 };
const VALUE = {
  jobRunID: 'run',
  statusCode: 200,
  result: '0x01',
  data: { result: '0x01', verdict: 'Done' },
  timestamps: {
    providerDataRequestedUnixMs: 7_000,
    providerDataReceivedUnixMs: 7_000,
    providerIndicatedTimeUnixMs: 5_000,
  },
};

let asker: Awaited<ReturnType<typeof startAsker>>;
let db: Database;
let nowMs: number;
let closes: (() => Promise<void>)[];

beforeEach(async () => {
  asker = await startAsker();
  db = openDatabase(':memory:');
  nowMs = 7_000;
  closes = [];
});
afterEach(async () => {
  for (const close of closes) await close();
  await asker.close();
  db.close();
});

/** A process that answers later, over the database of those before it. */
function begin(run: Endpoint = async () => ANSWER) {
  const store = makeLaterStore(db);
  const endpoints = new Map([['command', run]]);
  const log = makeLog('test', 'silent');
  const later = makeLaterAnswers({ store, endpoints, incomingToken: TOKEN, log, now: () => nowMs });
  closes.push(later.close);
  const take = (responseUrl = asker.url('/resume/1?token=x')) =>
    later.take({ responseUrl, jobRunId: 'run', endpoint: 'command', data: { requestId: '0x' } });
  return { ...later, take, isDone: () => store.count() === 0 };
}

const done = (process: { isDone: () => boolean }) => waitFor(process.isDone, { what: 'nothing to be left' });

describe('an answer that is given later', () => {
  it('is brought to where the asker said, with its token, as it would have been given at once', async () => {
    const process = begin();
    process.take();
    await done(process);
    expect(asker.brought).toEqual([
      { method: 'PATCH', path: '/resume/1?token=x', authorization: `Bearer ${TOKEN}`, body: { value: VALUE } },
    ]);
  });

  it('is brought once, however often it is asked for under the same address', async () => {
    const known = Promise.withResolvers<typeof ANSWER>();
    const process = begin(() => known.promise);
    process.take();
    process.take();
    known.resolve(ANSWER);
    await done(process);
    expect(asker.brought).toHaveLength(1);
  });

  it('waits until it can be known', async () => {
    let asked = 0;
    const process = begin(async () => {
      asked++;
      if (asked === 1) throw new DevsenError('NOT_YET', 'not yet');
      return ANSWER;
    });
    process.take();
    await done(process);
    expect(asker.brought.map(({ body }) => body)).toEqual([{ value: VALUE }]);
  });

  it.each([
    [
      'that asking again does not change',
      new DevsenError('CONFLICT', 'another request'),
      0,
      'CONFLICT: another request',
    ],
    ['that lasts as long as anybody waits', new DevsenError('NOT_YET', 'nothing yet'), 600_000, 'NOT_YET: nothing yet'],
    ['that says nothing of itself', new Error('secret'), 600_000, 'INTERNAL: the adapter failed'],
  ])('is an error where there is one %s', async (_what, error, passesMs, told) => {
    const process = begin(async () => {
      nowMs += passesMs;
      throw error;
    });
    process.take();
    await done(process);
    expect(asker.brought.map(({ body }) => body)).toEqual([{ error: told }]);
  });

  it('is brought again to an asker that failed, and to none that refused it', async () => {
    asker.status = (n) => (n === 1 ? 503 : 200);
    const process = begin();
    process.take();
    await done(process);
    expect(asker.brought).toHaveLength(2);
    for (const status of [401, 409]) {
      asker.brought.length = 0;
      asker.status = () => status;
      process.take();
      await done(process);
      expect(asker.brought).toHaveLength(1);
    }
  });

  it('is not offered for ever to an asker that is gone', async () => {
    asker.status = () => {
      nowMs += 3_600_000;
      return 500;
    };
    const process = begin();
    process.take();
    await done(process);
    expect(asker.brought).toHaveLength(1);
  });

  it('comes after a restart too, and is then the one that was decided before it', async () => {
    const first = begin(
      (_data, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    first.take();
    await first.close();
    asker.status = () => 503;
    const second = begin();
    await waitFor(() => asker.brought.length > 0, { what: 'the answer to be offered' });
    await second.close();
    asker.status = () => 200;
    const third = begin(async () => ({ ...ANSWER, result: '0x02' }));
    await done(third);
    expect(asker.brought.at(-1)?.body).toEqual({ value: VALUE });
  });
});
