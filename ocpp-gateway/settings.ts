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
import type { ChargerCaSettings } from './charger-ca.ts';
import type { AddressSource } from './peer.ts';
import type { TlsPaths } from './tls-files.ts';

/** Settings of the gateway's process. */
export const GATEWAY_SETTINGS = {
  GATEWAY_HOST: { about: 'Where chargers are listened to.', unit: 'host', default: '127.0.0.1', read: asText },
  GATEWAY_PORT: {
    about: 'Port for chargers; 0 takes a free one.',
    unit: 'port',
    default: '9220',
    read: asWhole(0, 65_535),
  },
  GATEWAY_TLS_CERT_FILE: {
    about:
      'Certificate by which chargers know the gateway, and those that lead to its CA, as PEM; read again when it changes.',
    unit: 'path',
    default: '',
    read: asPath,
  },
  GATEWAY_TLS_KEY_FILE: { about: 'Its private key, as PEM.', unit: 'path', default: '', read: asPath },
  GATEWAY_CLIENT_CA_FILE: {
    about: 'CAs of the certificates that chargers show (security profile 3), as PEM; without it none is asked for.',
    unit: 'path',
    default: '',
    read: asPath,
  },
  CHARGER_CA_CERT_FILE: {
    about:
      'CA that issues the certificates chargers ask for, and those above it up to the root, as PEM; without it they are refused.',
    unit: 'path',
    default: '',
    read: asPath,
  },
  CHARGER_CA_KEY_FILE: { about: 'Its private key, as PEM.', unit: 'path', default: '', read: asPath },
  CHARGER_CERT_DAYS: {
    about: 'How long a certificate that is issued counts.',
    unit: 'days',
    default: '365',
    read: asWhole(1, 3_650),
  },
  ALLOW_PLAIN_WS: {
    about: 'Listen without TLS: only on one machine, or behind a proxy that ends TLS.',
    unit: 'true or false',
    default: 'false',
    read: asBoolean,
  },
  TRUST_FORWARDED_FOR: {
    about: "Take a client's address from the last entry of X-Forwarded-For: only behind a proxy that writes it.",
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
  GATEWAY_ADMIN_TOKEN: {
    about: 'Bearer token with which the connected chargers can be listed; without it they cannot.',
    unit: 'at least 16 characters',
    default: '',
    isSecret: true,
    read: asToken,
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
    read: asPath,
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
  REFUSE_CONCURRENT_TX: {
    about: 'Refuse a card that begins a transaction (ConcurrentTx) while another one of it goes on for certain.',
    unit: 'true or false',
    default: 'true',
    read: asBoolean,
  },
  CARDS_MUST_PAY: {
    about:
      'Refuse a card whose driver can pay for nothing at the charger; else such a card charges, and nobody pays for it.',
    unit: 'true or false',
    default: 'false',
    read: asBoolean,
  },
  HEARTBEAT_INTERVAL_SEC: {
    about: 'Heartbeat interval given to chargers when they boot.',
    unit: 's',
    default: '300',
    // With a longer one, an idle charger that misses a beat would count as gone.
    read: asWhole(1, STALE_AFTER_MS / 2_000),
  },
  STATUS_SETTLE_MS: {
    about:
      'How long a charger that connects has to tell its statuses, up to twice as long; then it is asked. 0: never.',
    unit: 'ms',
    default: '10000',
    read: asWhole(0, 600_000),
  },
  PING_INTERVAL_SEC: {
    about:
      'Between two WebSocket pings of a connection; one of which nothing is heard from one ping to the next is cut off.',
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
  MAX_WAITING: {
    about: 'Most sockets that are connected and not let in yet.',
    unit: 'sockets',
    default: '10000',
    read: asWhole(1, 1_000_000),
  },
  MAX_WAITING_PER_ADDRESS: {
    about: 'Of them, most from one address, or one IPv6 network (/64); counts only where TLS ends here.',
    unit: 'sockets',
    default: '1000',
    read: asWhole(1, 1_000_000),
  },
  MAX_FAILURES_PER_MIN: {
    about:
      'Failed attempts of one address or IPv6 network (/64) over which it is refused unheard (wrong key, unknown charger, command of no manager); chargers and commands apart. Where addresses are not known (ALLOW_PLAIN_WS without TRUST_FORWARDED_FOR): of one identity, and 20 times as many of all together, but registered chargers that knocked before are heard, and no command counts. 0: no limit.',
    unit: 'attempts per min',
    default: '60',
    read: asWhole(0, 1_000_000),
  },
  MAX_CONNECTS_PER_MIN: {
    about: 'Connections of one charger, over which it is refused for a while; 0: no limit.',
    unit: 'connections per min',
    default: '30',
    read: asWhole(0, 1_000_000),
  },
  MAX_MESSAGE_BYTES: {
    about: 'Largest message of a charger; a larger one closes its socket.',
    unit: 'bytes',
    default: '1048576',
    read: asWhole(1_024, 16_777_216),
  },
  MAX_CALLS_IN_FLIGHT: {
    about: 'Unanswered calls of one charger at which its socket is not read any further.',
    unit: 'calls',
    default: '16',
    read: asWhole(1, 10_000),
  },
  SESSION_IDLE_SEC: {
    about: 'A session, of a contract or of a card, is ended after so long without energy; 0 lets it go on.',
    unit: 's',
    default: '3600',
    read: asWhole(0, 172_800),
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
    default: '100',
    read: asWhole(1, 1_000_000),
  },
  MAX_BYTES_PER_SEC: {
    about:
      'Bytes of one charger’s messages per second, over 64 seconds or the largest message, also where it connects anew; more close its socket.',
    unit: 'bytes per s',
    default: '65536',
    read: asWhole(1_024, 1_000_000_000),
  },
  MAX_BAD_MESSAGES: {
    about: 'Frames in a row that are none, at which the socket is closed.',
    unit: 'frames',
    default: '50',
    read: asWhole(1, 1_000_000),
  },
  AUTH_TIMEOUT_MS: {
    about: 'How long a connecting client may take for TLS and its request, and how long its check may take then.',
    unit: 'ms',
    default: '10000',
    read: asWhole(100, 60_000),
  },
  DRAIN_TIMEOUT_MS: {
    about: 'How long calls in flight and open commands of managers are waited for when the gateway stops.',
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
  const { GATEWAY_TLS_CERT_FILE: certificate, GATEWAY_TLS_KEY_FILE: key, ALLOW_PLAIN_WS: isPlainAllowed } = settings;
  if ((certificate === undefined) !== (key === undefined)) {
    wrong.push('GATEWAY_TLS_CERT_FILE is wrong: expected it together with GATEWAY_TLS_KEY_FILE');
  } else if ((certificate === undefined) !== isPlainAllowed) {
    wrong.push(
      'GATEWAY_TLS_CERT_FILE is wrong: expected it, or ALLOW_PLAIN_WS=true for plain WebSocket on one machine or behind a proxy that ends TLS, and not both',
    );
  }
  if (settings.GATEWAY_CLIENT_CA_FILE !== undefined && certificate === undefined) {
    wrong.push('GATEWAY_CLIENT_CA_FILE is wrong: expected GATEWAY_TLS_CERT_FILE with it');
  }
  const { CHARGER_CA_CERT_FILE: caCertificate, CHARGER_CA_KEY_FILE: caKey } = settings;
  if ((caCertificate === undefined) !== (caKey === undefined)) {
    wrong.push('CHARGER_CA_CERT_FILE is wrong: expected it together with CHARGER_CA_KEY_FILE');
  } else if (caCertificate !== undefined && certificate === undefined) {
    wrong.push('CHARGER_CA_CERT_FILE is wrong: expected GATEWAY_TLS_CERT_FILE with it');
  }
  if (wrong.length > 0) throw new DevsenError('SETTINGS_INVALID', wrong.join('\n'));
  return settings;
}

export function addressSourceOf(settings: GatewaySettings): AddressSource {
  if (settings.TRUST_FORWARDED_FOR) return 'forwarded';
  return settings.ALLOW_PLAIN_WS ? 'none' : 'socket';
}

/** @returns undefined if chargers are listened to without TLS */
export function tlsPathsOf(settings: GatewaySettings): TlsPaths | undefined {
  const { GATEWAY_TLS_CERT_FILE: certificate, GATEWAY_TLS_KEY_FILE: key, GATEWAY_CLIENT_CA_FILE: clientCas } = settings;
  return certificate === undefined || key === undefined ? undefined : { certificate, key, clientCas };
}

/** @returns undefined if chargers are issued no certificates */
export function chargerCaOf(settings: GatewaySettings): ChargerCaSettings | undefined {
  const {
    CHARGER_CA_CERT_FILE: certificateFile,
    CHARGER_CA_KEY_FILE: keyFile,
    CHARGER_CERT_DAYS: validDays,
  } = settings;
  return certificateFile === undefined || keyFile === undefined ? undefined : { certificateFile, keyFile, validDays };
}

function asToken(text: string): string | undefined {
  if (text !== '' && text.length < 16) throw new Error('expected at least 16 characters');
  return text === '' ? undefined : text;
}

function asPath(text: string): string | undefined {
  return text === '' ? undefined : text;
}
