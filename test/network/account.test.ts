import { expect, it, describe as suite } from '@jest/globals';
import { STATUS } from '../../core/status.ts';
import { describe, describeStatus, type Entry } from '../../network/account.ts';
import { readLogLine } from '../../network/service-log.ts';
import { plainPaint } from '../../network/terminal.ts';

const requestId = `0x1a2b3c${'0'.repeat(58)}`;

suite('the account of a network', () => {
  const lines: [Entry, string][] = [
    [{ kind: 'connected', charger: 'CP-1' }, 'CP-1 connected'],
    [{ kind: 'refused', charger: 'a charger', why: 'wrong key (401)' }, 'a charger refused: wrong key (401)'],
    [{ kind: 'status', charger: 'CP-1', connector: 2, status: 'Charging', errorCode: 'NoError' }, 'CP-1/2 is Charging'],
    [
      { kind: 'status', charger: 'CP-1', connector: 2, status: 'Faulted', errorCode: 'GroundFailure' },
      'CP-1/2 is Faulted GroundFailure',
    ],
    [
      {
        kind: 'asked',
        requestId,
        charger: 'CP-1',
        connector: 1,
        consumer: `0xabcd${'0'.repeat(32)}1234`,
        operators: 4,
      },
      '[1a2b3c] 0xabcd…1234 asks 4 operators for the status of CP-1/1',
    ],
    [
      { kind: 'observed', requestId, operator: 'operator-2', answer: 'Charging', tookMs: 1_234 },
      '[1a2b3c] operator-2 answers Charging after 1.2 s',
    ],
    [
      { kind: 'agreed', requestId, charger: 'CP-1', connector: 1, answer: 'Charging', by: 2, of: 4 },
      '[1a2b3c] agreed: CP-1/1 is Charging (2 of 4 say so)',
    ],
    [{ kind: 'expired', requestId }, '[1a2b3c] expired: too few have answered in time'],
    [
      {
        kind: 'died',
        exit: { name: 'gateway', code: null, signal: 'SIGKILL', lastWords: ['a', 'b'], wasAsked: false },
      },
      'Died: gateway was ended by SIGKILL. Its last words:\n    a\n    b',
    ],
    [
      { kind: 'died', exit: { name: 'gateway', code: 1, signal: null, lastWords: [], wasAsked: false } },
      'Died: gateway ended with exit code 1 and said nothing',
    ],
  ];
  it.each(lines)('tells %j', (entry, line) => {
    expect(describe(entry, plainPaint)).toBe(line);
  });

  it('tells a status with its error, and of one that is offline when it was last known', () => {
    // 2026-01-01T00:00:10Z
    const observedAtSec = 1_767_225_610;
    const online = { status: STATUS.Faulted, errorClass: 3, observedAtSec, online: true };
    expect(describeStatus(online)).toBe('Faulted (GroundFailure), since 00:00:10Z');
    const offline = { status: STATUS.Unknown, errorClass: 0, observedAtSec, online: false };
    expect(describeStatus(offline)).toBe('Unknown, offline, last known 00:00:10Z');
    expect(describeStatus({ ...offline, observedAtSec: 0 })).toBe('Unknown, offline, never seen');
  });
});

suite('a service’s log line', () => {
  it('is told if it is about a charger’s coming, going or status', () => {
    const line = (fields: object) => readLogLine(JSON.stringify(fields));
    expect(line({ part: 'gateway', msg: 'charger connected', chargerId: 'CP-1' })).toEqual({
      kind: 'connected',
      charger: 'CP-1',
    });
    expect(line({ part: 'gateway', msg: 'charger refused', status: 404, reason: 'unknown charger' })).toEqual({
      kind: 'refused',
      charger: 'a charger',
      why: 'unknown charger (404)',
    });
    const status = { connector: 1, status: 'Charging', errorCode: 'NoError' };
    expect(line({ part: 'chargers', msg: 'status acknowledged', chargerId: 'CP-1', ...status })).toEqual({
      kind: 'status',
      charger: 'CP-1',
      ...status,
    });
  });

  it('is passed over if it is about something else, or is none', () => {
    for (const text of ['{"part":"gateway","msg":"gateway is listening"}', '{"part":', 'Server initialized', '']) {
      expect(readLogLine(text)).toBeUndefined();
    }
  });
});
