import type { ChargerEvent } from '../core/charger-event.ts';
import { sha256Hex } from '../core/identity.ts';
import { startedTag } from '../core/started-tag.ts';
import type { Database } from './database.ts';

/** How many cards one step looks at: a commitment takes a few microseconds. */
const STEP_CARDS = 500;

/** Finds transactions by the commitment of the card they began with. No idTag is kept: only its hash and its commitment. */
export interface CardIndex {
  /**
   * Makes the commitments of cards that are new, in one transaction.
   *
   * @returns whether there may be more
   * @throws DevsenError `DATABASE_UNAVAILABLE`
   */
  step: () => boolean;
  /** Hash by which the transactions of a card are found; undefined if none is on record. */
  tagHashOf: (commitment: string) => string | undefined;
}

/**
 * @param commitmentOf - the network's commitment of an idTag; undefined if its pepper is not known
 */
export function makeCardIndex(db: Database, commitmentOf: (idTag: string) => string | undefined): CardIndex {
  const select = db.prepare<{ tag_hash: string } & Partial<Pick<ChargerEvent, 'kind' | 'frame'>>>(
    `SELECT t.tag_hash, e.kind, e.frame FROM card_tags t
     LEFT JOIN events e ON e.connection = t.connection AND e.seq = t.seq WHERE t.commitment IS NULL LIMIT ?`,
  );
  const update = db.prepare('UPDATE card_tags SET commitment = ? WHERE tag_hash = ?');
  const selectHash = db.prepare<{ tag_hash: string }>('SELECT tag_hash FROM card_tags WHERE commitment = ?');
  const selectPepper = db.prepare<{ value: string }>(`SELECT value FROM meta WHERE name = 'pepper of cards'`);
  const savePepper = db.prepare(
    `INSERT INTO meta (name, value) VALUES ('pepper of cards', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
  );
  const forget = db.prepare('UPDATE card_tags SET commitment = NULL');

  // Tells one pepper from another and gives nothing of it away: the text is no idTag.
  const probe = commitmentOf('which pepper is it?');
  const pepper = probe === undefined ? undefined : sha256Hex(probe);
  let isChecked = false;
  const checkPepper = (name: string) => {
    if (!isChecked && selectPepper.get()?.value !== name) {
      forget.run();
      savePepper.run(name);
    }
    isChecked = true;
  };

  return {
    step: () => {
      if (pepper === undefined) return false;
      if (isChecked && select.get(1) === undefined) return false;
      return db.transaction(() => {
        checkPepper(pepper);
        const rows = select.all(STEP_CARDS);
        for (const { tag_hash: tagHash, kind, frame } of rows) {
          const tag =
            kind === undefined || frame === undefined || frame === null ? undefined : startedTag({ kind, frame });
          update.run((tag === undefined ? undefined : commitmentOf(tag)) ?? '', tagHash);
        }
        return rows.length === STEP_CARDS;
      });
    },
    tagHashOf: (commitment) => (pepper === undefined ? undefined : selectHash.get(commitment)?.tag_hash),
  };
}
