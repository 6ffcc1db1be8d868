const RESULT_HEAD = /^\s*\[\s*3\s*,\s*"(?:[^"\\]|\\.)*"\s*,/;

/**
 * The payload of a CALLRESULT as the station wrote it.
 *
 * @param text - the frame's exact text
 * @param payload - what was parsed of it: stands in where the frame has more elements than it should
 */
export function resultText(text: string, payload: object): string {
  const [head] = RESULT_HEAD.exec(text) ?? [];
  const written = head === undefined ? '' : text.slice(head.length, text.lastIndexOf(']')).trim();
  return isJson(written) ? written : JSON.stringify(payload);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
