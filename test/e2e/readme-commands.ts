/** The commands of `devsen` in a document's shell blocks, in their order: each as the arguments a shell would make of it. */
export function devsenCommands(markdown: string): string[][] {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.split('\n'))
    .map((line) => shellWords(line))
    .filter(([npx, name]) => npx === 'npx' && name === 'devsen')
    .map((words) => words.slice(2));
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
