import { chargerStatusAt } from '../core/charger-status.ts';
import { meterReadingAt } from '../core/meter-reading.ts';
import { ERROR_CLASSES, STATUS_NAMES } from '../core/status.ts';
import type { Database } from './database.ts';
import type { MeterReader } from './meter-reader.ts';
import type { RecordReader } from './record-reader.ts';

export interface PublicCharger {
  /** OCPP identity. */
  identity: string;
  /** Its id on chain. */
  id: string;
}

/** What anybody may read of an operator's record: its own view, which no other operator need share. */
export function makePublicRecord(db: Database, reader: RecordReader, meter: MeterReader) {
  const selectChargers = db.prepare<{ identity: string; device_id: string }>(
    'SELECT identity, device_id FROM chargers WHERE identity > ? ORDER BY identity LIMIT ?',
  );
  const selectCharger = db.prepare<{ identity: string; device_id: string }>(
    'SELECT identity, device_id FROM chargers WHERE identity = ?',
  );
  const selectGateway = db.prepare<{ account: string }>(
    `SELECT g.account FROM connections c JOIN gateways g ON g.id = c.gateway JOIN chargers ON chargers.id = c.charger
     WHERE chargers.identity = ? ORDER BY c.epoch DESC LIMIT 1`,
  );
  const selectConnectors = db.prepare<{ connector: number }>(
    `SELECT DISTINCT s.connector FROM statuses s JOIN chargers ON chargers.id = s.charger
     WHERE chargers.identity = ? ORDER BY s.connector`,
  );
  const selectGateways = db.prepare<{ account: string; state: string; watermark_ms: number; is_convicted: number }>(
    `SELECT account, state, watermark_ms,
       EXISTS (SELECT 1 FROM convictions c WHERE c.gateway = account) AS is_convicted FROM gateways ORDER BY account`,
  );
  const asPublic = (row: { identity: string; device_id: string }): PublicCharger => ({
    identity: row.identity,
    id: row.device_id,
  });

  return {
    /** Gateways on record, up to when each has told, and whether it was proven false. */
    gateways: () =>
      selectGateways.all().map((row) => ({
        account: row.account,
        isFollowed: row.state === 'following',
        toldUpTo: Math.floor(row.watermark_ms / 1000),
        isConvicted: row.is_convicted === 1,
      })),
    /** Chargers on record whose identity comes after another, in order. */
    chargers: (after: string, limit: number): PublicCharger[] => selectChargers.all(after, limit).map(asPublic),
    charger: (identity: string): PublicCharger | undefined => {
      const row = selectCharger.get(identity);
      return row && asPublic(row);
    },
    /** Its connectors as of the last time its gateway told. */
    connectors: (identity: string) => {
      const row = selectCharger.get(identity);
      const account = selectGateway.get(identity)?.account;
      if (row === undefined || account === undefined) return [];
      const atMs = reader.lastWatermarkMs(account);
      return selectConnectors.all(identity).map(({ connector }) => {
        const status = chargerStatusAt(reader.at(row.device_id, atMs), connector, atMs);
        const reading = meterReadingAt(meter(row.device_id, atMs), connector, atMs);
        return {
          connector,
          asOf: Math.floor(atMs / 1000),
          status: status.isKnown
            ? {
                name: STATUS_NAMES[status.answer.status],
                error: ERROR_CLASSES[status.answer.errorClass],
                observedAt: status.answer.observedAtSec,
                online: status.answer.online,
              }
            : null,
          meter:
            reading.isKnown && reading.answer.observedAtSec > 0
              ? {
                  registerWh: reading.answer.registerWh,
                  powerW: reading.answer.powerW,
                  observedAt: reading.answer.observedAtSec,
                  signed: reading.answer.isSigned,
                }
              : null,
        };
      });
    },
    /** Up to when the gateway it was last connected to has told, Unix ms; 0 if it never was. */
    toldUpToMs: (identity: string): number => {
      const account = selectGateway.get(identity)?.account;
      return account === undefined ? 0 : reader.lastWatermarkMs(account);
    },
  };
}

export type PublicRecord = ReturnType<typeof makePublicRecord>;
