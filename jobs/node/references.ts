import { Fault, fromJson, isMap, makeMap, type Value, type ValueMap } from './values.ts';

const REFERENCE = /\$\(\s*([a-zA-Z0-9_.]+)\s*\)/g;
const KEY_OF_REFERENCE = '__devsen_reference__';

/** The paths of all `$(a.b)` in a text, in their order. */
export function referencesIn(text: string): string[] {
  return Array.from(text.matchAll(REFERENCE), (match) => match[1] as string);
}

/** The path if the text is one reference and nothing else, as in `$(a.b.0)`. */
export function soleReference(text: string): string | undefined {
  const trimmed = text.trim();
  const match = /^\$\(\s*([a-zA-Z0-9_.]+)\s*\)$/.exec(trimmed);
  return match?.[1];
}

/**
 * The value at a path such as `fetch.data.0`.
 *
 * @throws Error naming the path if there is nothing
 */
export function valueAt(vars: ValueMap, path: string): Value {
  let value: Value = vars;
  for (const part of path.split('.')) {
    let next: Value | undefined;
    if (Array.isArray(value) && /^\d+$/.test(part)) next = value[Number(part)];
    else if (isMap(value) && Object.hasOwn(value, part)) next = value[part];
    if (next === undefined) throw new Error(`$(${path}) leads to nothing`);
    value = next;
  }
  return value;
}

/**
 * JSON in which references stand for values, as in `{"id": $(decode_log.requestId)}`.
 *
 * @param allowFaults - whether a referenced task may have failed; its fault is then put in place
 * @throws Error if it is no JSON, a reference leads to nothing, or a failed task is referenced and may not be
 */
export function interpolateJson(text: string, vars: ValueMap, allowFaults: boolean): Value {
  const json = text.replace(REFERENCE, (_whole, path: string) => JSON.stringify({ [KEY_OF_REFERENCE]: path }));
  let parsed: Value;
  try {
    parsed = fromJson(json);
  } catch (error) {
    throw new Error(`no JSON: ${(error as Error).message}`);
  }
  return fill(parsed, vars, allowFaults);
}

function fill(value: Value, vars: ValueMap, allowFaults: boolean): Value {
  if (Array.isArray(value)) return value.map((entry) => fill(entry, vars, allowFaults));
  if (!isMap(value)) return value;
  const path = value[KEY_OF_REFERENCE];
  if (path === undefined) {
    return makeMap(Object.entries(value).map(([key, entry]) => [key, fill(entry, vars, allowFaults)]));
  }
  const found = valueAt(vars, String(path));
  if (found instanceof Fault && !allowFaults) throw new Error(`$(${String(path)}) failed: ${found.message}`);
  return found;
}
