import { describe, expect, it } from '@jest/globals';
import { readChargerTime } from '../../core/charger-time.ts';

const RECEIVED_MS = Date.UTC(2026, 5, 15, 12, 0, 0);

describe('readChargerTime', () => {
  it.each([
    ['2026-06-15T12:00:00Z', 'sound', 0],
    ['2026-06-15T14:00:00.999+02:00', 'sound', 0],
    ['2026-06-15T12:05:00Z', 'sound', 300],
    ['2026-06-15T12:05:01Z', 'skewed', 301],
    ['2026-06-15T11:55:00Z', 'sound', -300],
    ['2026-06-15T11:54:59Z', 'late', -301],
    ['2026-03-17T12:00:00Z', 'late', -90 * 86_400],
    ['2026-03-17T11:59:59Z', 'skewed', -90 * 86_400 - 1],
  ])('judges %s as %s', (text, clock, offsetSec) => {
    expect(readChargerTime(text, RECEIVED_MS)).toEqual({ atSec: RECEIVED_MS / 1000 + offsetSec, clock });
  });

  it('does not believe a clock that was never set', () => {
    expect(readChargerTime('1970-01-01T00:00:10Z', RECEIVED_MS)).toEqual({ atSec: 10, clock: 'skewed' });
  });

  it.each([undefined, 7, '', 'yesterday', '2026-06-15T12:00:00', '2026-13-15T12:00:00Z', '2026-06-15'])(
    'takes %j for no time',
    (text) => {
      expect(readChargerTime(text, RECEIVED_MS)).toEqual({ clock: 'missing' });
    },
  );
});
