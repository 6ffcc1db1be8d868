import { describe, expect, it } from '@jest/globals';
import { makeTestMeter } from '../core/ocmf-support.ts';
import { beginStory, DAY, SESSION } from './session-story.ts';

const END = 300;

/** A session from 1,000 to 11,500 Wh by the charger's own word, in which `tell` sends what the meter signed. */
function play(tell: (story: ReturnType<typeof beginStory>) => void) {
  const story = beginStory();
  story.start(10, 1_000);
  tell(story);
  story.stop(END, 11_500);
  story.flush(END + 5);
  return story;
}

describe('a session whose meter signs', () => {
  const meter = makeTestMeter();
  const begin = (kWh = '5') => meter.record({ page: 3, readings: [{ kind: 'B', kWh, atSec: DAY + 10 }] });
  const end = (kWh = '15.4321') => meter.record({ page: 4, readings: [{ kind: 'E', kWh, atSec: DAY + END }] });

  it('is billed by what the meter signed, where the chain has its key', () => {
    const story = play(({ signed }) => [signed(11, begin()), signed(END - 1, end())]);
    // 15,432.1 − 5,000 Wh, rounded down.
    expect(story.told(END + 1, SESSION, meter.key)).toMatchObject({ verdict: 'Done', energyWh: 10_432 });
    expect(story.told(END + 1)).toMatchObject({ verdict: 'Done', energyWh: 10_500 });
  });

  it('is billed by them also where they name no transaction', () => {
    const story = play(({ signed }) => [
      signed(11, begin(), { id: undefined }),
      signed(END - 1, end(), { id: undefined }),
    ]);
    expect(story.told(END + 1, SESSION, meter.key)).toMatchObject({ verdict: 'Done', energyWh: 10_432 });
  });

  it('is billed by the registers where it signed nothing', () => {
    expect(play(() => {}).told(END + 1, SESSION, meter.key)).toMatchObject({ verdict: 'Done', energyWh: 10_500 });
  });

  it.each<[string, string, (story: ReturnType<typeof beginStory>) => void]>([
    ['MeterUnusable', 'the record of the end is missing', ({ signed }) => signed(11, begin())],
    [
      'MeterUnusable',
      'a record is forged',
      ({ signed }) => [signed(11, begin()), signed(END - 1, end().replace('15.4', '16.4'))],
    ],
    [
      'MeterUnusable',
      'the records are of another session',
      ({ signed }) => {
        const old = [
          { kind: 'B', kWh: '5', atSec: DAY - 9_000 },
          { kind: 'E', kWh: '15.5', atSec: DAY - 8_000 },
        ];
        signed(END - 1, meter.record({ page: 2, readings: old }));
      },
    ],
    [
      'Contradiction',
      "the charger's registers say another thing",
      ({ signed }) => [signed(11, begin()), signed(END - 1, end('25'))],
    ],
  ])('is unusable by %s where %s', (reason, _what, tell) => {
    expect(play(tell).told(END + 1, SESSION, meter.key)).toMatchObject({
      verdict: 'Unusable',
      reason,
      energyWh: 10_500,
    });
  });

  it('still runs while only the begin is signed', () => {
    const story = beginStory();
    story.start(10, 1_000);
    story.signed(11, begin());
    story.meter(60, 1_500);
    story.flush(70);
    expect(story.told(65, SESSION, meter.key)).toMatchObject({ verdict: 'Running', energyWh: 500 });
  });
});
