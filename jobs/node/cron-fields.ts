import type { WallTime } from './wall-clock.ts';

/** What a cron expression asks of the clock on the wall. */
export interface WallFields {
  seconds: ReadonlySet<number>;
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  isDay: (wall: Pick<WallTime, 'month' | 'day' | 'weekday'>) => boolean;
}

interface Field {
  name: string;
  least: number;
  most: number;
  /** Names for values, from `least` on. */
  names?: readonly string[];
}

const SECOND: Field = { name: 'second', least: 0, most: 59 };
const MINUTE: Field = { name: 'minute', least: 0, most: 59 };
const HOUR: Field = { name: 'hour', least: 0, most: 23 };
const DAY: Field = { name: 'day of the month', least: 1, most: 31 };
const MONTH: Field = {
  name: 'month',
  least: 1,
  most: 12,
  names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' '),
};
const WEEKDAY: Field = { name: 'day of the week', least: 0, most: 6, names: 'sun mon tue wed thu fri sat'.split(' ') };

/**
 * Reads five or six fields: second (0 where it is left out), minute, hour, day of the month, month, day of the week.
 * Each is `*`, `?`, a value, a range `a-b`, any of them with a step `/n`, or a list of those.
 *
 * Where both days are given, either will do.
 *
 * @throws Error saying what was expected
 */
export function readFields(parts: readonly string[]): WallFields {
  if (parts.length !== 5 && parts.length !== 6) throw new Error(`5 or 6 fields, not ${parts.length}`);
  const [second, minute, hour, day, month, weekday] = (parts.length === 5 ? ['0', ...parts] : parts) as string[];
  const days = readField(day as string, DAY);
  const months = readField(month as string, MONTH);
  const weekdays = readField(weekday as string, WEEKDAY);
  const isAny = days.isAny || weekdays.isAny;
  return {
    seconds: readField(second as string, SECOND).values,
    minutes: readField(minute as string, MINUTE).values,
    hours: readField(hour as string, HOUR).values,
    isDay: (wall) => {
      const isOfMonth = days.values.has(wall.day);
      const isOfWeek = weekdays.values.has(wall.weekday);
      return months.values.has(wall.month) && (isAny ? isOfMonth && isOfWeek : isOfMonth || isOfWeek);
    },
  };
}

/** @returns the values, and whether the field says nothing */
function readField(text: string, field: Field): { values: Set<number>; isAny: boolean } {
  const values = new Set<number>();
  let isAny = false;
  for (const item of text.split(',')) {
    const [range = '', stepText, ...more] = item.split('/');
    const step = stepText === undefined ? 1 : Number(stepText);
    if (more.length > 0 || !Number.isInteger(step) || step < 1) throw wrong(item, field);
    const isStar = range === '*' || range === '?';
    const [from, to] = isStar ? [field.least, field.most] : ends(range, stepText !== undefined, item, field);
    if (from > to) throw wrong(item, field);
    for (let value = from; value <= to; value += step) values.add(value);
    if (isStar && step === 1) isAny = true;
  }
  return { values, isAny };
}

function ends(range: string, hasStep: boolean, item: string, field: Field): [number, number] {
  const [first = '', last, ...more] = range.split('-');
  if (more.length > 0) throw wrong(item, field);
  const from = fieldValue(first, item, field);
  if (last !== undefined) return [from, fieldValue(last, item, field)];
  return [from, hasStep ? field.most : from];
}

function fieldValue(text: string, item: string, field: Field): number {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1;
  const value = named >= 0 ? field.least + named : Number(/^\d{1,2}$/.test(text) ? text : Number.NaN);
  if (!(value >= field.least && value <= field.most)) throw wrong(item, field);
  return value;
}

function wrong(item: string, field: Field): Error {
  return new Error(`${field.name} from ${field.least} to ${field.most}, not "${item}"`);
}
