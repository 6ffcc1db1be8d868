import { type Logger, pino } from 'pino';

export type { Logger };

/** Field names whose values never reach a log, at any depth up to three. */
const SECRET_FIELDS = [
  'idTag',
  'parentIdTag',
  'password',
  'authorization',
  'privateKey',
  'token',
  'pepper',
  'rpcUrl',
  'redisUrl',
];

/** One JSON line per entry on standard output: `part` names the process, secrets are cut out. */
export function makeLog(part: string, level: string): Logger {
  // Written at once: what waits to be written when the process ends would come out of order.
  const destination = pino.destination({ dest: 1, sync: true });
  return pino(
    {
      level,
      base: { part },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '[cut]' },
    },
    destination,
  );
}
