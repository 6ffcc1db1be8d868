import type { DevsenError } from '../core/errors.ts';
import type { Logger } from './log.ts';

/** Something that was started and can be stopped once; `close` settles when nothing of it is left. */
export interface Running {
  close: () => Promise<void>;
}

/**
 * Runs one part as a process: starts it, and on SIGTERM or SIGINT closes it and exits 0.
 * A signal while it still starts exits 0 at once, a second one while it closes exits 1 at once.
 * A failed start or an escaped error is logged and exits 1.
 */
export async function runAsProcess(log: Logger, start: () => Promise<Running>): Promise<void> {
  const fail = (error: unknown) => {
    log.fatal({ err: error }, 'stopped by an error');
    log.flush?.(() => process.exit(1));
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  let running: Running | undefined;
  let isStopping = false;
  const stop = (signal: string) => {
    if (isStopping) process.exit(1);
    isStopping = true;
    log.info({ signal }, 'stopping');
    if (running === undefined) process.exit(0);
    running.close().then(() => process.exit(0), fail);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  running = await start();
}

/** Prints why the settings are wrong and ends the process with exit code 2. */
export function exitForSettings(error: DevsenError): never {
  process.stderr.write(`Wrong settings:\n${error.message.replace(/^/gm, '  ')}\n`);
  process.exit(2);
}
