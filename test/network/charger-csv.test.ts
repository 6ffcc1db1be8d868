import { describe, expect, it } from '@jest/globals';
import { readChargersCsv } from '../../network/cli/charger-csv.ts';

describe('chargers from a CSV file', () => {
  it('are read, in whatever order the columns stand', () => {
    const csv = [
      'latitude,longitude,identity,connectors,note',
      '47.3769,8.5417,CP-1,IEC_62196_T2:22 IEC_62196_T2_COMBO:150,by the station',
      '',
      '-33.9,18.4,CP-2,chademo:50:DC:cable,',
    ].join('\r\n');
    expect(readChargersCsv(csv)).toEqual([
      {
        identity: 'CP-1',
        latitudeDeg: 47.3769,
        longitudeDeg: 8.5417,
        connectors: [
          { evse: 1, standard: 26, format: 0, powerType: 4, maxPowerW: 22_000 },
          { evse: 2, standard: 27, format: 0, powerType: 5, maxPowerW: 150_000 },
        ],
      },
      {
        identity: 'CP-2',
        latitudeDeg: -33.9,
        longitudeDeg: 18.4,
        connectors: [{ evse: 1, standard: 1, format: 2, powerType: 5, maxPowerW: 50_000 }],
      },
    ]);
  });

  it('are refused all together, with every wrong line named', () => {
    const csv = [
      'identity,latitude,longitude,connectors',
      'CP 1,0,0,IEC_62196_T2:22',
      'CP-2,91,0,IEC_62196_T2:22',
      'CP-3,0,0,Schuko:3',
      'CP-4,0,0,IEC_62196_T2:0',
      'CP-5,0,0,IEC_62196_T2:22',
      'CP-5,0,0,IEC_62196_T2:22',
      'CP-6,0,0',
    ].join('\n');
    const form = 'expected standard:kW[:power type[:socket or cable]], as IEC_62196_T2:22:AC_3_PHASE:socket.';
    expect(() => readChargersCsv(csv)).toThrow(
      [
        "line 2: 'CP 1' is no OCPP identity.",
        'line 3: expected a number from -90 to 90.',
        `line 4: ${form}`,
        `line 5: ${form}`,
        "line 7: 'CP-5' stands there twice.",
        'line 8: expected 4 columns.',
      ].join('\n'),
    );
  });

  it('need columns and a charger', () => {
    expect(() => readChargersCsv('identity,latitude\n')).toThrow(
      'line 1 must name the columns identity, latitude, longitude, connectors',
    );
    expect(() => readChargersCsv('identity,latitude,longitude,connectors\n')).toThrow(
      'expected 1 to 10000 chargers, found 0',
    );
  });
});
