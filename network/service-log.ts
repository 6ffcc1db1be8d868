import type { Entry } from './account.ts';

/**
 * What a service's log line means for the account of the network; most mean nothing to it. Pure.
 */
export function readLogLine(line: string): Entry | undefined {
  const fields = parse(line);
  if (!fields) return undefined;
  const charger = typeof fields.chargerId === 'string' ? fields.chargerId : undefined;
  switch (`${fields.part}: ${fields.msg}`) {
    case 'gateway: charger connected':
      return charger ? { kind: 'connected', charger } : undefined;
    case 'gateway: charger disconnected':
      return charger ? { kind: 'disconnected', charger } : undefined;
    case 'gateway: charger refused':
      return { kind: 'refused', charger: charger ?? 'a charger', why: `${fields.reason} (${fields.status})` };
    case 'chargers: status acknowledged': {
      const { connector, status, errorCode } = fields;
      if (!charger) return undefined;
      return {
        kind: 'status',
        charger,
        connector: Number(connector),
        status: String(status),
        errorCode: String(errorCode),
      };
    }
    default:
      return undefined;
  }
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
