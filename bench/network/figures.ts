/** Where something stood on the chain: its block, and when it was seen there, ms on a clock that only grows. */
export interface Seen {
  block: number;
  atMs: number;
}

/** The middle of many, and what nine and 99 of a hundred are not above. */
export interface Spread {
  median: number;
  p90: number;
  p99: number;
}

/** @param values - at least one, in any order */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.max(Math.ceil(sorted.length * part) - 1, 0)] ?? Number.NaN;
  return { median: at(0.5), p90: at(0.9), p99: at(0.99) };
}

/** How long answers took. */
export interface Waits {
  blocks: Spread;
  /** s */
  seconds: Spread;
}

/** From requests to answers. @param pairs - at least one */
export function waitsOf(pairs: readonly (readonly [asked: Seen, answered: Seen])[]): Waits {
  return {
    blocks: spreadOf(pairs.map(([asked, answered]) => answered.block - asked.block)),
    seconds: spreadOf(pairs.map(([asked, answered]) => Math.round(answered.atMs - asked.atMs) / 1_000)),
  };
}

/** Waits as a table for people. */
export function waitsTable(waits: Readonly<Record<string, Waits>>): string {
  const lines = [`${''.padEnd(34)}${['median', '90 of 100', '99 of 100'].map((each) => each.padStart(11)).join('')}`];
  for (const [name, { blocks, seconds }] of Object.entries(waits)) {
    lines.push(row(`${name}, blocks`, blocks, 0), row(`${name}, s`, seconds, 1));
  }
  return lines.join('\n');
}

function row(name: string, { median, p90, p99 }: Spread, digits: number): string {
  return `${name.padEnd(34)}${[median, p90, p99].map((value) => value.toFixed(digits).padStart(11)).join('')}`;
}

/** Gas as a table for people: of one session by its steps, and of all of them. */
export function gasTable(gas: Readonly<Record<string, number>>): string {
  const all = Object.values(gas).reduce((sum, each) => sum + each, 0);
  return Object.entries({ ...gas, 'a whole session': all })
    .map(([name, each]) => `${name.padEnd(34)}${Math.round(each).toLocaleString('en').padStart(11)} gas`)
    .join('\n');
}
