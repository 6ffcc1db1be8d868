import { describe, expect, it } from '@jest/globals';
import { AbiCoder, id, keccak256, toUtf8Bytes, ZeroHash } from 'ethers';
import { asOfMs } from '../../core/as-of.ts';
import {
  type CommandRecordAt,
  controlAnswerAt,
  type Followed,
  startAnswerAt,
  stopAnswerAt,
} from '../../core/command-answer.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { type CommandQuery, sessionTag } from '../../core/request-approval.ts';
import { encodeSessionParams, encodeStartParams } from '../../core/session-answers.ts';
import { register, transactionEvent } from '../core/samples20.ts';
import { beginStory, CHARGER, DAY, iso, ms, SESSION } from './session-story.ts';

const abi = AbiCoder.defaultAbiCoder();
const REQUEST = id('a request');
/** The second of the day in which all requests of this file are made. */
const ASKED_SEC = 100;

/** Looks at a request second by second, as the adapter does: what is answered, and as of which second of the day. */
function follow<Answer>(
  { record }: ReturnType<typeof beginStory>,
  answerAt: (record: CommandRecordAt, atSec: number) => Followed<Answer>,
  { requestId = REQUEST, sessionId = SESSION } = {},
): (Answer & { sec: number }) | string {
  for (let sec = ASKED_SEC; sec < ASKED_SEC + 200; sec++) {
    const view = record.commands(deviceIdOf(CHARGER), requestId, sessionId, asOfMs(DAY + sec));
    const followed = answerAt(view, DAY + sec);
    if (!followed.isKnown) return 'cannot know';
    if (followed.answer !== undefined) return { ...followed.answer, sec };
  }
  return 'never';
}

function control(story: ReturnType<typeof beginStory>, query: CommandQuery, params: string) {
  const asked = { requestId: REQUEST, query, params };
  return follow(story, (record, sec) => controlAnswerAt(record, asked, DAY + ASKED_SEC, sec));
}

const set = abi.encode(['string', 'string'], ['HeartbeatInterval', '60']);
const NEVER = { values: [], replyHash: ZeroHash };

describe('the answer to get-configuration, set-configuration and command', () => {
  it('is what the charger replied first, as of the second in which it came', () => {
    const story = beginStory();
    story.reply(103, REQUEST, { status: 'Rejected' });
    story.reply(104, REQUEST, { status: 'Accepted' });
    story.flush(300);
    expect(control(story, 'set-configuration', set)).toEqual({
      verdict: 'Refused',
      reason: 'Rejected',
      sec: 103,
      ...NEVER,
    });
  });

  it('holds the values in the order asked for, or the hash of the reply as it was written', () => {
    const story = beginStory();
    const keys = abi.encode(['string[]'], [['B', 'A', 'None']]);
    const rows = [
      { key: 'A', readonly: false, value: '1' },
      { key: 'b', readonly: true, value: '2' },
    ];
    story.reply(101, REQUEST, { configurationKey: rows, unknownKey: ['None'] });
    story.flush(300);
    expect(control(story, 'get-configuration', keys)).toMatchObject({ verdict: 'Done', values: ['2', '1', ''] });

    const reset = beginStory();
    reset.reply(101, REQUEST, { status: 'Accepted' });
    reset.flush(300);
    const params = abi.encode(['string', 'string'], ['Reset', '{"type":"Soft"}']);
    expect(control(reset, 'command', params)).toMatchObject({
      verdict: 'Done',
      replyHash: keccak256(toUtf8Bytes('{"status":"Accepted"}')),
    });
  });

  it('is not that to another request, nor one that came too late', () => {
    const story = beginStory();
    story.reply(101, id('another request'), { status: 'Accepted' });
    story.reply(161, REQUEST, { status: 'Accepted' });
    story.flush(300);
    expect(control(story, 'set-configuration', set)).toEqual({
      verdict: 'CannotKnow',
      reason: 'NoReply',
      sec: 160,
      ...NEVER,
    });
  });

  it('counts a reply in the last second', () => {
    const story = beginStory();
    story.reply(160, REQUEST, { status: 'Accepted' });
    story.flush(300);
    expect(control(story, 'set-configuration', set)).toMatchObject({ verdict: 'Done', sec: 160 });
  });

  it('is offline if the charger had no connection while the call could be sent', () => {
    const gone = beginStory();
    gone.close(99);
    gone.flush(130);
    gone.open(131);
    gone.flush(300);
    expect(control(gone, 'set-configuration', set)).toMatchObject({ verdict: 'Refused', reason: 'Offline', sec: 130 });

    const back = beginStory();
    back.close(99);
    back.open(130);
    back.flush(300);
    expect(control(back, 'set-configuration', set)).toMatchObject({ reason: 'NoReply', sec: 160 });

    const leaving = beginStory();
    leaving.close(100);
    leaving.flush(300);
    expect(control(leaving, 'set-configuration', set)).toMatchObject({ reason: 'NoReply', sec: 160 });
  });

  it('is offline if the gateway that held the charger was gone', () => {
    const story = beginStory();
    story.flush(80);
    story.jump(300);
    expect(control(story, 'set-configuration', set)).toMatchObject({ reason: 'Offline', sec: 130 });
  });

  it('is not supported if it cannot be said to the charger', () => {
    const story = beginStory();
    story.flush(300);
    expect(control(story, 'set-configuration', '0x00')).toMatchObject({ reason: 'NotSupported', sec: 130 });
    expect(control(story, 'set-configuration', set)).toMatchObject({ reason: 'NoReply', sec: 160 });
  });
});

