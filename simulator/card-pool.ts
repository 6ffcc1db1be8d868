import { oneOf, type Random } from './clock.ts';

/** Cards of drivers, each of whom is at one charger at a time. */
export interface CardPool {
  /** The card of a driver who is nowhere now; undefined if all are somewhere. */
  take: () => string | undefined;
  /** Its driver has left. */
  give: (idTag: string) => void;
}

export function makeCardPool(idTags: readonly string[], random: Random): CardPool {
  const free = new Set(idTags);
  return {
    take: () => {
      if (free.size === 0) return undefined;
      const idTag = oneOf(random, [...free]);
      free.delete(idTag);
      return idTag;
    },
    give: (idTag) => void free.add(idTag),
  };
}
