import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { DevsenError } from '../../core/errors.ts';
import { authorizationKeyHash, isChargerIdentity } from '../../core/identity.ts';
import { readMeterKey } from '../../core/meter-signature.ts';
import { STATUS_NAMES } from '../../core/status.ts';
import { call } from '../contracts.ts';
import { makeAuthorizationKey } from '../local-setup.ts';
import { type ChargerRow, readChargersCsv } from './charger-csv.ts';
import { CONNECTOR_FORM, type ConnectorSpec, connectorText, readConnector } from './charger-spec.ts';
import { identityOf } from './find.ts';
import { facts, table } from './output.ts';
import { inNetwork, type Session, type Streams } from './session.ts';
import { describeTariff, setTariff, TARIFF_OPTIONS } from './tariff.ts';
import { transact } from './tx.ts';
import { address, place, whole } from './values.ts';

const ZERO_HASH = `0x${'00'.repeat(32)}`;
const PAGE = 100;
/** Chargers registered by one tx: about 4.5 million gas. */
const BATCH = 50;

/** `devsen chargers`: set chargers up, look at them, hand them over. */
export function addChargerCommands(program: Command, streams: Streams): void {
  const chargers = program.command('chargers').description('set chargers up, look at them, hand them over');

  chargers
    .command('list')
    .description('chargers, in the order of their registration')
    .option('--owner <account>', 'those of one manager only', address)
    .option('--offset <n>', 'how many to pass over', whole(0, 2 ** 24), 0)
    .option('--limit <n>', 'how many at most', whole(1, 1_000), PAGE)
    .action(async (options: { owner?: string; offset: number; limit: number }, command: Command) => {
      await inNetwork(command, streams, 'reader', (session) => list(session, options));
    });

  chargers
    .command('show')
    .description('one charger, as the chain knows it')
    .argument('<identity>', 'its OCPP identity')
    .action(async (identity: string, _options, command: Command) => {
      await inNetwork(command, streams, 'reader', (session) => show(session, identity));
    });

  const add = chargers
    .command('add')
    .description('registers a charger of yours, and prints, once, with what it connects')
    .argument('<identity>', 'its OCPP identity: 1 to 48 of A-Z a-z 0-9 _ = : | @ . -')
    .requiredOption('--at <north,east>', 'where it stands, degrees, as 47.3769,8.5417', place)
    .requiredOption(`--connector <what>`, `one of its connectors, in order; ${CONNECTOR_FORM}`, readConnector)
    .option('--meter-key <file>', "its meter's public key, PEM or DER")
    .option('--certificate <sha256>', 'fingerprint of its TLS client certificate, 0x and 64 hex digits');
  for (const [flags, about] of TARIFF_OPTIONS) add.option(flags, about);
  add.action(async (identity: string, options: AddOptions, command: Command) => {
    await inNetwork(command, streams, 'manager', (session) => addOne(session, identity, options));
  });

  chargers
    .command('import')
    .description('registers all chargers of a CSV file: identity,latitude,longitude,connectors')
    .argument('<file>', 'connectors are parted by spaces; the first line names the columns')
    .requiredOption('--out <file>', 'where what they connect with is written, for your eyes only')
    .action(async (file: string, { out }: { out: string }, command: Command) => {
      await inNetwork(command, streams, 'manager', async (session) => importAll(session, await readText(file), out));
    });

  const change = (name: string, about: string) =>
    chargers.command(name).description(about).argument('<identity>', 'its OCPP identity');

  change('move', 'says where a charger of yours stands')
    .argument('<north,east>', 'degrees', place)
    .action(async (identity: string, at: ReturnType<typeof place>, _options, command: Command) => {
      await inNetwork(command, streams, 'manager', async (session) => {
        const { contract } = await session.device(identity);
        const where = [degreesE7(at.latitudeDeg), degreesE7(at.longitudeDeg)];
        const done = await transact(session, `move ${identity}`, contract, 'setLocation', ...where);
        if (done)
          session.output.result(
            { identity, ...at },
            () => `${identity} stands at ${at.latitudeDeg}, ${at.longitudeDeg}.`,
          );
      });
    });

  change('transfer', 'gives a charger of yours to another manager')
    .argument('<account>', 'the new manager', address)
    .action(async (identity: string, to: string, _options, command: Command) => {
      await inNetwork(command, streams, 'manager', async (session) => {
        const { address: device } = await session.device(identity);
        const factory = await session.contract('FactoryDEVSEN');
        const done = await transact(session, `give ${identity} to ${to}`, factory, 'transferDevice', device, to);
        if (done) session.output.result({ identity, manager: to }, () => `${identity} belongs to ${to}.`);
      });
    });

  change('retire', 'takes a charger of yours off the map for ever')
    .requiredOption('--for-ever', 'says that you know: it cannot come back, and its identity stays taken')
    .action(async (identity: string, _options, command: Command) => {
      await inNetwork(command, streams, 'manager', async (session) => {
        const { address: device } = await session.device(identity);
        const factory = await session.contract('FactoryDEVSEN');
        const done = await transact(session, `retire ${identity}`, factory, 'retireDevice', device);
        if (done) session.output.result({ identity, isRetired: true }, () => `${identity} is retired.`);
      });
    });

  change('password', 'gives a charger of yours a new password, and prints it once').action(
    async (identity: string, _options, command: Command) => {
      await inNetwork(command, streams, 'manager', async (session) => {
        const { contract } = await session.device(identity);
        const [, certificate] = (await call(contract, 'credentials')) as [string, string];
        const password = makeAuthorizationKey();
        const hash = authorizationKeyHash(Buffer.from(password, 'hex'));
        const done = await transact(
          session,
          `change the password of ${identity}`,
          contract,
          'setCredentials',
          hash,
          certificate,
        );
        if (done) showConnection(session, identity, password);
      });
    },
  );

  const tariff = change('tariff', 'sets what sessions cost at a charger of yours');
  for (const [flags, about] of TARIFF_OPTIONS) tariff.option(flags, about);
  tariff.action(async (identity: string, options: Record<string, string>, command: Command) => {
    await inNetwork(command, streams, 'manager', async (session) => {
      const { contract } = await session.device(identity);
      const set = await setTariff(session, contract, identity, options);
      if (set) session.output.result({ identity, ...set }, () => `${identity}: ${describeTariff(set)}`);
    });
  });
}

