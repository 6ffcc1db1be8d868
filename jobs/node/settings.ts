import {
  asAddress,
  asBoolean,
  asHexBytes,
  asOneOf,
  asText,
  asUrl,
  asWhole,
  type SettingRows,
  type SettingsOf,
} from '../../runtime/settings.ts';
import { asBridges } from './bridges.ts';

/** Settings of the job node; names, defaults and checks. The README's table is made from these rows. */
export const JOB_NODE_SETTINGS = {
  JOBS_DIR: {
    about: 'Folder whose *.toml files are the job specs to run, already filled in for this operator.',
    unit: 'path',
    default: 'jobs',
    read: asText,
  },
  JOBS_DATABASE: {
    about: 'SQLite file with the runs, the place reached in the chain, and the txs; one job node only may use it.',
    unit: 'path',
    default: '.devsen/jobs.sqlite',
    read: asText,
  },
  JOBS_HOST: {
    about: 'Address on which health, metrics and runs are served.',
    unit: 'host',
    default: '127.0.0.1',
    read: asText,
  },
  JOBS_PORT: {
    about: 'Port on which health, metrics and runs are served; 0 takes a free one.',
    unit: 'port',
    default: '6688',
    read: asWhole(0, 65_535),
  },
  JOBS_TOKEN: {
    about: 'Bearer token for the list of jobs and runs; without it they are not served.',
    unit: 'text',
    default: '',
    isSecret: true,
    read: asText,
  },
  RPC_URL: {
    about: 'JSON-RPC endpoint of the EVM chain.',
    unit: 'URL',
    isSecret: true,
    read: asUrl('http:', 'https:'),
  },
  RPC_FALLBACK_URLS: {
    about:
      'Further endpoints of the same chain, divided by commas: asked where RPC_URL fails or lags. Where there are any, two must agree before a tx is sent.',
    unit: 'URLs',
    default: '',
    isSecret: true,
    read: (text: string) => asList(text).map(asUrl('http:', 'https:')),
  },
  RPC_WS_URL: {
    about:
      'WebSocket endpoint that tells of new blocks, so that they are read at once; without it they are polled for.',
    unit: 'URL',
    default: '',
    isSecret: true,
    read: (text: string) => (text === '' ? '' : asUrl('ws:', 'wss:')(text)),
  },
  RPC_LAG_BLOCKS: {
    about: 'Blocks an endpoint may be behind the others before it is asked last.',
    unit: 'blocks',
    default: '3',
    read: asWhole(0, 1000),
  },
  RPC_TIMEOUT_MS: {
    about: 'How long one call to the chain may take.',
    unit: 'ms',
    default: '10000',
    read: asWhole(100, 120_000),
  },
  CHAIN_POLL_MS: {
    about: 'How often the chain is asked for its newest block.',
    unit: 'ms',
    default: '1000',
    read: asWhole(20, 60_000),
  },
  CHAIN_AWAY_MS: {
    about: 'How long the chain may go unread before health turns red; ten polls at least.',
    unit: 'ms',
    default: '10000',
    read: asWhole(100, 600_000),
  },
  REREAD_BLOCKS: {
    about:
      'Newest blocks whose logs are read a second time, at another endpoint where there is one: endpoints that lag leave logs out without a word.',
    unit: 'blocks',
    default: '20',
    read: asWhole(0, 1000),
  },
  MIN_CONFIRMATIONS: {
    about: "Blocks, the request's own included, before a request is answered; a spec may ask for more.",
    unit: 'blocks',
    default: '1',
    read: asWhole(0, 1000),
  },
  FINALITY_BLOCKS: {
    about: 'Blocks after which a mined tx of ours is no longer watched for a reorg.',
    unit: 'blocks',
    default: '32',
    read: asWhole(1, 10_000),
  },
  BACKFILL_BLOCKS: {
    about: 'How far back a job that was never run before looks for requests nobody has answered.',
    unit: 'blocks',
    default: '300',
    read: asWhole(0, 1_000_000),
  },
  LOG_RANGE_BLOCKS: {
    about: 'Most blocks asked for in one call when catching up.',
    unit: 'blocks',
    default: '2000',
    read: asWhole(1, 100_000),
  },
  MIN_PAYMENT_JUELS: {
    about: 'Least LINK a request must pay where its spec names no floor.',
    unit: 'juels',
    default: '0',
    read: asBig('a whole number of juels'),
  },
  LINK_PRICE_GWEI: {
    about:
      "What one LINK is worth in the chain's coin; an answer whose gas costs more than it earns waits. 0: none does.",
    unit: 'gwei',
    default: '0',
    read: asBig('a whole number of gwei'),
  },
  PROFIT_WAIT_MS: {
    about: 'How long such an answer waits for cheaper gas before its run fails.',
    unit: 'ms',
    default: '600000',
    read: asWhole(0, 86_400_000),
  },
  NODE_KEYSTORE: {
    about:
      "Encrypted JSON keystore of the account that sends answers (the Operator's authorised sender); several, divided by commas, send side by side.",
    unit: 'path',
    default: '',
    read: asList,
  },
  NODE_KEYSTORE_RETIRING: {
    about: 'Keystores of accounts that were replaced: what they have sent is brought to an end, nothing new is sent.',
    unit: 'path',
    default: '',
    read: asList,
  },
  NODE_KEYSTORE_PASSWORD: {
    about: 'Password of the keystores.',
    unit: 'text',
    default: '',
    isSecret: true,
    read: asText,
  },
  NODE_KEYSTORE_PASSWORD_FILE: {
    about: 'File whose lines are the passwords of the keystores, retiring ones last; one line is for all.',
    unit: 'path',
    default: '',
    read: asText,
  },
  NODE_KEY: {
    about:
      'Private key instead of a keystore, or several divided by commas; only where NODE_KEY_ALLOWED is true (local networks).',
    unit: '32 bytes hex',
    default: '0x',
    isSecret: true,
    read: asPrivateKeys,
  },
  NODE_KEY_ALLOWED: {
    about: 'Whether NODE_KEY may be used.',
    unit: 'true or false',
    default: 'false',
    read: asBoolean,
  },
  NODE_FORWARDER: {
    about:
      "Chainlink AuthorizedForwarder that the accounts send through for specs with forwardingAllowed = true; it is then the Operator's authorised sender, and they are the forwarder's.",
    unit: 'address',
    default: '',
    read: (text: string) => (text === '' ? '' : asAddress(text)),
  },
  MIN_BALANCE_GWEI: {
    about: 'Balance of a sending account below which there is an alert.',
    unit: 'gwei',
    default: '50000000',
    read: asBig('a whole number of gwei'),
  },
  BRIDGE_URL: {
    about: 'Where the bridge named "devsen" leads: this operator\'s adapter.',
    unit: 'URL',
    default: 'http://127.0.0.1:8080/',
    read: asUrl('http:', 'https:'),
  },
  BRIDGE_TOKEN: {
    about: 'Bearer token the adapter asks for.',
    unit: 'text',
    default: '',
    isSecret: true,
    read: asText,
  },
  BRIDGES: {
    about: 'Further bridges by name, as {"name": {"url": "…", "token": "…"}}.',
    unit: 'JSON',
    default: '{}',
    isSecret: true,
    read: asBridges,
  },
  HTTP_TIMEOUT_MS: {
    about: 'How long a bridge or an HTTP source may take where its task names no timeout.',
    unit: 'ms',
    default: '15000',
    read: asWhole(100, 600_000),
  },
  ASYNC_TIMEOUT_MS: {
    about: 'How long a bridge may take that answers later.',
    unit: 'ms',
    default: '600000',
    read: asWhole(100, 86_400_000),
  },
  BRIDGE_RESPONSE_URL: {
    about:
      'Where adapters that answer later reach this node. Without it those on this machine do by JOBS_PORT, and others have to answer at once.',
    unit: 'URL',
    default: '',
    read: asUrlOrNothing,
  },
  HTTP_MAX_BYTES: {
    about: 'Longest answer taken from a bridge or an HTTP source.',
    unit: 'bytes',
    default: '32768',
    read: asWhole(1, 16_777_216),
  },
  RETRY_MIN_MS: {
    about: 'First pause before a task is tried again, where the task names no minBackoff; it doubles each time.',
    unit: 'ms',
    default: '5000',
    read: asWhole(1, 600_000),
  },
  RETRY_MAX_MS: {
    about: 'Longest pause before a task is tried again, where the task names no maxBackoff.',
    unit: 'ms',
    default: '60000',
    read: asWhole(1, 3_600_000),
  },
  RETENTION_HOURS: {
    about: 'How long runs that ended are kept, with their txs.',
    unit: 'h',
    default: '720',
    read: asWhole(1, 876_000),
  },
  MAX_RUNS: {
    about: 'Runs worked on at once; the others wait.',
    unit: 'runs',
    default: '256',
    read: asWhole(1, 10_000),
  },
  MAX_IN_FLIGHT: {
    about: 'Txs of one account sent and not yet mined at once; the others wait.',
    unit: 'txs',
    default: '16',
    read: asWhole(1, 1000),
  },
  MAX_FEE_GWEI: {
    about: 'Most ever paid for a unit of gas.',
    unit: 'gwei',
    default: '500',
    read: asWhole(1, 1_000_000),
  },
  BUMP_AFTER_MS: {
    about: 'How long a tx may stay unmined before its fee is raised.',
    unit: 'ms',
    default: '30000',
    read: asWhole(100, 3_600_000),
  },
  BUMP_PERCENT: {
    about: 'By how much a fee is raised; nodes refuse less than 10.',
    unit: '%',
    default: '20',
    read: asWhole(10, 200),
  },
  LOG_LEVEL: {
    about: 'Least severe log line written.',
    unit: 'level',
    default: 'info',
    read: asOneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  },
} satisfies SettingRows;

export type JobNodeSettings = SettingsOf<typeof JOB_NODE_SETTINGS>;

function asUrlOrNothing(text: string): string {
  return text === '' ? '' : asUrl('http:', 'https:')(text);
}

function asBig(what: string): (text: string) => bigint {
  return (text) => {
    if (!/^\d{1,30}$/.test(text)) throw new Error(`expected ${what}`);
    return BigInt(text);
  };
}

function asList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Empty where no key is given. */
function asPrivateKeys(text: string): Buffer[] {
  return asList(text === '0x' ? '' : text).map((key) => asHexBytes(32, 32)(key));
}
