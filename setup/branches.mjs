/**
 * Branches of Solidity sources, made visible to a coverage that knows lines only: each condition of an `if` or `?:` goes
 * through a function of its own, with one line for either way. The source's own lines stay where they are.
 */
import { createRequire } from 'node:module';

const LINES_PER_BRANCH = 7;

/**
 * @param name - what the helper library is told apart by: letters and digits
 * @param source - a Solidity source
 * @returns the source with its conditions watched, and for each the line it stands on and the lines of its two ways
 */
export function watchBranches(name, source) {
  const conditions = conditionsIn(source);
  if (conditions.length === 0) return { source, branches: [] };
  const library = `Branches${name}`;
  const bytes = Buffer.from(source);
  const inserts = conditions.flatMap(({ from, to }, i) => [
    { at: from, text: `${library}.at${i}(`, size: to - from },
    { at: to, text: ')', size: from - to },
  ]);
  // Of two that begin together the longer goes outside.
  inserts.sort((one, other) => one.at - other.at || other.size - one.size);
  let watched = '';
  let done = 0;
  for (const { at, text } of inserts) {
    watched += bytes.subarray(done, at) + text;
    done = at;
  }
  watched += bytes.subarray(done);
  if (!watched.endsWith('\n')) watched += '\n';

  const firstLine = watched.split('\n').length + 1;
  const functions = conditions.map(
    (_, i) => `function at${i}(bool value) internal pure returns (bool) {
if (value) {
value = true;
} else {
value = false;
}
return value; }
`,
  );
  const branches = conditions.map(({ from }, i) => ({
    line: bytes.subarray(0, from).toString().split('\n').length,
    ifTrue: firstLine + LINES_PER_BRANCH * i + 2,
    ifFalse: firstLine + LINES_PER_BRANCH * i + 4,
  }));
  return { source: `${watched}library ${library} {\n${functions.join('')}}\n`, branches };
}

/** Where the conditions of a source are, in bytes, in the order in which they stand. */
function conditionsIn(source) {
  const solc = createRequire(import.meta.url)('solc');
  const input = {
    language: 'Solidity',
    sources: { source: { content: source } },
    settings: { stopAfter: 'parsing', outputSelection: { '*': { '': ['ast'] } } },
  };
  const { ast } = JSON.parse(solc.compile(JSON.stringify(input))).sources.source;
  const found = [];
  const visit = (node) => {
    if (node === null || typeof node !== 'object') return;
    if (node.nodeType === 'IfStatement' || node.nodeType === 'Conditional') {
      const [from, length] = node.condition.src.split(':').map(Number);
      found.push({ from, to: from + length });
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(ast);
  return found.sort((one, other) => one.from - other.from);
}