interface AddOptions {
  at: ReturnType<typeof place>;
  connector: ConnectorSpec[];
  meterKey?: string;
  certificate?: string;
  [tariff: string]: unknown;
}

async function addOne(session: Session, identity: string, options: AddOptions): Promise<void> {
  if (!isChargerIdentity(identity)) {
    throw new DevsenError('INPUT_INVALID', 'an OCPP identity is 1 to 48 of A-Z a-z 0-9 _ = : | @ . -');
  }
  if (options.certificate !== undefined && !/^0x[0-9a-fA-F]{64}$/.test(options.certificate)) {
    throw new DevsenError('INPUT_INVALID', '--certificate expects 0x and 64 hex digits');
  }
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
  showConnection(session, identity, password);
}

function showConnection(session: Session, identity: string, password: string): void {
  const url = `${session.gatewayUrl().replace(/\/$/, '')}/${encodeURIComponent(identity)}`;
  session.output.result({ identity, url, user: identity, password }, () => {
    const rows = [
      ['URL', url],
      ['user (HTTP Basic)', identity],
      ['password', password],
    ] as const;
    return `${identity} connects with this. The password is shown only now.\n${facts(rows)}`;
  });
}

async function importAll(session: Session, csv: string, out: string): Promise<void> {
  const rows = readChargersCsv(csv);
  const factory = await session.contract('FactoryDEVSEN');
  const lines = ['identity,url,password'];
  const passwords = rows.map(() => makeAuthorizationKey());
  const base = session.gatewayUrl().replace(/\/$/, '');
  for (const [i, row] of rows.entries())
    lines.push(`${row.identity},${base}/${encodeURIComponent(row.identity)},${passwords[i]}`);
  // Before any of them is on chain: a password that is lost cannot be found again.
  if (!session.isDryRun) await writeNew(out, `${lines.join('\n')}\n`);
  for (let from = 0; from < rows.length; from += BATCH) {
    const batch = rows.slice(from, from + BATCH).map((row, i) => newDevice(row, passwords[from + i] as string));
    const what = `register ${batch.length} chargers (${from + batch.length} of ${rows.length})`;
    if ((await transact(session, what, factory, 'createDevices', batch)) === undefined) return;
  }
  session.output.result({ registered: rows.length, passwords: out }, () => {
    return `Registered ${rows.length} chargers. What they connect with stands in ${out}.`;
  });
}