describe('the answer to start-charge', () => {
  const asked = { requestId: SESSION, query: 'start-charge' as const, params: encodeStartParams(1, 9_000n) };
  const told = (story: ReturnType<typeof beginStory>) =>
    follow(story, (record, sec) => startAnswerAt(record, asked, DAY + ASKED_SEC, sec), { requestId: SESSION });
  const nothing = { transaction: ZeroHash, meterStartWh: 0n, startedAtSec: 0, verdict: 'Refused' };
  const accept = (reply: ReturnType<typeof beginStory>['reply']) => reply(101, SESSION, { status: 'Accepted' });

  it('is the transaction where that began before, or in the same second as, the connector was let go of', () => {
    for (const startSec of [139, 140]) {
      const story = beginStory();
      accept(story.reply);
      story.status(102, 'Preparing');
      story.start(startSec, 0);
      story.status(140, 'Available');
      story.flush(300);
      expect(told(story)).toMatchObject({ verdict: 'Done', sec: startSec });
    }
  });

  it.each([
    [
      'no EV came',
      140,
      [
        [102, 1, 'Occupied'],
        [140, 1, 'Available'],
      ],
    ],
    [
      'another connector of the EVSE is free again',
      250,
      [
        [102, 1, 'Occupied'],
        [140, 2, 'Available'],
      ],
    ],
  ] as [string, number, [number, number, string][]][])(
    'goes by the EVSE of OCPP 2.x likewise: %s',
    (_what, sec, told20) => {
      const story = beginStory('ocpp2.0.1');
      accept(story.reply);
      for (const [atSec, connectorId, connectorStatus] of told20) {
        const status = { timestamp: iso(DAY + atSec), evseId: 1, connectorId, connectorStatus };
        story.call(atSec, 'StatusNotification', status);
      }
      story.flush(300);
      expect(told(story)).toEqual({ ...nothing, reason: 'NotPluggedIn', sec });
    },
  );

  it('is the transaction of OCPP 2.x that shows the tag after it began, unless another card was accepted in it', () => {
    const story = beginStory('ocpp2.0.1');
    const accepted = { idTokenInfo: { status: 'Accepted' } };
    const token = (idToken: string) => ({ idToken: { idToken, type: 'Central' } });
    const tell = (sec: number, type: 'Started' | 'Updated', transactionId: string, change: object) => {
      const at = { timestamp: iso(DAY + sec), transactionInfo: { transactionId } };
      story.call(sec, 'TransactionEvent', transactionEvent(type, 0, { ...at, ...change }), accepted);
    };
    tell(90, 'Started', 'tx-card', token('ADA'));
    const meterValue = [{ timestamp: iso(DAY + 95), sampledValue: [register(700, 'Transaction.Begin')] }];
    tell(95, 'Started', 'tx-own', { evse: { id: 1 }, meterValue });
    tell(110, 'Updated', 'tx-card', token(sessionTag(SESSION)));
    tell(120, 'Updated', 'tx-own', token(sessionTag(SESSION)));
    story.flush(300);
    const transaction = keccak256(toUtf8Bytes('tx-own'));
    const begun = { verdict: 'Done', transaction, meterStartWh: 700n, startedAtSec: DAY + 95, sec: 120 };
    expect(told(story)).toMatchObject(begun);
    expect(story.told(290)).toMatchObject({ verdict: 'Running', connector: 1, started: 95 });
  });

  it('waits for the transaction that begins with the tag of the session', () => {
    const story = beginStory();
    story.reply(101, SESSION, { status: 'Accepted' });
    story.start(110, 5, { id: 3, tag: 'SOMEBODY' });
    story.start(150, 1_234, { id: 4 });
    story.flush(300);
    const transaction = `0x${'4'.padStart(64, '0')}`;
    const done = { verdict: 'Done', reason: 'None', transaction, meterStartWh: 1_234n, startedAtSec: DAY + 150 };
    expect(told(story)).toEqual({ ...done, sec: 150 });
  });

  it('goes by the transaction even where the charger never replied', () => {
    const story = beginStory();
    story.start(250, 0);
    story.flush(300);
    expect(told(story)).toMatchObject({ verdict: 'Done', sec: 250 });
  });

  it.each<[string, number, (story: ReturnType<typeof beginStory>) => void]>([
    ['Rejected', 101, ({ reply }) => reply(101, SESSION, { status: 'Rejected' })],
    ['NotPluggedIn', 250, ({ reply }) => reply(101, SESSION, { status: 'Accepted' })],
    ['NotPluggedIn', 250, ({ reply, start }) => [reply(101, SESSION, { status: 'Accepted' }), start(251, 0)]],
    [
      'NotPluggedIn',
      250,
      ({ reply, start }) => [reply(101, SESSION, { status: 'Accepted' }), start(120, 0, { status: 'Expired' })],
    ],
    ['NotPluggedIn', 140, ({ reply, status }) => [accept(reply), status(102, 'Preparing'), status(140, 'Available')]],
    ['NotPluggedIn', 140, ({ reply, status }) => [accept(reply), status(102, 'Preparing'), status(140, 'Unavailable')]],
    // Begun in the very second in which it was let go of, and refused.
    [
      'NotPluggedIn',
      140,
      ({ reply, status, start }) => [
        accept(reply),
        status(102, 'Preparing'),
        status(140, 'Available'),
        start(140, 0, { status: 'Expired' }),
      ],
    ],
    // No sign that it waited for this: told before, told without a Preparing, of another connector, over another connection.
    ['NotPluggedIn', 250, ({ reply, status }) => [status(99, 'Preparing'), accept(reply), status(140, 'Available')]],
    ['NotPluggedIn', 250, ({ reply, status }) => [accept(reply), status(140, 'Available')]],
    [
      'NotPluggedIn',
      250,
      ({ reply, status, call }) => [
        accept(reply),
        call(102, 'StatusNotification', { connectorId: 2, status: 'Preparing', errorCode: 'NoError' }),
        status(140, 'Available'),
      ],
    ],
    [
      'NotPluggedIn',
      250,
      ({ reply, status, close, open }) => [
        accept(reply),
        status(102, 'Preparing'),
        close(110),
        open(120),
        status(121, 'Available'),
      ],
    ],
    // Somebody else used the connector meanwhile.
    [
      'NotPluggedIn',
      250,
      ({ reply, status, start }) => [
        accept(reply),
        status(102, 'Preparing'),
        start(110, 0, { id: 3, tag: 'SOMEBODY' }),
        status(140, 'Available'),
      ],
    ],
    ['NotPluggedIn', 250, ({ reply, status }) => [accept(reply), status(102, 'Preparing'), status(103, 'Charging')]],
    ['NoReply', 250, ({ status }) => [status(102, 'Preparing'), status(140, 'Available')]],
    ['NoReply', 250, () => {}],
    ['Offline', 130, ({ close }) => close(50)],
  ])('is refused, %s, as of second %i', (reason, sec, tell) => {
    const story = beginStory();
    tell(story);
    story.flush(300);
    expect(told(story)).toEqual({ ...nothing, reason, sec });
  });
});

