import { readFile, writeFile } from 'node:fs/promises';
import { ZeroHash } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { authorizationKeyHash, isChargerIdentity } from '../../core/identity.ts';
import { readMeterKey } from '../../core/meter-signature.ts';
import { makeAuthorizationKey } from '../local-setup.ts';
import type { Place } from '../map.ts';
import { type ChargerRow, readChargersCsv } from './charger-csv.ts';
import { untilOnline } from './charger-online.ts';
import type { ConnectorSpec } from './charger-spec.ts';
import { readConnection, showConnection } from './connection.ts';
import type { Session } from './session.ts';
import { setTariff, TARIFF_OPTIONS } from './tariff.ts';
import { transact } from './tx.ts';

/** Chargers registered by one tx: about 4.5 million gas. */
const BATCH = 50;

/** What `devsen chargers add` is told, beside the identity. */
export interface AddOptions {
  at: Place;
  connector: ConnectorSpec[];
  meterKey?: string;
  certificate?: string;
  /** How long to wait until it is online, s. */
  wait?: number;
  [tariff: string]: unknown;
}

/** Registers a charger with all it needs, and shows with what it connects. */
export async function addOne(session: Session, identity: string, options: AddOptions): Promise<void> {
  if (!isChargerIdentity(identity)) {
    throw new DevsenError('INPUT_INVALID', 'an OCPP identity is 1 to 48 of A-Z a-z 0-9 _ = : | @ . -');
  }
  if (options.certificate !== undefined && !/^0x[0-9a-fA-F]{64}$/.test(options.certificate)) {
    throw new DevsenError('INPUT_INVALID', '--certificate expects 0x and 64 hex digits');
  }
  const connection = await readConnection(session);
  const meterKey = options.meterKey === undefined ? undefined : await readKeyFile(options.meterKey);
  const password = makeAuthorizationKey();
  const row = { identity, ...options.at, connectors: options.connector };
  const factory = await session.contract('FactoryDEVSEN');
  const made = newDevice(row, password, options.certificate);
  if ((await transact(session, `register ${identity}`, factory, 'createDevice', made)) === undefined) return;
  const { contract } = await session.device(identity);
  if (meterKey !== undefined) await transact(session, "set its meter's key", contract, 'setMeterKey', meterKey);
  if (TARIFF_OPTIONS.some(([flags]) => options[optionName(flags)] !== undefined)) {
    await setTariff(session, contract, identity, options as unknown as Record<string, string>);
  }
  showConnection(session, connection, { identity, password, hasCertificate: options.certificate !== undefined });
  if (options.wait !== undefined) await waitOnline(session, identity, options.wait);
}

/** Waits until a charger is online, and says who says so. */
export async function waitOnline(session: Session, identity: string, limitSec: number): Promise<void> {
  const { online, asked } = await untilOnline(session, identity, limitSec);
  session.output.result({ identity, isOnline: true, operators: { online, asked } }, () => {
    return `${identity} is online: ${online} of ${asked} operators have it on record.`;
  });
}

/** Registers the chargers of a CSV file; what they connect with is written to a file before any is on chain. */
export async function importAll(session: Session, file: string, out: string): Promise<void> {
  const rows = readChargersCsv(await readText(file));
  const factory = await session.contract('FactoryDEVSEN');
  const { urlOf, ca } = await readConnection(session);
  const trust = ca === undefined ? [] : [ca.certificates.map(({ sha256 }) => sha256).join(' ')];
  const lines = [['identity', 'url', 'password', ...trust.map(() => 'ca_sha256')].join(',')];
  const passwords = rows.map(() => makeAuthorizationKey());
  for (const [i, { identity }] of rows.entries())
    lines.push([identity, urlOf(identity), passwords[i], ...trust].join(','));
  // Before any of them is on chain: a password that is lost cannot be found again.
  if (!session.isDryRun) await writeNew(out, `${lines.join('\n')}\n`);
  for (let from = 0; from < rows.length; from += BATCH) {
    const batch = rows.slice(from, from + BATCH).map((row, i) => newDevice(row, passwords[from + i] as string));
    const what = `register ${batch.length} chargers (${from + batch.length} of ${rows.length})`;
    if ((await transact(session, what, factory, 'createDevices', batch)) === undefined) return;
  }
  session.output.result({ registered: rows.length, passwords: out, ca: ca ?? null }, () => {
    const trusting = ca === undefined ? '' : ` They must trust the CA in ${ca.file}.`;
    return `Registered ${rows.length} chargers. What they connect with stands in ${out}.${trusting}`;
  });
}

function newDevice(row: ChargerRow, password: string, certificate = ZeroHash) {
  return {
    identity: row.identity,
    latitudeE7: degreesE7(row.latitudeDeg),
    longitudeE7: degreesE7(row.longitudeDeg),
    authorizationKeyHash: authorizationKeyHash(Buffer.from(password, 'hex')),
    certificateFingerprint: certificate,
    connectors: row.connectors,
  };
}

export function degreesE7(degrees: number): number {
  return Math.round(degrees * 1e7);
}

/** `--per-kwh <price>` → `perKwh`, as commander names it. */
function optionName(flags: string): string {
  const long = /--([a-z-]+)/.exec(flags)?.[1] ?? '';
  return long.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

async function readKeyFile(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause) => {
    throw new DevsenError('INPUT_INVALID', `${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`);
  });
  const pem = /-----BEGIN PUBLIC KEY-----([\s\S]+?)-----END PUBLIC KEY-----/.exec(bytes.toString('latin1'))?.[1];
  const der = pem === undefined ? bytes : Buffer.from(pem, 'base64');
  if (readMeterKey(der) === undefined) {
    throw new DevsenError('INPUT_INVALID', `${path} holds no public key of an elliptic curve, PEM or DER`);
  }
  return der;
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause) => {
    throw new DevsenError('INPUT_INVALID', `${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`);
  });
}

async function writeNew(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600, flag: 'wx' }).catch((cause) => {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'is there already' : `cannot be written: ${code}`;
    throw new DevsenError('INPUT_INVALID', `${path} ${why}`);
  });
}
