/** What a charger knows of a card without asking. */
export interface KnownCard {
  idTag: string;
  /** The CSMS's word for it: `Accepted`, `Blocked`, … */
  status: string;
  group?: string;
  untilMs?: number;
}

/** The CSMS's own list of cards at the charger. */
export interface LocalList {
  version: number;
  cards: ReadonlyMap<string, KnownCard>;
}

export const EMPTY_LIST: LocalList = { version: 0, cards: new Map() };

/** An entry of an update; without a status it takes the card away. */
export type ListEntry = Omit<KnownCard, 'status'> & { status?: string };

/**
 * The list after an update, or why there is none.
 *
 * @see OCPP 1.6 §5.15 Send Local List
 */
export function updateList(
  list: LocalList,
  update: { version: number; isFull: boolean; entries: readonly ListEntry[] },
): LocalList | 'VersionMismatch' | 'Failed' {
  const { version, isFull, entries } = update;
  if (version <= 0) return 'Failed';
  if (!isFull && version <= list.version) return 'VersionMismatch';
  if (new Set(entries.map(({ idTag }) => keyOf(idTag))).size < entries.length) return 'Failed';
  const cards = new Map(isFull ? [] : list.cards);
  for (const { status, ...card } of entries) {
    if (status !== undefined) cards.set(keyOf(card.idTag), { ...card, status });
    else if (isFull) return 'Failed';
    else cards.delete(keyOf(card.idTag));
  }
  return { version, cards };
}

/** Cards by an idTag without regard to case. */
export function keyOf(idTag: string): string {
  return idTag.toLowerCase();
}

/** What is known of a card now; one whose time is over is `Expired`. */
export function knownCard(cards: ReadonlyMap<string, KnownCard>, idTag: string, nowMs: number): KnownCard | undefined {
  const card = cards.get(keyOf(idTag));
  if (card?.untilMs !== undefined && card.untilMs <= nowMs) return { ...card, status: 'Expired' };
  return card;
}
