import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { stopCauseOf } from '../../core/session-stop.ts';
import { DIALECT_16 } from '../../ocpp-gateway/answers16.ts';
import type { Command, CommandEnd } from '../../ocpp-gateway/charger-calls.ts';
import { type CalledSession, makeSessionCalls } from '../../ocpp-gateway/session-calls.ts';
import type { Progress, SessionRecord } from '../../ocpp-gateway/session-rules.ts';

const SESSION_ID = `0x${'5e'.repeat(32)}`;
const ACCEPTED: CommandEnd = { kind: 'result', payload: '{"status":"Accepted"}' };
const REJECTED: CommandEnd = { kind: 'result', payload: '{"status":"Rejected"}' };
const SILENT: CommandEnd = { kind: 'silent' };

/** Calls for a session that has not begun, at a charger that answers as it is told. */
function setUp(kept: Progress = { attempts: 0 }) {
  const sent: Command[] = [];
  const saved: Progress[] = [];
  const ids: (string | undefined)[] = [];
  let nowMs = 1_000_000;
  let end = ACCEPTED;
  const calls = makeSessionCalls({
    stations: () => ({
      command: async (_charger, command) => {
        sent.push(command);
        ids.push(command.messageId);
        return end;
      },
    }),
    dialectOf: () => DIALECT_16,
    save: (_charger, { progress }) => void saved.push(progress),
    idleMs: 0,
    onEnd: () => {},
    log: pino({ level: 'silent' }),
    now: () => nowMs,
  });
  const session = {
    sessionId: SESSION_ID,
    tag: '5E5E5E5E5E5E5E5E5E5E',
    connector: 1,
    energyLimitWh: 5_000,
    startUntilMs: 0,
    openedAtMs: 0,
  };
  const record: SessionRecord = { session, began: undefined, progress: kept };
  const live: CalledSession = { ...record, ...calls.begin() };
  return {
    calls,
    live,
    saved,
    /** Message ids of all calls. */
    ids,
    answer: (next: CommandEnd) => {
      end = next;
    },
    /** The transactions that the charger was asked to end, and what for, since the last look. */
    lookAfter: async (ms: number) => {
      nowMs += ms;
      calls.look('CP-1', 0, live);
      await new Promise(setImmediate);
      return sent.splice(0).map(({ payload, messageId = '' }) => {
        return [JSON.parse(payload).transactionId, stopCauseOf(messageId, SESSION_ID)];
      });
    },
  };
}

describe('a transaction for which a session’s idTag was refused', () => {
  it('is ended, asked for again every 30 s until the charger tells its end', async () => {
    const { calls, live, saved, ids, answer, lookAfter } = setUp();
    calls.endRefused('CP-1', live, 7);
    answer(SILENT);
    expect(await lookAfter(0)).toEqual([[7, 'late']]);
    expect(await lookAfter(29_999)).toEqual([]);
    expect(await lookAfter(1)).toEqual([[7, 'late']]);
    expect(saved.at(-1)?.refused).toEqual([{ transactionId: 7, attempts: 2 }]);
    calls.ended('CP-1', live, 8);
    expect(await lookAfter(30_000)).toEqual([[7, 'late']]);
    calls.ended('CP-1', live, 7);
    expect(saved.at(-1)?.refused).toEqual([]);
    expect(await lookAfter(3_600_000)).toEqual([]);
    expect(new Set(ids).size).toBe(3);
  });

  it('is asked for less and less often, at last every ten minutes', async () => {
    const { calls, live, lookAfter } = setUp();
    calls.endRefused('CP-1', live, 7);
    const waits = [0, 30, 30, 30, 30, 30, 60, 120, 240, 480, 600, 600];
    for (const sec of waits) {
      if (sec > 0) expect(await lookAfter(sec * 1_000 - 1)).toEqual([]);
      expect([sec, await lookAfter(sec === 0 ? 0 : 1)]).toEqual([sec, [[7, 'late']]]);
    }
  });

  it('is let go of once the charger says that it knows no such transaction', async () => {
    const { calls, live, answer, lookAfter } = setUp();
    answer(REJECTED);
    calls.endRefused('CP-1', live, 7);
    expect(await lookAfter(0)).toEqual([[7, 'late']]);
    expect(await lookAfter(3_600_000)).toEqual([]);
  });

  it('is ended also by a gateway that has only heard of it from Redis, each of several in turn', async () => {
    const { lookAfter } = setUp({
      attempts: 0,
      refused: [
        { transactionId: 7, attempts: 1 },
        { transactionId: 8, attempts: 0 },
      ],
    });
    expect(await lookAfter(0)).toEqual([[7, 'late']]);
    expect(await lookAfter(30_000)).toEqual([[8, 'late']]);
    expect(await lookAfter(30_000)).toEqual([[7, 'late']]);
  });

  it('is one of five at most, told as often as a charger likes', async () => {
    const { calls, live, lookAfter } = setUp();
    for (const id of [1, 1, 2, 3, 4, 5, 6, 6]) calls.endRefused('CP-1', live, id);
    expect(live.progress.refused?.map(({ transactionId }) => transactionId).sort()).toEqual([1, 2, 3, 4, 5]);
    expect((await lookAfter(0)).length).toBeGreaterThan(0);
  });
});
