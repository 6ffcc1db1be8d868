import type { MessageId } from './frame.ts';

/** A few messages on their way, by id and exact text, that come and go all the time. */
export interface FewMessages {
  readonly size: number;
  has: (id: MessageId, text: string) => boolean;
  add: (id: MessageId, text: string) => void;
  /** One of them, if there are several that are the same. */
  delete: (id: MessageId, text: string) => void;
}

/**
 * Two arrays. A Set lays its table out anew every few deletions, and the old table refers to the new one: once one table
 * has grown old, the garbage collector keeps all that follow it alive for its sake. At thousands of messages per second
 * that alone took a tenth of the gateway's CPU. The texts are in memory anyway, for as long as their messages wait.
 */
export function makeFewMessages(): FewMessages {
  const ids: MessageId[] = [];
  const texts: string[] = [];
  const find = (id: MessageId, text: string): number => {
    let at = ids.indexOf(id);
    while (at >= 0 && texts[at] !== text) at = ids.indexOf(id, at + 1);
    return at;
  };
  return {
    get size() {
      return ids.length;
    },
    has: (id, text) => find(id, text) >= 0,
    add: (id, text) => {
      ids.push(id);
      texts.push(text);
    },
    delete: (id, text) => {
      const at = find(id, text);
      if (at < 0) return;
      ids.splice(at, 1);
      texts.splice(at, 1);
    },
  };
}
