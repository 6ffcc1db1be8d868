import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from '../contracts.ts';
import { must, mustEqual } from './check.ts';
import type { Stage } from './stage.ts';

/** What came of setting chargers up. */
export interface SetUp {
  /** The one that was registered by itself, and came online with what it was given. */
  added: string;
  /** Those of the CSV file; the first came online. */
  imported: string[];
  /** Degrees × 10⁷. */
  movedTo: [number, number];
  transferredTo: string;
  retired: string;
  /** Why what must not be done was not. */
  refused: { twice: string; stranger: string };
}

const CSV = `identity,latitude,longitude,connectors
CP-CSV-1,47.0502,8.3093,IEC_62196_T2:22:AC_3_PHASE:socket IEC_62196_T2:22:AC_3_PHASE:socket
CP-CSV-2,47.0503,8.3094,IEC_62196_T2_COMBO:150
CP-CSV-3,47.0504,8.3095,CHADEMO:50
`;

/** A manager registers a charger by one command, more from a file; moves one, gives one away, retires one. */
export async function playSetUp(stage: Stage): Promise<SetUp> {
  const folder = await mkdtemp(join(tmpdir(), 'devsen-set-up-'));
  try {
    return await setUp(stage, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function setUp(stage: Stage, folder: string): Promise<SetUp> {
  const { zurich, lisbon, admin } = stage.people;
  const [meterKey, csv, passwords] = ['meter.pem', 'chargers.csv', 'passwords.csv'].map((name) => join(folder, name));
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  await writeFile(String(meterKey), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(String(csv), CSV);

  const add = [
    ...['chargers', 'add', 'CP-NEW', '--at', '46.9480,7.4474'],
    ...['--connector', 'IEC_62196_T2_COMBO:150:DC:cable', '--connector', 'IEC_62196_T2:22:AC_3_PHASE:socket'],
    ...['--per-kwh', '0.4', '--flat', '1', '--token', stage.tokens.own.symbol, '--meter-key', String(meterKey)],
  ];
  const added = await stage.devsen(zurich, ...add);
  mustEqual('where the charger is told to connect', added.url, `${stage.network.state.gatewayUrl}/CP-NEW`);
  const shown = await stage.devsen(zurich, 'chargers', 'show', 'CP-NEW');
  mustEqual('what is known of the charger', [shown.manager, shown.hasMeterKey], [zurich.account, true]);
  // With what the commands printed and wrote, and nothing else, chargers come online.
  await stage.charger('CP-NEW', {}, String(added.password));
  await stage.devsen(zurich, 'chargers', 'import', String(csv), '--out', String(passwords));
  const rows = (await readFile(String(passwords), 'utf8')).trim().split('\n').slice(1);
  const imported = rows.map((row) => row.split(','));
  await stage.charger('CP-CSV-1', {}, imported[0]?.[2]);

  await stage.devsen(zurich, 'chargers', 'move', 'CP-CSV-1', '46.2044,6.1432');
  const [latitude, longitude] = (await call(await stage.device('CP-CSV-1'), 'location')) as [bigint, bigint];
  await stage.devsen(admin, 'users', 'set', lisbon.account, 'manager');
  await stage.devsen(zurich, 'chargers', 'transfer', 'CP-CSV-2', lisbon.account);
  await stage.devsen(zurich, 'chargers', 'retire', 'CP-CSV-3', '--for-ever');
  must('a retired charger is retired', (await call(await stage.device('CP-CSV-3'), 'isRetired')) === true);
  return {
    added: 'CP-NEW',
    imported: imported.map(([identity = '']) => identity),
    movedTo: [Number(latitude), Number(longitude)],
    transferredTo: String(await call(await stage.device('CP-CSV-2'), 'manager')),
    retired: 'CP-CSV-3',
    refused: {
      twice: await stage.devsenRefuses(zurich, ...add),
      stranger: await stage.devsenRefuses(zurich, 'chargers', 'move', 'CP-CSV-2', '46.2,6.1'),
    },
  };
}
