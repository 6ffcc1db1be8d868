import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { boxAround, distanceM, type Place } from '../../network/map.ts';

const place = fc.record<Place>({
  latitudeDeg: fc.double({ min: -90, max: 90, noNaN: true }),
  longitudeDeg: fc.double({ min: -180, max: 180, noNaN: true }),
});

/** As `MapCells.cellOf`. */
function cellOf({ latitudeDeg, longitudeDeg }: Place): { row: number; column: number } {
  const row = Math.floor((Math.round(latitudeDeg * 1e7) + 90e7) / 450_000);
  const column = Math.floor((Math.round(longitudeDeg * 1e7) + 180e7) / 450_000) % 8_000;
  return { row, column };
}

describe('the map', () => {
  it('knows how far places are apart', () => {
    const zurich = { latitudeDeg: 47.3769, longitudeDeg: 8.5417 };
    const bern = { latitudeDeg: 46.948, longitudeDeg: 7.4474 };
    // 95.5 km as the crow flies.
    expect(Math.round(distanceM(zurich, bern) / 1_000)).toBe(95);
    expect(distanceM(zurich, zurich)).toBe(0);
  });

  it('draws the box of cells of the factory', () => {
    // Row: floor((47.3769 + 90) / 0.045); column: floor((8.5417 + 180) / 0.045); 100 m stay within the cell.
    expect(boxAround({ latitudeDeg: 47.3769, longitudeDeg: 8.5417 }, 100)).toEqual({
      south: 3_052,
      north: 3_052,
      west: 4_189,
      east: 4_189,
    });
  });

  it('goes over the date line', () => {
    const { west, east } = boxAround({ latitudeDeg: 0, longitudeDeg: 179.99 }, 5_000);
    expect(west).toBeGreaterThan(east);
  });

  it('leaves no place within the radius out', () => {
    fc.assert(
      fc.property(place, place, fc.double({ min: 100, max: 500_000, noNaN: true }), (here, there, radiusM) => {
        // Most random pairs are far apart: bring the other one near, along a part of the way.
        const near = {
          latitudeDeg: here.latitudeDeg + (there.latitudeDeg - here.latitudeDeg) * 0.01,
          longitudeDeg: here.longitudeDeg + (there.longitudeDeg - here.longitudeDeg) * 0.01,
        };
        fc.pre(distanceM(here, near) <= radiusM);
        const { row, column } = cellOf(near);
        const { south, north, west, east } = boxAround(here, radiusM);
        expect(row).toBeGreaterThanOrEqual(south);
        expect(row).toBeLessThanOrEqual(north);
        const isWithin = west <= east ? column >= west && column <= east : column >= west || column <= east;
        expect(isWithin).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
