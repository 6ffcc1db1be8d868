import type { DevsenError } from '../core/errors.ts';
import type { Logger } from './log.ts';

/** Something that was started and can be stopped once; `close` settles when nothing of it is left. */
export interface Running {
  close: () => Promise<void>;
}

/**
 * Runs one part as a process: starts it, and on SIGTERM or SIGINT closes it and exits 0.
 * A failed start or an escaped error is logged and exits 1; a second signal exits at once.
 */
export async function runAsProcess(log: Logger, start: () => Promise<Running>): Promise<void> {
  const fail = (error: unknown) => {
    log.fatal({ err: error }, 'stopped by an error');
    log.flush?.(() => process.exit(1));
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const running = await start();
  let isStopping = false;
  const stop = (signal: string) => {
    if (isStopping) process.exit(1);
    isStopping = true;
    log.info({ signal }, 'stopping');
    running.close().then(() => process.exit(0), fail);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** Prints why the settings are wrong and ends the process with exit code 2. */
export function exitForSettings(error: DevsenError): never {
  process.stderr.write(`Wrong settings:\n${error.message.replace(/^/gm, '  ')}\n`);
  process.exit(2);
}
