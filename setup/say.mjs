/** One line for whoever runs this, on standard error: standard output belongs to the command itself. */
export function say(line) {
  process.stderr.write(`devsen: ${line}\n`);
}

/** What went wrong and what to do about it; `run.mjs` prints the message alone and exits 1. */
export class SetupError extends Error {}
