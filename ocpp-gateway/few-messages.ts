import type { MessageId } from './frame.ts';

/** A few messages on their way, by id and exact text, that come and go all the time. */
export interface FewMessages {
  readonly size: number;
  has: (id: MessageId, text: string) => boolean;
  add: (id: MessageId, text: string) => void;
  /** One of them, if there are several that are the same. */
  delete: (id: MessageId, text: string) => void;
}

export function makeFewMessages(): FewMessages {
  return new TwoArrays();
}

/**
 * A Set lays its table out anew every few deletions, and the old table refers to the new one: once one table has grown old,
 * the garbage collector keeps all that follow it alive for its sake. At thousands of messages per second that alone took a
 * tenth of the gateway's CPU. The texts are in memory anyway, for as long as their messages wait.
 *
 * It is a class as an object with a getter of its own is of a kind of its own, which no compiler knows how to read fast.
 */
class TwoArrays implements FewMessages {
  private readonly ids: MessageId[] = [];
  private readonly texts: string[] = [];

  get size(): number {
    return this.ids.length;
  }

  has(id: MessageId, text: string): boolean {
    return this.find(id, text) >= 0;
  }

  add(id: MessageId, text: string): void {
    this.ids.push(id);
    this.texts.push(text);
  }

  delete(id: MessageId, text: string): void {
    const at = this.find(id, text);
    if (at < 0) return;
    // The last one takes its place: they are in no order.
    const [lastId, lastText] = [this.ids.pop() as MessageId, this.texts.pop() as string];
    if (at === this.ids.length) return;
    this.ids[at] = lastId;
    this.texts[at] = lastText;
  }

  private find(id: MessageId, text: string): number {
    let at = this.ids.indexOf(id);
    while (at >= 0 && this.texts[at] !== text) at = this.ids.indexOf(id, at + 1);
    return at;
  }
}
