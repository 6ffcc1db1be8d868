import { describe, expect, it } from '@jest/globals';
import { makeTestGateway } from '../support/batches.ts';
import { makeTestRecord } from './record.ts';

/** Times are written as seconds; a gateway boots at 1,000 s and tells a first watermark. */
const ms = (sec: number) => sec * 1000;

function begin(bootSec = 1_000) {
  const gateway = makeTestGateway({ bootedAtMs: ms(bootSec) });
  const record = makeTestRecord([gateway.listed()]);
  record.apply(gateway.flush(ms(bootSec)));
  const told = (atSec: number, connector = 1) => record.told('CH-1', connector, atSec);
  /** Watermarks every five seconds. */
  const idle = (fromSec: number, toSec: number) => {
    for (let sec = fromSec; sec <= toSec; sec += 5) record.apply(gateway.flush(ms(sec)));
  };
  return { gateway, record, told, idle };
}

describe('charger-status as of a time', () => {
  it('shows each status from the second in which it came, and not before', () => {
    const { gateway, record, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002) + 999, 1, 'Available');
    gateway.status('CH-1', ms(1_003), 1, 'Charging');
    gateway.status('CH-1', ms(1_003) + 1, 1, 'SuspendedEV', 'HighTemperature');
    record.apply(gateway.flush(ms(1_006)));
    expect([1_000, 1_001, 1_002, 1_003, 1_004].map((sec) => told(sec))).toEqual([
      'offline@0',
      'Unknown@0',
      'Available@1002',
      'Suspended@1003 error 4',
      'Suspended@1003 error 4',
    ]);
  });

  it('shows a closed connection as offline since its close', () => {
    const { gateway, record, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002), 1, 'Available');
    gateway.close('CH-1', ms(1_003));
    record.apply(gateway.flush(ms(1_006)));
    expect([told(1_002), told(1_003), told(1_005)]).toEqual(['Available@1002', 'offline@1003', 'offline@1003']);
  });

  it('keeps the status over a reconnection', () => {
    const { gateway, record, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002), 1, 'Charging');
    gateway.close('CH-1', ms(1_003));
    gateway.open('CH-1', ms(1_004));
    record.apply(gateway.flush(ms(1_006)));
    expect([told(1_003), told(1_004)]).toEqual(['offline@1003', 'Charging@1002']);
  });

  it('goes by the newer socket when the older one closes late', () => {
    const { gateway, record, told } = begin();
    const other = makeTestGateway({ bootedAtMs: ms(1_000) });
    record.ingest.listGateways([gateway.listed(), other.listed()], 0);
    record.apply(other.flush(ms(1_000)));
    gateway.open('CH-1', ms(1_001), 500);
    gateway.status('CH-1', ms(1_002), 1, 'Available');
    other.open('CH-1', ms(1_003), 501);
    other.status('CH-1', ms(1_004), 1, 'Charging');
    gateway.close('CH-1', ms(1_005));
    record.apply(other.flush(ms(1_008)), gateway.flush(ms(1_008)));
    expect([told(1_002), told(1_004), told(1_006)]).toEqual(['Available@1002', 'Charging@1004', 'Charging@1004']);
  });

  it('lets an inoperative station override its connectors, and an operative one not', () => {
    const { gateway, record, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002), 1, 'Available');
    gateway.status('CH-1', ms(1_003), 0, 'Faulted', 'GroundFailure');
    gateway.status('CH-1', ms(1_004), 1, 'Charging');
    gateway.status('CH-1', ms(1_005), 0, 'Available');
    record.apply(gateway.flush(ms(1_008)));
    expect([1_002, 1_003, 1_004, 1_005].map((sec) => told(sec))).toEqual([
      'Available@1002',
      'Faulted@1003 error 3',
      'Faulted@1003 error 3',
      'Charging@1004',
    ]);
    expect(told(1_003, 0)).toBe('Faulted@1003 error 3');
    expect(told(1_003, 2)).toBe('Faulted@1003 error 3');
    expect(told(1_005, 2)).toBe('Unknown@0');
  });

  it('no longer believes a connection without a frame for 900 s', () => {
    const { gateway, record, told, idle } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002), 1, 'Available');
    idle(1_005, 1_910);
    expect([told(1_901), told(1_902)]).toEqual(['Available@1002', 'offline@1002']);
    gateway.call('CH-1', ms(1_912), 'Heartbeat', {});
    record.apply(gateway.flush(ms(1_915)));
    expect([told(1_911), told(1_912)]).toEqual(['offline@1002', 'Available@1002']);
  });

  it('finds the last frame in a long connection', () => {
    const { gateway, record, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_001), 1, 'Charging');
    for (let n = 1; n <= 300; n++) {
      gateway.call('CH-1', ms(1_001 + 5 * n), 'Heartbeat', {});
      record.apply(gateway.flush(ms(1_001 + 5 * n)));
    }
    expect([told(1_003), told(1_777), told(2_500)]).toEqual(['Charging@1001', 'Charging@1001', 'Charging@1001']);
  });

  it('shows chargers as offline from the last watermark of a gateway that fell silent', () => {
    const { gateway, record, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002), 1, 'Available');
    record.apply(gateway.flush(ms(1_006)));
    expect(record.readiness(1_007, ms(1_018) - 1)).toBe('wait');
    expect(record.readiness(1_007, ms(1_018))).toBe('ready-if-drained');
    expect(told(1_007)).toBe('offline@1006');
    // The process was only frozen: what it tells later changes nothing about the time of its silence.
    gateway.status('CH-1', ms(1_008), 1, 'Charging');
    record.apply(gateway.flush(ms(1_017)), gateway.flush(ms(1_018)));
    expect([told(1_005), told(1_007), told(1_016), told(1_017)]).toEqual([
      'Available@1002',
      'offline@1006',
      'offline@1006',
      'Charging@1008',
    ]);
  });

  it('counts a gateway as up whose watermark came just within the bound', () => {
    const { gateway, record, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002), 1, 'Available');
    record.apply(gateway.flush(ms(1_006)), gateway.flush(ms(1_016)));
    expect(told(1_010)).toBe('Available@1002');
  });

  it('ends every connection with the process that held it', () => {
    const { gateway, record, told } = begin();
    gateway.open('CH-1', ms(1_001));
    gateway.status('CH-1', ms(1_002), 1, 'Available');
    record.apply(gateway.flush(ms(1_006)));
    gateway.restart(ms(1_008));
    record.apply(gateway.flush(ms(1_009)));
    gateway.open('CH-1', ms(1_010));
    record.apply(gateway.flush(ms(1_012)));
    expect([1_005, 1_007, 1_009, 1_010].map((sec) => told(sec))).toEqual([
      'Available@1002',
      'offline@1006',
      'offline@1006',
      'Available@1002',
    ]);
  });

  it('does not wait for a gateway that has been silent for long, beyond what may be under way', () => {
    const { record } = begin();
    expect(record.readiness(5_000, ms(5_000) + 999 + 2_000)).toBe('ready-if-drained');
    expect(record.readiness(5_000, ms(5_000) + 999 + 1_999)).toBe('wait');
  });

  it('says nothing before a gateway has been given the time to speak', () => {
    const fresh = makeTestGateway({ bootedAtMs: ms(1_000) });
    const record = makeTestRecord([fresh.listed()]);
    expect(record.readiness(1_000, ms(1_002))).toBe('wait');
  });
});
