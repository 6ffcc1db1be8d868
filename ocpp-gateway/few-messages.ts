import type { MessageId } from './frame.ts';

/** A message of a charger. */
interface Message {
  call: { messageId: MessageId };
  /** Its exact text. */
  text: string;
}

/** A few messages on their way that come and go all the time; mostly there is one at the most. */
export interface FewMessages<Kept extends Message = Message> {
  readonly size: number;
  /** Whether there is one of that id and text. */
  has: (id: MessageId, text: string) => boolean;
  add: (message: Kept) => void;
  /** The very object that was added; others may be the same. */
  delete: (message: Kept) => void;
  /** Called after each deletion. */
  onDeleted: (() => void) | undefined;
}

export function makeFewMessages<Kept extends Message>(): FewMessages<Kept> {
  return new FirstAndRest();
}

/**
 * Not a Set, which lays its table out anew every few deletions, and whose old table refers to the new one: once one table has
 * grown old, the garbage collector keeps all that follow it alive for its sake. At thousands of messages per second that
 * alone took a tenth of the gateway's CPU.
 *
 * A class, since an object with a getter of its own is of a kind of its own, which no compiler knows how to read fast.
 */
class FirstAndRest<Kept extends Message> implements FewMessages<Kept> {
  size = 0;
  onDeleted: (() => void) | undefined;
  private first: Kept | undefined;
  private rest: Kept[] | undefined;

  has(id: MessageId, text: string): boolean {
    if (this.size === 0) return false;
    const isIt = (one: Kept) => one.text === text && one.call.messageId === id;
    return (this.first !== undefined && isIt(this.first)) || (this.rest?.some(isIt) ?? false);
  }

  add(message: Kept): void {
    this.size++;
    if (this.first === undefined) this.first = message;
    else {
      this.rest ??= [];
      this.rest.push(message);
    }
  }

  delete(message: Kept): void {
    if (this.first === message) this.first = undefined;
    else {
      const at = this.rest?.indexOf(message) ?? -1;
      if (at < 0) return;
      this.rest?.splice(at, 1);
    }
    this.size--;
    this.onDeleted?.();
  }
}
