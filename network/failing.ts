import { DevsenError } from '../core/errors.ts';
import { asChainError } from '../runtime/chain.ts';
import { makePaint } from './terminal.ts';

/**
 * Ends the process with exit code 1, and says why in a line: what we know or what the chain said, never a trace for
 * what the caller can mend.
 */
export function failWith(error: unknown): never {
  const paint = makePaint(process.stderr);
  process.stderr.write(`${paint('bad', 'Failed:')} ${reasonOf(error)}\n`);
  process.exit(1);
}

function reasonOf(error: unknown): string {
  if (error instanceof DevsenError) return error.message;
  const { code, message, stack, shortMessage } = error as NodeJS.ErrnoException & { shortMessage?: string };
  // What `parseArgs` throws for a flag it does not know.
  if (code?.startsWith('ERR_PARSE_ARGS')) return message;
  if (shortMessage !== undefined) return asChainError(error).message;
  return stack ?? message ?? String(error);
}
