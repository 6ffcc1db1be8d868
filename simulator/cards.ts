import {
  EMPTY_LIST,
  type KnownCard,
  keyOf,
  knownCard,
  type ListEntry,
  type LocalList,
  updateList,
} from './authorisation.ts';
import type { ChargerMessage, ReplyFacts } from './charger-message.ts';
import { optional } from './json-fields.ts';
import type { StationSettings } from './station-settings.ts';

/** What counts for a card now. */
export type Verdict = Pick<KnownCard, 'status' | 'group'>;

/** What a charger knows of cards, and how it finds out. */
export interface Cards {
  /** The CSMS's word, or what is known here while it cannot be asked; undefined if that is nothing. */
  authorise: (idTag: string) => Promise<Verdict | undefined>;
  /** Remembers what a CSMS said of a card. */
  remember: (idTag: string, facts: ReplyFacts) => void;
  forgetAll: () => void;
  list: () => LocalList;
  /** @returns `Accepted`, or why the list stays as it was */
  update: (update: { version: number; isFull: boolean; entries: readonly ListEntry[] }) => string;
}

const MOST_REMEMBERED = 1_000;

export function makeCards(
  settings: StationSettings,
  ask: (message: ChargerMessage) => Promise<ReplyFacts | undefined>,
  nowMs: () => number,
): Cards {
  const cache = new Map<string, KnownCard>();
  let list: LocalList = EMPTY_LIST;

  function known(idTag: string): KnownCard | undefined {
    const listed = settings.isOn('LocalAuthListEnabled') ? knownCard(list.cards, idTag, nowMs()) : undefined;
    return listed ?? (settings.isOn('AuthorizationCacheEnabled') ? knownCard(cache, idTag, nowMs()) : undefined);
  }

  return {
    authorise: async (idTag) => {
      const before = known(idTag);
      if (settings.isOn('LocalPreAuthorize') && before?.status === 'Accepted') return before;
      const facts = await ask({ kind: 'authorize', idTag });
      if (facts) return { status: facts.authorization ?? 'Invalid', ...optional('group', facts.group) };
      if (!settings.isOn('LocalAuthorizeOffline')) return undefined;
      return known(idTag) ?? (settings.isOn('AllowOfflineTxForUnknownId') ? { status: 'Accepted' } : undefined);
    },
    remember: (idTag, { authorization, group, authorizedUntilMs }) => {
      if (authorization === undefined) return;
      const card = {
        idTag,
        status: authorization,
        ...optional('group', group),
        ...optional('untilMs', authorizedUntilMs),
      };
      cache.delete(keyOf(idTag));
      cache.set(keyOf(idTag), card);
      const [oldest] = cache.keys();
      if (cache.size > MOST_REMEMBERED && oldest !== undefined) cache.delete(oldest);
    },
    forgetAll: () => cache.clear(),
    list: () => list,
    update: (update) => {
      const next = updateList(list, update);
      if (typeof next === 'string') return next;
      list = next;
      return 'Accepted';
    },
  };
}
