/** Where a bridge task sends its question. */
export interface Bridge {
  url: string;
  /** Sent as `Authorization: Bearer …`; empty for none. */
  token: string;
}

const NAME = /^[a-z0-9_-]{1,64}$/;

/**
 * Reads bridges from JSON: `{"name": {"url": "https://…", "token": "…"}}`; the token may be left out.
 *
 * @throws Error saying what was expected, without repeating the value
 */
export function asBridges(text: string): Record<string, Bridge> {
  const expected = 'expected JSON: {"name": {"url": "http://… or https://…", "token": "…"}}';
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw new Error(expected);
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw new Error(expected);
  const bridges: Record<string, Bridge> = {};
  for (const [name, value] of Object.entries(raw as Record<string, { url?: unknown; token?: unknown }>)) {
    const url = value?.url;
    const token = value?.token ?? '';
    if (!NAME.test(name)) throw new Error('expected bridge names of lower-case letters, digits, _ and -');
    if (typeof url !== 'string' || !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
      throw new Error(expected);
    if (typeof token !== 'string') throw new Error(expected);
    bridges[name] = { url, token };
  }
  return bridges;
}