async function list(
  session: Session,
  { owner, offset, limit }: { owner?: string; offset: number; limit: number },
): Promise<void> {
  const factory = await session.contract('FactoryDEVSEN');
  const page = (await (owner === undefined
    ? call(factory, 'devices', offset, limit)
    : call(factory, 'devicesOf', owner, offset, limit))) as string[];
  const rows = await Promise.all(page.map((device) => summary(session, device)));
  session.output.result(rows, () =>
    table(
      ['identity', 'connectors', 'manager', 'place', 'agreed status'],
      rows.map((row) => [
        row.identity,
        String(row.connectors.length),
        row.manager,
        `${row.latitudeDeg}, ${row.longitudeDeg}`,
        row.isRetired ? 'retired' : row.statuses.map((status) => STATUS_NAMES[status] ?? 'Unknown').join(', '),
      ]),
      'No chargers.',
    ),
  );
}

async function summary(session: Session, device: string) {
  const contract = await session.contractAt('DeviceDEVSEN', device);
  const [identity, manager, [latitudeE7, longitudeE7], isRetired, connectors] = await Promise.all([
    identityOf(session, device),
    call(contract, 'manager') as Promise<string>,
    call(contract, 'location') as Promise<[bigint, bigint]>,
    call(contract, 'isRetired') as Promise<boolean>,
    call(contract, 'connectors') as Promise<Record<keyof ConnectorSpec, bigint>[]>,
  ]);
  const statuses = await Promise.all(
    connectors.map(async (_, i) => Number(((await call(contract, 'statusOf', i + 1)) as { status: bigint }).status)),
  );
  return {
    identity,
    device,
    manager,
    latitudeDeg: Number(latitudeE7) / 1e7,
    longitudeDeg: Number(longitudeE7) / 1e7,
    isRetired,
    connectors: connectors.map(({ evse, standard, format, powerType, maxPowerW }) => ({
      evse: Number(evse),
      standard: Number(standard),
      format: Number(format),
      powerType: Number(powerType),
      maxPowerW: Number(maxPowerW),
    })),
    statuses,
  };
}

async function show(session: Session, identity: string): Promise<void> {
  const { address: device, deviceId, contract } = await session.device(identity);
  const known = await summary(session, device);
  const faults = (await call(contract, 'faults')) as { connector: bigint; errorClass: bigint; observedAt: bigint }[];
  const meterKey = String(await call(contract, 'meterKey'));
  const [authorizationKeyHash, certificateFingerprint] = (await call(contract, 'credentials')) as [string, string];
  const signs = {
    hasPassword: authorizationKeyHash !== ZERO_HASH,
    hasCertificate: certificateFingerprint !== ZERO_HASH,
    hasMeterKey: meterKey !== '0x',
  };
  const shown = { ...known, deviceId, ...signs, faults: faults.length };
  session.output.result(shown, () =>
    facts([
      ['identity', identity],
      ['id', deviceId],
      ['contract', device],
      ['manager', known.manager],
      ['place', `${known.latitudeDeg}, ${known.longitudeDeg}`],
      ['retired', known.isRetired ? 'yes' : 'no'],
      ...known.connectors.map((connector, i): [string, string] => {
        const status = STATUS_NAMES[known.statuses[i] ?? 0] ?? 'Unknown';
        return [`connector ${i + 1}`, `${connectorText(connector)}, agreed status ${status}`];
      }),
      ['password', signs.hasPassword ? 'set' : 'none'],
      ['certificate', signs.hasCertificate ? 'set' : 'none'],
      ['meter key', signs.hasMeterKey ? 'set' : 'none'],
      ['last faults', String(faults.length)],
    ]),
  );
}

function newDevice(row: ChargerRow, password: string, certificate = ZERO_HASH) {
  return {
    identity: row.identity,
    latitudeE7: degreesE7(row.latitudeDeg),
    longitudeE7: degreesE7(row.longitudeDeg),
    authorizationKeyHash: authorizationKeyHash(Buffer.from(password, 'hex')),
    certificateFingerprint: certificate,
    connectors: row.connectors,
  };
}

function degreesE7(degrees: number): number {
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
