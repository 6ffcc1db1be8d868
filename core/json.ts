/** A parsed JSON object whose fields are yet to be looked at. */
export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Objects and arrays within one another: several times as many as any message of OCPP has. */
const MOST_NESTED = 64;

/**
 * Whether a parsed JSON value nests deeper than any message of OCPP. `JSON.parse` bears any depth; much that walks its
 * values, `JSON.stringify` first, calls itself at each level, and a message of 100 kB is enough to overflow the stack.
 */
export function isTooDeep(value: unknown, most = MOST_NESTED): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (most === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isTooDeep(item, most - 1));
  for (const name in value) if (isTooDeep((value as JsonObject)[name], most - 1)) return true;
  return false;
}

/** Whether a JSON text has brackets enough to nest too deep: sooner said of most texts than whether its value does. */
export function mayBeTooDeep(text: string): boolean {
  let opened = 0;
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++opened > MOST_NESTED) return true;
    }
  }
  return false;
}

const BYTE_ORDER_MARK = 0xfeff;

/** What a charger's text says: some begin it with a byte order mark. Throws SyntaxError as `JSON.parse` does. */
export function parseText(text: string): unknown {
  return JSON.parse(withoutMark(text));
}

export function withoutMark(text: string): string {
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

/** Whether the value is a whole number that a double holds exactly. */
export function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

/** `{ [name]: value }` if the value is text, else nothing: for spreading into a fact. */
export function optionalText<Name extends string>(name: Name, value: unknown): { [Key in Name]?: string } {
  return typeof value === 'string' ? ({ [name]: value } as { [Key in Name]?: string }) : {};
}
