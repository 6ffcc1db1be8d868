/** A command line as a document has it. */
export interface ReadmeCommand {
  /** As it is written, in one line and without its comment. */
  line: string;
  /** Settings that stand before the command, as in `NAME=value npm run …`. */
  env: Record<string, string>;
  /** The command and its arguments, as a shell would make them of the line. */
  words: string[];
  /** What is then typed into it: the lines after it that begin with `> `. */
  typed: string[];
}

/** The commands in a document's shell blocks, and those after a `$ ` in its other blocks, in their order. */
export function readmeCommands(markdown: string): ReadmeCommand[] {
  const commands: ReadmeCommand[] = [];
  for (const [, language, block = ''] of markdown.matchAll(/^```(\w*)\n(.*?)^```/gms)) {
    for (const line of block.replaceAll(/\s*\\\n\s*/g, ' ').split('\n')) {
      if (language === 'sh' && line.startsWith('> ')) commands.at(-1)?.typed.push(line.slice(2));
      else if (language === 'sh') commands.push(...read(line));
      else if (language === '' && line.startsWith('$ ')) commands.push(...read(line.slice(2)));
    }
  }
  return commands;
}

function read(line: string): ReadmeCommand[] {
  const bare = /^(?:'[^']*'|"[^"]*"|<[^>]*>|[^'"#]|(?<=\S)#)*/.exec(line)?.[0].trim() ?? '';
  if (bare === '') return [];
  const all = [...bare.matchAll(/(?:'[^']*'|"[^"]*"|<[^>]*>|[^'"\s])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double),
  );
  const count = all.findIndex((word) => !/^[A-Z_]+=/.test(word));
  const settings = count === -1 ? all : all.slice(0, count);
  const env = Object.fromEntries(settings.map((word) => word.split(/=(.*)/s, 2) as [string, string]));
  return [{ line: bare, env, words: all.slice(settings.length), typed: [] }];
}
