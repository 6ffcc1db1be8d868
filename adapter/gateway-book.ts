import { GENERATION_START } from '../core/batch.ts';
import type { GatewayState } from './custody.ts';
import type { Database } from './database.ts';
import type { FormerKey } from './former-keys.ts';

/** How long a batch may still come in under a key after another has replaced it, by the batch's own watermark. */
const KEY_OVERLAP_MS = 60_000;

/** A gateway as the chain registers it. */
export interface ListedGateway {
  account: string;
  signingKey: string;
  active: boolean;
}

/** A gateway's row: its id in the record and where its record stands. */
export interface GatewayRow extends GatewayState {
  id: number;
  account: string;
}

/** Who the gateways are, which keys are theirs, and where the record of each stands. */
export interface GatewayBook {
  /** Takes over what the chain says now. */
  list: (gateways: readonly ListedGateway[], nowMs: number) => void;
  /** Takes over keys that gateways had before this operator looked; what it saw for itself stays. */
  addFormer: (keys: readonly FormerKey[]) => void;
  active: () => string[];
  standing: (account: string, key: string, watermarkMs: number) => 'registered' | 'unregistered' | 'convicted';
  /** The gateway's row; one that is not on record yet is `unheard` and has id 0. */
  row: (account: string) => GatewayRow;
  rows: () => GatewayRow[];
  /** Writes the row and returns its id. */
  save: (row: GatewayRow) => number;
  convict: (account: string, key: string) => void;
  convicted: () => string[];
  /** Forgets what was read: after a transaction that did not commit. */
  forget: () => void;
}

interface StoredRow {
  id: number;
  account: string;
  state: GatewayState['state'];
  chapter: number;
  generation: number;
  number: number;
  digest: string;
  watermark_ms: number;
  booted_at_ms: number;
  is_missed: number;
}

export function makeGatewayBook(db: Database): GatewayBook {
  const selectRows = db.prepare<StoredRow>('SELECT * FROM gateways');
  const upsert = db.prepare<{ id: number }>(
    `INSERT INTO gateways (account, state, chapter, generation, number, digest, watermark_ms, booted_at_ms, is_missed)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (account) DO UPDATE SET state = excluded.state, chapter = excluded.chapter,
       generation = excluded.generation, number = excluded.number, digest = excluded.digest,
       watermark_ms = excluded.watermark_ms, booted_at_ms = excluded.booted_at_ms, is_missed = excluded.is_missed
     RETURNING id`,
  );
  const selectKeys = db.prepare<{ gateway: string; signing_key: string; replaced_at_ms: number | null }>(
    'SELECT * FROM gateway_keys',
  );
  const upsertKey = db.prepare(
    `INSERT INTO gateway_keys (gateway, signing_key, replaced_at_ms) VALUES (?, ?, ?)
     ON CONFLICT (gateway, signing_key) DO UPDATE SET replaced_at_ms = excluded.replaced_at_ms`,
  );
  const selectConvicted = db.prepare<{ gateway: string; signing_key: string }>(
    'SELECT gateway, signing_key FROM convictions',
  );

  let listed = new Map<string, ListedGateway>();
  let rows = new Map<string, GatewayRow>();
  /** When a key was replaced, Unix ms; null for the one registered now. By `<account> <key>`. */
  let keys = new Map<string, number | null>();
  let convictedKeys = new Set<string>();
  const load = () => {
    rows = new Map(selectRows.all().map((row) => [row.account, fromStored(row)]));
    keys = new Map(selectKeys.all().map((row) => [`${row.gateway} ${row.signing_key}`, row.replaced_at_ms]));
    convictedKeys = new Set(selectConvicted.all().map((row) => `${row.gateway} ${row.signing_key}`));
  };
  load();

  return {
    list: (gateways, nowMs) => {
      listed = new Map(gateways.map((gateway) => [gateway.account, gateway]));
      const current = new Set(gateways.map((gateway) => `${gateway.account} ${gateway.signingKey}`));
      for (const key of new Set([...keys.keys(), ...current])) {
        const replacedAtMs = current.has(key) ? null : (keys.get(key) ?? nowMs);
        if (keys.has(key) && keys.get(key) === replacedAtMs) continue;
        const [gateway = '', signingKey = ''] = key.split(' ');
        upsertKey.run(gateway, signingKey, replacedAtMs);
        keys.set(key, replacedAtMs);
      }
    },
    addFormer: (formerKeys) => {
      // The latest first: a key that was replaced twice counts until the last time.
      for (const { gateway, signingKey, replacedAtMs } of formerKeys.toReversed()) {
        const name = `${gateway} ${signingKey}`;
        if (keys.has(name)) continue;
        upsertKey.run(gateway, signingKey, replacedAtMs);
        keys.set(name, replacedAtMs);
      }
    },
    active: () => [...listed.values()].filter((gateway) => gateway.active).map((gateway) => gateway.account),
    standing: (account, key, watermarkMs) => {
      const name = `${account} ${key}`;
      if (convictedKeys.has(name)) return 'convicted';
      if (!listed.get(account)?.active) return 'unregistered';
      const replacedAtMs = keys.get(name);
      if (replacedAtMs === null) return 'registered';
      const isInOverlap = replacedAtMs !== undefined && watermarkMs <= replacedAtMs + KEY_OVERLAP_MS;
      return isInOverlap ? 'registered' : 'unregistered';
    },
    row: (account) => rows.get(account) ?? unheard(account),
    rows: () => [...rows.values()],
    save: (row) => {
      const saved = upsert.get(
        row.account,
        row.state,
        row.chapter,
        row.generation,
        row.number,
        row.digest,
        row.watermarkMs,
        row.bootedAtMs,
        row.isMissed ? 1 : 0,
      );
      const id = saved?.id ?? row.id;
      rows.set(row.account, { ...row, id });
      return id;
    },
    convict: (account, key) => convictedKeys.add(`${account} ${key}`),
    convicted: () => [...new Set([...convictedKeys].map((name) => name.split(' ')[0] ?? ''))],
    forget: load,
  };
}

function unheard(account: string): GatewayRow {
  return {
    id: 0,
    account,
    state: 'unheard',
    chapter: 0,
    generation: 0,
    number: -1,
    digest: GENERATION_START,
    watermarkMs: 0,
    bootedAtMs: 0,
    isMissed: false,
  };
}

function fromStored(row: StoredRow): GatewayRow {
  return {
    id: row.id,
    account: row.account,
    state: row.state,
    chapter: row.chapter,
    generation: row.generation,
    number: row.number,
    digest: row.digest,
    watermarkMs: row.watermark_ms,
    bootedAtMs: row.booted_at_ms,
    isMissed: row.is_missed === 1,
  };
}
