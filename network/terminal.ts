import { styleText } from 'node:util';

/** What a piece of text is, from which its colour follows. */
export type Tone = 'good' | 'bad' | 'warn' | 'name' | 'faint' | 'strong';

export type Paint = (tone: Tone, text: string) => string;

const STYLES = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  name: 'cyan',
  faint: 'gray',
  strong: 'bold',
} as const satisfies Record<Tone, Parameters<typeof styleText>[0]>;

/** Colours on a terminal that shows them; elsewhere, or where NO_COLOR is set, the bare text. */
export function makePaint(stream: NodeJS.WriteStream): Paint {
  return (tone, text) => styleText(STYLES[tone], text, { stream });
}

export const plainPaint: Paint = (_tone, text) => text;

/** Writes the account of what happens, line by line. */
export interface Terminal {
  paint: Paint;
  /** Lines as they are. */
  print: (text: string) => void;
  /** Something that happened, with the time of day before it. */
  tell: (text: string) => void;
  /** Does a step of the set-up and says how long it took, or that it failed. */
  step: <T>(what: string, work: () => Promise<T>) => Promise<T>;
}

export function makeTerminal(stream: NodeJS.WriteStream): Terminal {
  const paint = makePaint(stream);
  const print = (text: string) => void stream.write(`${text}\n`);
  return {
    paint,
    print,
    tell: (text) => print(`${paint('faint', timeOfDay(new Date()))}  ${text}`),
    step: async (what, work) => {
      const startedMs = performance.now();
      try {
        const result = await work();
        const took = `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
        print(`${paint('good', '✓')} ${what} ${paint('faint', took)}`);
        return result;
      } catch (error) {
        print(`${paint('bad', '✗')} ${what}`);
        throw error;
      }
    },
  };
}

function timeOfDay(date: Date): string {
  return date.toTimeString().slice(0, 8);
}
