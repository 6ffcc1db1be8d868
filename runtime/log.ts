import { type DestinationStream, type Logger, pino } from 'pino';

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

const URL_IN_TEXT = /\b(https?|wss?|rediss?):\/\/[^\s"'\\<>()[\]{}]+/gi;

/**
 * What is shown of an error under `err`: no URL, for a URL often holds a key, and none of the further fields that
 * libraries hang on their errors (requests, commands, URLs again). The messages of its causes are part of it.
 */
function showError(error: Error): object {
  const { type, message, stack, code } = pino.stdSerializers.err(error) as Record<string, unknown>;
  const cut = (text: unknown) => (typeof text === 'string' ? text.replace(URL_IN_TEXT, '$1://[cut]') : undefined);
  return { type, message: cut(message), stack: cut(stack), ...(code === undefined ? {} : { code }) };
}

/** One JSON line per entry, on standard output unless told: `part` names the process, secrets are cut out. */
export function makeLog(
  part: string,
  level: string,
  // Written at once: what waits to be written when the process ends would come out of order.
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Logger {
  return pino(
    {
      level,
      base: { part },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (error) => (error instanceof Error ? showError(error) : error) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '[cut]' },
    },
    destination,
  );
}
