import { DevsenError } from '../../core/errors.ts';

/** A wrong job spec, saying where and what was expected: `charger-status.toml:12: expected …`. */
export function specError(file: string, line: number, what: string, cause?: unknown): DevsenError {
  return new DevsenError('JOB_SPEC_INVALID', `${file}:${line}: ${what}`, cause === undefined ? {} : { cause });
}

const UNITS_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a Go duration such as `30s`, `1m30s`, `500ms` or `0`; undefined if it is none. */
export function parseDurationMs(text: string): number | undefined {
  if (/^0+$/.test(text)) return 0;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let sumMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    sumMs += Number(amount) * (UNITS_MS[unit as string] as number);
  }
  return sumMs;
}
