import { z } from 'zod';
import { asOfMs } from '../core/as-of.ts';
import { chargerStatusAt } from '../core/charger-status.ts';
import { DevsenError } from '../core/errors.ts';
import { STATUS } from '../core/status.ts';
import type { Database } from './database.ts';
import { BYTES32, check, type Endpoint, LATEST_SEC, whole } from './endpoints.ts';
import type { Knowing } from './knowing.ts';
import type { RecordReader } from './record-reader.ts';

/** Most chargers that one page looks at. */
const PAGE = 100;
/** The last row and column of the factory's map, as `MapCells.sol` has them. */
const LAST_ROW = 4_000;
const LAST_COLUMN = 7_999;

const OF_PAGE = z.object({
  row: whole(LAST_ROW).optional(),
  column: whole(LAST_COLUMN).optional(),
  after: BYTES32.optional(),
  asOf: whole(LATEST_SEC).optional(),
});

export interface AvailabilityListMeans {
  db: Database;
  knowing: Pick<Knowing, 'untilKnown'>;
  reader: Pick<RecordReader, 'at'>;
  /** Ids of the chargers that the chain has in a cell of its map. */
  chargersInCell: (row: number, column: number) => Promise<string[]>;
  now: () => number;
}

/** A connector that can be used. */
interface FreeConnector {
  deviceId: string;
  connector: number;
  /** Since when it is known to be available, Unix seconds. */
  observedAt: number;
}

/**
 * The endpoint `availability-list`: connectors that are online and Available, of the chargers in a cell of the factory's map or
 * of all on record; a page of chargers at a time, in the order of their ids.
 */
export function makeAvailabilityList(means: AvailabilityListMeans): ReadonlyMap<string, Endpoint> {
  const { db, knowing, reader, chargersInCell, now } = means;
  const selectChargers = db.prepare<{ device_id: string }>(
    'SELECT device_id FROM chargers WHERE device_id > ? ORDER BY device_id LIMIT ?',
  );
  const selectConnectors = db.prepare<{ connector: number }>(
    `SELECT DISTINCT s.connector FROM statuses s JOIN chargers h ON h.id = s.charger
     WHERE h.device_id = ? AND s.connector > 0 ORDER BY s.connector`,
  );

  const chargersAfter = async (after: string, row?: number, column?: number): Promise<string[]> => {
    if (row === undefined || column === undefined) {
      return selectChargers.all(after, PAGE + 1).map(({ device_id: deviceId }) => deviceId);
    }
    const inCell = await chargersInCell(row, column);
    return inCell.filter((deviceId) => deviceId > after).sort();
  };

  const availabilityList: Endpoint = async (data, signal) => {
    const { row, column, after = '', asOf = Math.floor(now() / 1000) - 1 } = check(OF_PAGE, data);
    if ((row === undefined) !== (column === undefined)) {
      throw new DevsenError('INPUT_INVALID', 'row and column must be given together');
    }
    await knowing.untilKnown(asOf, signal);
    const atMs = asOfMs(asOf);
    const chargers = await chargersAfter(after, row, column);
    const page = chargers.slice(0, PAGE);
    const result = page.flatMap((deviceId) => {
      const record = reader.at(deviceId, atMs);
      return selectConnectors.all(deviceId).flatMap(({ connector }): FreeConnector[] => {
        const known = chargerStatusAt(record, connector, atMs);
        if (!known.isKnown || !known.answer.online || known.answer.status !== STATUS.Available) return [];
        return [{ deviceId, connector, observedAt: known.answer.observedAtSec }];
      });
    });
    const next = chargers.length > PAGE ? (page.at(-1) ?? null) : null;
    return { result, fields: { asOf, next }, aboutMs: asOf * 1000 };
  };
  return new Map([['availability-list', availabilityList]]);
}
