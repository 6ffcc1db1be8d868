import { makePaint, type Paint } from '../terminal.ts';
import type { Streams } from './session.ts';

/** What a command shows: text for people, or one line of JSON for programs, never both. */
export interface Output {
  paint: Paint;
  isJson: boolean;
  /** The result: with `--json` the value, else what `asText` makes of it. */
  result: (value: unknown, asText: () => string) => void;
  /** How far it is, for people, on the standard error output. */
  progress: (text: string) => void;
}

export function makeOutput({ out, err }: Streams, isJson: boolean): Output {
  return {
    paint: makePaint(out as NodeJS.WriteStream),
    isJson,
    result: (value, asText) => void out.write(`${isJson ? JSON.stringify(value, plain) : asText()}\n`),
    progress: (text) => {
      if (!isJson) err.write(`${text}\n`);
    },
  };
}

/** Amounts and ids can be larger than a JSON number holds exactly: they are decimal texts. */
function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Rows below their headings, each column as wide as its widest cell; `none` where there is no row. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], none: string): string {
  if (rows.length === 0) return none;
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names and values, one a line. */
export function facts(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
