import { InvalidArgumentError } from 'commander';
import { DevsenError } from '../../core/errors.ts';
import { isChargerIdentity } from '../../core/identity.ts';
import { type ConnectorSpec, readConnector } from './charger-spec.ts';
import { decimal } from './values.ts';

/** A charger to register. */
export interface ChargerRow {
  identity: string;
  latitudeDeg: number;
  longitudeDeg: number;
  connectors: ConnectorSpec[];
}

const COLUMNS = ['identity', 'latitude', 'longitude', 'connectors'] as const;
/** A file with more is a slip, or should be parted. */
const MOST_ROWS = 10_000;

/**
 * Reads chargers from CSV: one a line, below a line that names the columns, which may stand in any order. No column can
 * hold a comma, so nothing is quoted.
 *
 * @throws DevsenError `INPUT_INVALID` that lists every wrong line
 */
export function readChargersCsv(text: string): ChargerRow[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const names = cells(lines[0] ?? '');
  const places = COLUMNS.map((column) => names.indexOf(column));
  if (places.includes(-1)) throw new DevsenError('INPUT_INVALID', `line 1 must name the columns ${COLUMNS.join(', ')}`);
  const rows: ChargerRow[] = [];
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const [i, line] of lines.entries()) {
    if (i === 0 || line.trim() === '') continue;
    const row = cells(line);
    const [identity = '', latitude = '', longitude = '', connectors = ''] = places.map((at) => row[at] ?? '');
    try {
      if (row.length !== names.length) throw new InvalidArgumentError(`expected ${names.length} columns.`);
      if (!isChargerIdentity(identity)) throw new InvalidArgumentError(`'${identity}' is no OCPP identity.`);
      if (seen.has(identity)) throw new InvalidArgumentError(`'${identity}' stands there twice.`);
      seen.add(identity);
      rows.push({
        identity,
        latitudeDeg: decimal(-90, 90)(latitude),
        longitudeDeg: decimal(-180, 180)(longitude),
        connectors: connectors.split(/\s+/).reduce<ConnectorSpec[]>((before, one) => readConnector(one, before), []),
      });
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      wrong.push(`line ${i + 1}: ${error.message}`);
    }
  }
  if (wrong.length > 0) throw new DevsenError('INPUT_INVALID', wrong.join('\n'));
  if (rows.length === 0 || rows.length > MOST_ROWS) {
    throw new DevsenError('INPUT_INVALID', `expected 1 to ${MOST_ROWS} chargers, found ${rows.length}`);
  }
  return rows;
}

function cells(line: string): string[] {
  return line.split(',').map((cell) => cell.trim());
}
