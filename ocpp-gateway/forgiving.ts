import { isObject } from '../core/json.ts';
import { isAbsent, numberIn, registerIn, textIn, wholeIn } from '../core/meant-value.ts';
import type { Payload } from './dialect.ts';

/** One place at which a payload breaks its schema, as a JSON schema validator tells it. */
export interface SchemaBreak {
  /** JSON pointer; its names are the schema's. */
  instancePath: string;
  keyword: string;
  params: Record<string, unknown>;
}

/** Every place at which a payload breaks its schema; beyond `MOST_BREAKS` some of them, and more than that. */
export type BreaksOf = (payload: unknown) => readonly SchemaBreak[];

export interface Forgiven {
  /** Passes the schema, but for times, which stay as the charger wrote them. */
  payload: Payload;
  /** What was forgiven: path in the schema and keyword, never a value. */
  what: string[];
}

/** Removing what is not optional takes what it is a part of along in the next round; no schema is deeper. */
const MOST_ROUNDS = 16;
/** In all rounds. What costs so much more than its plain check is no charger's slip. */
export const MOST_BREAKS = 12_000;

/** Registers are rounded down; any other number that is to be whole is an id or a count, which is not to be guessed. */
const REGISTERS: ReadonlySet<string> = new Set(['meterStart', 'meterStop']);

/** What makes a request stricter: without it a card would be asked about that is not enough, or another certificate. */
const UNFORGIVABLE: ReadonlySet<string> = new Set(['certificate', 'certificateType', 'iso15118CertificateHashData']);

/** Where a transaction is: operators take it for unusable where that cannot be read. */
const UNFORGIVABLE_PLACE = '/evse/id';

/** Stands in for a time that is none, so that all else can be checked. */
const SOME_TIME = '1970-01-01T00:00:00Z';

type Holder = Record<string, unknown>;

/**
 * What is left of a payload that breaks its schema: numbers in quotes and texts without them are what they stand for, and
 * else whatever breaks the schema is left out, with what it is a necessary part of. A time that cannot be read is no reason
 * to leave anything out: readers take it for uncertain.
 *
 * Pure and total; the payload given stays as it is. Operators read the exact frame by themselves, and take out of it no
 * more than is certain (`deriveFacts`).
 *
 * @returns undefined if nothing is left that passes
 */
export function forgive(payload: unknown, breaksOf: BreaksOf): Forgiven | undefined {
  const root: Holder = { '': payload };
  const owned = new Set<object>([root]);
  const what = new Set<string>();
  const times: { holder: Holder; name: string; text: string }[] = [];
  let told = 0;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const breaks = breaksOf(root['']);
    if (breaks.length === 0) {
      for (const { holder, name, text } of times) holder[name] = text;
      return isObject(root['']) ? { payload: root[''], what: [...what] } : undefined;
    }
    told += breaks.length;
    if (told > MOST_BREAKS) return undefined;
    const lists = new Set<unknown[]>();
    const seen = new Set<string>();
    for (const { instancePath, keyword, params } of breaks) {
      if (seen.has(instancePath) && keyword !== 'additionalProperties') continue;
      seen.add(instancePath);
      what.add(`${instancePath.replace(/\/\d+(?=\/|$)/g, '/*')} ${keyword}`.trim());
      const names = instancePath.split('/');
      const name = keyword === 'additionalProperties' ? (params.additionalProperty as string) : (names.pop() as string);
      const holder = holderOf(root, names, owned);
      // What it was a part of is gone already.
      if (holder === undefined) continue;
      if (keyword === 'additionalProperties') {
        delete holder[name];
        continue;
      }
      const value = holder[name];
      const meant = keyword === 'type' ? meantBy(value, name, params.type) : undefined;
      if (meant !== undefined) holder[name] = meant;
      else if (params.format === 'date-time' && !Array.isArray(holder)) {
        times.push({ holder, name, text: String(value) });
        holder[name] = SOME_TIME;
      } else if (holder === root) return undefined;
      else if (!isAbsent(value) && isUnforgivable(instancePath)) return undefined;
      else if (Array.isArray(holder)) {
        lists.add(holder);
        holder[Number(name)] = GONE;
      } else delete holder[name];
    }
    lists.forEach(closeGaps);
  }
  return undefined;
}

/** @param path - JSON pointer */
function isUnforgivable(path: string): boolean {
  return path === UNFORGIVABLE_PLACE || path.split('/').some((name) => UNFORGIVABLE.has(name));
}

const GONE = Symbol('gone');

function closeGaps(list: unknown[]): void {
  let kept = 0;
  for (const item of list) if (item !== GONE) list[kept++] = item;
  list.length = kept;
}

/** What stands at the end of a path, all of it our own copies; undefined if it is not there any more. */
function holderOf(root: Holder, names: readonly string[], owned: Set<object>): Holder | undefined {
  let holder = root;
  for (const name of names) {
    const child = holder[name];
    if (typeof child !== 'object' || child === null) return undefined;
    const own = owned.has(child) ? child : Array.isArray(child) ? [...child] : { ...child };
    owned.add(own);
    holder[name] = own;
    holder = own as Holder;
  }
  return holder;
}

/** What a value of another type stands for; undefined where that is not certain. */
function meantBy(value: unknown, name: string, type: unknown): number | string | undefined {
  if (type === 'integer') return wholeIn(value) ?? (REGISTERS.has(name) ? registerIn(value) : undefined);
  if (type === 'number') return numberIn(value);
  return type === 'string' ? textIn(value) : undefined;
}
