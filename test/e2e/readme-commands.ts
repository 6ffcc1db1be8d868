/** A command as a document has it: the npm script it calls, `devsen` among them, and the arguments a shell would make of it. */
export interface ReadmeCommand {
  script: string;
  args: string[];
}

/** The commands in a document's shell blocks, in their order; those with `<placeholders>` are left out. */
export function readmeCommands(markdown: string): ReadmeCommand[] {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.split('\n'))
    .map(shellWords)
    .filter((words) => !words.some((word) => /<[^>]+>/.test(word)))
    .flatMap(([tool, name = '', ...rest]) => {
      if (tool === 'npx' && name === 'devsen') return [{ script: name, args: rest }];
      const [script = '', dashes, ...args] = rest;
      return tool === 'npm' && name === 'run' && (dashes === undefined || dashes === '--') ? [{ script, args }] : [];
    });
}

/** Words of one line, with quotes as in a shell; what follows a `#` is a comment. */
function shellWords(line: string): string[] {
  const words: string[] = [];
  for (const [whole, single, double, plain] of line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)) {
    if (whole.startsWith('#')) break;
    words.push(single ?? double ?? plain ?? '');
  }
  return words;
}
