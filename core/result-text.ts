/**
 * The payload of a CALLRESULT as the station wrote it: the third element of the frame.
 *
 * @param text - the frame's exact text: a JSON array that has a third element
 */
export function resultText(text: string): string {
  let depth = 0;
  let commas = 0;
  let start = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (isInString) {
      if (char === '\\') at++;
      else if (char === '"') isInString = false;
    } else if (char === '"') isInString = true;
    else if (char === '[' || char === '{') depth++;
    else if (char === ']' || char === '}') depth--;
    const isComma = char === ',' && depth === 1 && !isInString;
    if ((depth === 0 && commas === 2) || (isComma && ++commas === 3)) return text.slice(start, at).trim();
    if (isComma && commas === 2) start = at + 1;
  }
  return '';
}