describe('the answer to stop-charge', () => {
  const asked = { requestId: REQUEST, query: 'stop-charge' as const, params: encodeSessionParams(SESSION) };
  const told = (story: ReturnType<typeof beginStory>) =>
    follow(story, (record, sec) => stopAnswerAt(record, asked, DAY + ASKED_SEC, sec));
  const charging = () => {
    const story = beginStory();
    story.start(10, 1_000);
    story.meter(50, 1_400);
    return story;
  };

  it('is the result of the session as of the second in which its end came', () => {
    const story = charging();
    story.reply(101, REQUEST, { status: 'Accepted' });
    story.stop(115, 2_000);
    story.flush(300);
    expect(told(story)).toMatchObject({ verdict: 'Done', stop: 'Remote', energyWh: 1_000n, sec: 115 });
  });

  it('is there at once where the session is over, or unknown', () => {
    const story = charging();
    story.stop(90, 2_000, { reason: 'Local' });
    story.flush(300);
    expect(told(story)).toMatchObject({ verdict: 'Done', stop: 'Local', sec: 100 });
    const none = beginStory();
    none.flush(300);
    expect(told(none)).toMatchObject({ verdict: 'CannotKnow', reason: 'NoRecord', sec: 100 });
  });

  it.each<[string, string, number, (story: ReturnType<typeof beginStory>) => void]>([
    ['Refused', 'Rejected', 160, ({ reply }) => reply(101, REQUEST, { status: 'Rejected' })],
    ['Refused', 'Offline', 130, ({ close }) => close(99)],
    ['Running', 'None', 250, ({ reply }) => reply(101, REQUEST, { status: 'Accepted' })],
    ['Running', 'NoReply', 250, () => {}],
  ])('tells the figures so far where it is %s, %s, as of second %i', (verdict, reason, sec, tell) => {
    const story = charging();
    tell(story);
    story.flush(300);
    expect(told(story)).toMatchObject({ verdict, reason, energyWh: 400n, endedAtSec: 0, sec });
  });

  it('takes the end that comes after the charger said no', () => {
    const story = charging();
    story.reply(101, REQUEST, { status: 'Rejected' });
    story.stop(140, 2_000, { reason: 'EVDisconnected' });
    story.flush(300);
    expect(told(story)).toMatchObject({ verdict: 'Done', stop: 'EVDisconnected', sec: 140 });
  });
});

it('is not known to an operator whose record is whole only since after the request', () => {
  const story = beginStory();
  story.flush(300);
  const view = story.record.commands(deviceIdOf(CHARGER), REQUEST, SESSION, asOfMs(DAY + 290));
  const late = { ...view, missedUntilMs: ms(DAY + ASKED_SEC) + 1 };
  const asked = { requestId: REQUEST, query: 'set-configuration' as const, params: set };
  expect(controlAnswerAt(late, asked, DAY + ASKED_SEC, DAY + 290).isKnown).toBe(false);
  expect(startAnswerAt(late, asked, DAY + ASKED_SEC, DAY + 290).isKnown).toBe(false);
  expect(stopAnswerAt(late, asked, DAY + ASKED_SEC, DAY + 290).isKnown).toBe(false);
});
