import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const INTERFACES = join(import.meta.dirname, '..', '..', 'contracts', 'interfaces');

/** One declaration of an interface: its signature on one line, and its NatSpec. */
interface Item {
  kind: string;
  signature: string;
  tags: { tag: string; text: string }[];
}

/** `docs/contracts.md`: every interface of the contracts as its NatSpec describes it. */
export function contractsDocument(): string {
  const files = readdirSync(INTERFACES).sort();
  return [
    '# Contracts',
    '',
    'What the interfaces in `contracts/interfaces` say of themselves. Written by `npm run docs`.',
    '',
    ...files.flatMap((file) => describeInterface(readFileSync(join(INTERFACES, file), 'utf8'))),
  ].join('\n');
}

function describeInterface(source: string): string[] {
  const [head, ...items] = itemsOf(source);
  if (head === undefined) return [];
  const name = /interface (\w+)/.exec(head.signature)?.[1] ?? '';
  const sections = [
    ['Functions', 'function'],
    ['Events', 'event'],
    ['Errors', 'error'],
    ['Types', 'enum', 'struct'],
  ].flatMap(([title, ...kinds]) => {
    const listed = items.filter(({ kind }) => kinds.includes(kind));
    return listed.length === 0 ? [] : [`### ${title}`, '', ...listed.map(describe), ''];
  });
  const intro = head.tags.map(({ tag, text }) => (tag === 'title' ? `**${text}.**` : text));
  return [`## ${name}`, '', ...intro.flatMap((text) => [text, '']), ...sections];
}

function describe({ signature, tags }: Item): string {
  const lines = tags.map(({ tag, text }) => {
    const [name = '', ...rest] = text.split(' ');
    if (tag === 'param' || tag === 'return')
      return `  - ${tag === 'return' ? 'returns ' : ''}\`${name}\`: ${rest.join(' ')}`;
    return `  ${text}`;
  });
  return [`- \`${signature}\``, ...lines].join('\n');
}

/** Declarations that NatSpec stands before, in order; the interface itself is the first. */
function itemsOf(source: string): Item[] {
  const blocks = source.matchAll(
    /((?:^[ \t]*\/\/\/.*\n)+)((?:^[ \t]*\/\/ .*\n)*)(interface[^{]*\{|[^;{]*(?:;|\{[^}]*))/gm,
  );
  return [...blocks].map(([, comment = '', , code = '']) => {
    const kind = /^\s*(\w+)/.exec(code)?.[1] ?? '';
    const isOpen = kind === 'interface';
    const signature = (
      isOpen ? code.slice(0, code.indexOf('{')) : kind === 'struct' || kind === 'enum' ? `${code}}` : code
    )
      .replace(/\/\/.*$/gm, '')
      .replace(/\s+/g, ' ')
      .replace(/ ?;$/, '')
      .replace(/\( /g, '(')
      .replace(/ \)/g, ')')
      .trim();
    return { kind, signature, tags: tagsOf(comment) };
  });
}

function tagsOf(comment: string): Item['tags'] {
  const text = comment
    .split('\n')
    .map((line) => line.replace(/^\s*\/\/\/ ?/, ''))
    .join('\n');
  return [...text.matchAll(/@(\w+) ([^@]*(?:@(?!title|notice|dev|param|return|inheritdoc)[^@]*)*)/g)].map(
    ([, tag = '', words = '']) => ({ tag, text: words.replace(/\s+/g, ' ').trim() }),
  );
}
