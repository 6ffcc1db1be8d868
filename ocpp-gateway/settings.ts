import { isIP } from 'node:net';
import { STALE_AFTER_MS } from '../core/as-of.ts';
import { DevsenError } from '../core/errors.ts';
import {
  asAddress,
  asBoolean,
  asHexBytes,
  asOneOf,
  asText,
  asUrl,
  asWhole,
  readSettings,
  type SettingRows,
  type SettingsOf,
} from '../runtime/settings.ts';

/** Settings of the gateway's process. */
export const GATEWAY_SETTINGS = {
  GATEWAY_HOST: { about: 'Where chargers are listened to.', unit: 'host', default: '127.0.0.1', read: asText },
  GATEWAY_PORT: {
    about: 'Port for chargers; 0 takes a free one.',
    unit: 'port',
    default: '9220',
    read: asWhole(0, 65_535),
  },
  ALLOW_PLAIN_WS: {
    about: 'Listen without TLS on a host that is not loopback: only behind a proxy that ends TLS.',
    unit: 'true or false',
    default: 'false',
    read: asBoolean,
  },
  GATEWAY_ADMIN_HOST: {
    about: 'Where health and metrics are served.',
    unit: 'host',
    default: '127.0.0.1',
    read: asText,
  },
  GATEWAY_ADMIN_PORT: {
    about: 'Port for health and metrics; 0 takes a free one.',
    unit: 'port',
    default: '9221',
    read: asWhole(0, 65_535),
  },
  REDIS_URL: {
    about: 'Redis that keeps the queues of the operators.',
    unit: 'URL',
    default: 'redis://127.0.0.1:6379',
    isSecret: true,
    read: asUrl('redis:', 'rediss:'),
  },
  REDIS_DURABILITY: {
    about: 'What to do at the start if Redis is set to lose what it confirmed.',
    unit: 'refuse or warn',
    default: 'refuse',
    read: asOneOf('refuse', 'warn'),
  },
  RPC_URL: { about: 'JSON-RPC endpoint of the chain.', unit: 'URL', isSecret: true, read: asUrl('http:', 'https:') },
  CHAIN_CONFIRMATIONS: {
    about: 'Blocks that must stand on top before a change on chain is taken in.',
    unit: 'blocks',
    default: '0',
    read: asWhole(0, 1_000),
  },
  CHAIN_POLL_MS: {
    about: 'Pause between two looks at the chain.',
    unit: 'ms',
    default: '1000',
    read: asWhole(50, 600_000),
  },
  ORACLE_ADDRESS: {
    about: 'OracleDEVSEN; the other contracts are read from it.',
    unit: 'address',
    read: asAddress,
  },
  GATEWAY_ACCOUNT: { about: "This gateway's account in UserDEVSEN.", unit: 'address', read: asAddress },
  GATEWAY_KEY: {
    about: 'Key that signs the batches; or give GATEWAY_KEY_FILE.',
    unit: '32 bytes as hex digits',
    default: '',
    isSecret: true,
    read: (text: string) => (text === '' ? undefined : asHexBytes(32, 32)(text)),
  },
  GATEWAY_KEY_FILE: {
    about: 'File that holds the key, in the form of GATEWAY_KEY.',
    unit: 'path',
    default: '',
    read: (text: string) => (text === '' ? undefined : text),
  },
  IDTAG_PEPPER: {
    about: "The network's pepper for idTag commitments.",
    unit: '16 to 64 bytes as hex digits',
    isSecret: true,
    read: asHexBytes(16, 64),
  },
  IDTAG_WHEN_CHAIN_AWAY: {
    about: 'What an idTag counts for that was not asked about lately, while the chain is away.',
    unit: 'refuse or accept',
    default: 'refuse',
    read: asOneOf('refuse', 'accept'),
  },
  HEARTBEAT_INTERVAL_SEC: {
    about: 'Heartbeat interval given to chargers when they boot.',
    unit: 's',
    default: '300',
    // With a longer one, an idle charger that misses a beat would count as gone.
    read: asWhole(1, STALE_AFTER_MS / 2_000),
  },
  PING_INTERVAL_SEC: {
    about: 'Between two WebSocket pings of a connection; each is up to a quarter shorter or longer.',
    unit: 's',
    default: '60',
    read: asWhole(1, 3_600),
  },
  MAX_CONNECTIONS: {
    about: 'Most chargers connected at once.',
    unit: 'connections',
    default: '20000',
    read: asWhole(1, 1_000_000),
  },
  MAX_MESSAGE_BYTES: {
    about: 'Largest message of a charger; a larger one closes its socket.',
    unit: 'bytes',
    default: '131072',
    read: asWhole(1_024, 16_777_216),
  },
  MAX_CALLS_IN_FLIGHT: {
    about: 'Unanswered calls of one charger at which its socket is not read any further.',
    unit: 'calls',
    default: '16',
    read: asWhole(1, 10_000),
  },
  CALL_TIMEOUT_MS: {
    about: 'How long a charger may take to answer a call of the gateway.',
    unit: 'ms',
    default: '30000',
    read: asWhole(100, 600_000),
  },
  MAX_CALLS_WAITING: {
    about: 'Commands to one charger that may wait for those before them.',
    unit: 'calls',
    default: '8',
    read: asWhole(0, 1_000),
  },
  MAX_MESSAGES_PER_SEC: {
    about: 'Messages of one charger per second, over ten seconds; more close its socket.',
    unit: 'messages per s',
    default: '300',
    read: asWhole(1, 1_000_000),
  },
  MAX_BAD_MESSAGES: {
    about: 'Frames in a row that are none, at which the socket is closed.',
    unit: 'frames',
    default: '50',
    read: asWhole(1, 1_000_000),
  },
  AUTH_TIMEOUT_MS: {
    about: 'How long the check of a connecting charger may take.',
    unit: 'ms',
    default: '10000',
    read: asWhole(100, 60_000),
  },
  DRAIN_TIMEOUT_MS: {
    about: 'How long calls in flight are waited for when the gateway stops.',
    unit: 'ms',
    default: '5000',
    read: asWhole(0, 600_000),
  },
  LOG_LEVEL: {
    about: 'Least level that is logged.',
    unit: 'level',
    default: 'info',
    read: asOneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
  },
} as const satisfies SettingRows;

export type GatewaySettings = SettingsOf<typeof GATEWAY_SETTINGS>;

/**
 * Reads the gateway's settings and what they owe one another.
 *
 * @throws DevsenError `SETTINGS_INVALID`: one line for each wrong variable
 */
export function readGatewaySettings(env: Record<string, string | undefined>): GatewaySettings {
  const settings = readSettings(GATEWAY_SETTINGS, env);
  const wrong: string[] = [];
  if ((settings.GATEWAY_KEY === undefined) === (settings.GATEWAY_KEY_FILE === undefined)) {
    wrong.push('GATEWAY_KEY is wrong: expected either GATEWAY_KEY or GATEWAY_KEY_FILE, and not both');
  }
  if (!isLoopback(settings.GATEWAY_HOST) && !settings.ALLOW_PLAIN_WS) {
    wrong.push(
      'GATEWAY_HOST is wrong: expected a loopback address, or ALLOW_PLAIN_WS=true behind a proxy that ends TLS',
    );
  }
  if (wrong.length > 0) throw new DevsenError('SETTINGS_INVALID', wrong.join('\n'));
  return settings;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
