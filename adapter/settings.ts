import { asAddress, asHexBytes, asOneOf, asText, asUrl, asWhole, type SettingsOf } from '../runtime/settings.ts';
import { readPeers } from './peers.ts';
import { SIGNING_KEY_SETTINGS } from './signing-key.ts';

/** What an operator's adapter is told from outside. */
export const ADAPTER_SETTINGS = {
  ADAPTER_HOST: {
    about: 'Where the adapter listens; the job node must reach it, nobody else has to.',
    unit: 'host',
    default: '127.0.0.1',
    read: asText,
  },
  ADAPTER_PORT: {
    about: 'Port of the bridge, health and metrics; 0 takes a free one.',
    unit: 'port',
    default: '8080',
    read: asWhole(0, 65_535),
  },
  REDIS_URL: {
    about: "Redis that holds the operator's queue.",
    unit: 'URL',
    default: 'redis://127.0.0.1:6379',
    isSecret: true,
    read: asUrl('redis:', 'rediss:'),
  },
  RPC_URL: { about: 'JSON-RPC endpoint of the chain.', unit: 'URL', isSecret: true, read: asUrl('http:', 'https:') },
  ORACLE_ADDRESS: { about: 'OracleDEVSEN; the other contracts are read from it.', unit: 'address', read: asAddress },
  OPERATOR_ACCOUNT: { about: "The operator's account in UserDEVSEN.", unit: 'address', read: asAddress },
  ADAPTER_DATABASE: {
    about: "File of the operator's record.",
    unit: 'path',
    default: 'adapter.sqlite',
    read: asText,
  },
  BRIDGE_TOKEN: {
    about: 'Token the job node shows; 16 characters or more.',
    unit: 'text',
    isSecret: true,
    read: (text: string) => {
      if (text.length < 16) throw new Error('expected 16 characters or more');
      return text;
    },
  },
  INCOMING_TOKEN: {
    about: "Token the adapter shows the job node when it answers later: its bridge's incoming token; none needs none.",
    unit: 'text',
    default: '',
    isSecret: true,
    read: asText,
  },
  MAX_BRIDGE_PER_SEC: {
    about: 'Questions of whoever shows BRIDGE_TOKEN per second, over ten seconds; more get 429. 0: no limit.',
    unit: 'questions per s',
    default: '500',
    read: asWhole(0, 1_000_000),
  },
  MAX_REQUESTS_PER_SEC: {
    about:
      'All other requests per second, over ten seconds, health and metrics not counted; more get 429. 0: no limit.',
    unit: 'requests per s',
    default: '1000',
    read: asWhole(0, 1_000_000),
  },
  ...SIGNING_KEY_SETTINGS,
  IDTAG_PEPPER: {
    about: "The network's pepper for idTag commitments; without it sessions of RFID cards are not answered for.",
    unit: '16 to 64 bytes as hex digits',
    default: '',
    isSecret: true,
    read: (text: string) => (text === '' ? Buffer.alloc(0) : asHexBytes(16, 64)(text)),
  },
  PEERS: {
    about: 'Other operators whose records make this one whole, as [{"url": "…", "token": "…"}].',
    unit: 'JSON',
    default: '[]',
    isSecret: true,
    read: readPeers,
  },
  PEER_TOKEN: {
    about: 'Token that other operators show to read batches whole, 16 characters or more; without it none can.',
    unit: 'text',
    default: '',
    isSecret: true,
    read: (text: string) => {
      if (text !== '' && text.length < 16) throw new Error('expected 16 characters or more');
      return text;
    },
  },
  WATERMARK_DAYS: {
    about:
      'Age at which watermarks that no answer depends on are deleted; 0 keeps all. Peers can fetch no further back.',
    unit: 'days',
    default: '90',
    read: asWhole(0, 36_500),
  },
  MESSAGE_DAYS: {
    about:
      'Age at which the text of charger messages, and with it idTags, is deleted where no answer depends on it; 0 keeps all. Never less than what operators take at most to settle a session: 29 days for four operators.',
    unit: 'days',
    default: '0',
    read: asWhole(0, 36_500),
  },
  ANSWER_WAIT_MS: {
    about: 'How long a question waits for the record to be complete as of its time.',
    unit: 'ms',
    default: '20000',
    read: asWhole(0, 600_000),
  },
  SETTLE_SLOT_SEC: {
    about:
      "How long it is one operator's turn to settle a session that ended without anybody's call, or to end a request that too few answered; the same at all operators.",
    unit: 's',
    default: '300',
    read: asWhole(1, 86_400),
  },
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
  LOG_LEVEL: {
    about: 'Least level that is logged.',
    unit: 'trace to silent',
    default: 'info',
    read: asOneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  },
};

export type AdapterSettings = SettingsOf<typeof ADAPTER_SETTINGS>;
