/** A place on earth, degrees north and east. */
export interface Place {
  latitudeDeg: number;
  longitudeDeg: number;
}

/** Rows and columns of the factory's map, both ends included; west may be greater than east. See `MapCells.sol`. */
export interface Box {
  south: number;
  north: number;
  west: number;
  east: number;
}

/** Height and width of a cell, degrees × 10⁷, as in `MapCells.sol`. */
const SIDE_E7 = 450_000;
const COLUMNS = 8_000;
const LAST_ROW = 4_000;
/** Mean radius of the earth, m. */
const EARTH_M = 6_371_009;
const RAD = Math.PI / 180;

/** The cells that hold every place within so many metres; near a pole, or far around, all columns. */
export function boxAround({ latitudeDeg, longitudeDeg }: Place, radiusM: number): Box {
  const heightDeg = radiusM / EARTH_M / RAD;
  const south = Math.max(latitudeDeg - heightDeg, -90);
  const north = Math.min(latitudeDeg + heightDeg, 90);
  const rows = { south: rowOf(south), north: rowOf(north) };
  // The widest circle of latitude's degree is the shortest: where the box is nearest to a pole.
  const shrink = Math.cos(Math.max(Math.abs(south), Math.abs(north)) * RAD);
  const widthDeg = heightDeg / shrink;
  if (!(widthDeg < 180 - 1e-6)) return { ...rows, west: 0, east: COLUMNS - 1 };
  return { ...rows, west: columnOf(longitudeDeg - widthDeg), east: columnOf(longitudeDeg + widthDeg) };
}

/** How far two places are apart on a sphere, m. */
export function distanceM(one: Place, other: Place): number {
  const height = Math.sin(((other.latitudeDeg - one.latitudeDeg) * RAD) / 2) ** 2;
  const width = Math.sin(((other.longitudeDeg - one.longitudeDeg) * RAD) / 2) ** 2;
  const share = height + Math.cos(one.latitudeDeg * RAD) * Math.cos(other.latitudeDeg * RAD) * width;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(share)));
}

function rowOf(latitudeDeg: number): number {
  return Math.min(Math.floor((Math.round(latitudeDeg * 1e7) + 90e7) / SIDE_E7), LAST_ROW);
}

function columnOf(longitudeDeg: number): number {
  const column = Math.floor((Math.round(longitudeDeg * 1e7) + 180e7) / SIDE_E7);
  return ((column % COLUMNS) + COLUMNS) % COLUMNS;
}
