import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Contract, id } from 'ethers';
import { call } from '../network/contracts.ts';
import {
  answerWith,
  CARD,
  hourEndingNow,
  openSessionStage,
  pass,
  requestIdIn,
  type SessionStage,
  startedNow,
  transact,
} from '../test/sessions/stage.ts';

/** Gas of txs by what they do, with intrinsic gas; measured on real txs in an order that never changes. */
export type GasTable = Record<string, number>;

/** Most gas of some of them. */
export const GOALS: GasTable = {
  'create a charger': 115_000,
  'create 50 chargers, each': 90_000,
  'start of a session, beside the bare request': 90_000,
  "settle a card's session, with a fee": 95_000,
};

export const SNAPSHOT = join(import.meta.dirname, 'gas-snapshot.json');
/** Difference of gas that needs no explanation: signatures and ids have zero bytes by chance. */
export const TOLERANCE_GAS = 300;

/** Measures all. Everything is done once before, so that no balance or counter is new. */
export async function measureGas(): Promise<GasTable> {
  const stage = await openSessionStage();
  try {
    const table: GasTable = {};
    await createChargers(stage, table);
    await askAsConsumer(stage);
    const bareGas = await askAsConsumer(stage);
    await charge(stage);
    const { startGas, answerGas, activateGas, settleGas } = await charge(stage);
    table['request a status, n = 4'] = bareGas;
    table['start of a session, n = 4'] = startGas;
    table['start of a session, beside the bare request'] = startGas - bareGas;
    table['first answer of an operator'] = answerGas;
    table['answer that makes a session active'] = activateGas;
    table['answer that settles a session'] = settleGas;
    await settleByCard(stage, 'GAS, seq 1');
    table["settle a card's session, with a fee"] = await settleByCard(stage, 'GAS, seq 2');
    return table;
  } finally {
    await stage.close();
  }
}

async function createChargers(stage: SessionStage, table: GasTable): Promise<void> {
  const factory = stage.network.factory.connect(stage.managed.runner) as Contract;
  const one = await transact(factory, 'createDevice', chargerOf('GAS-0'));
  table['create a charger'] = Number(one.gasUsed);
  const fifty = Array.from({ length: 50 }, (_, i) => chargerOf(`GAS-${i + 1}`));
  const batch = await transact(factory, 'createDevices', fifty);
  table['create 50 chargers, each'] = Math.round(Number(batch.gasUsed) / 50);
}

/** A charger with a key and two connectors, in the cell of the one that is there. */
function chargerOf(identity: string): Record<string, unknown> {
  return {
    identity,
    latitudeE7: 481_371_079,
    longitudeE7: 115_753_822,
    authorizationKeyHash: id(identity),
    certificateFingerprint: `0x${'00'.repeat(32)}`,
    connectors: [1, 2].map((evse) => ({ evse, standard: 28, format: 1, powerType: 4, maxPowerW: 22_000 })),
  };
}

/** The bare request: the ledger asked by an account that pays itself. */
async function askAsConsumer(stage: SessionStage): Promise<number> {
  const oracle = stage.network.oracle.connect(stage.device.runner) as Contract;
  const deviceId = await call(stage.device, 'deviceId');
  const asked = await transact(oracle, 'request', 1, deviceId, `0x${'00'.repeat(31)}01`, stage.driver);
  return Number(asked.gasUsed);
}

async function charge(
  stage: SessionStage,
): Promise<{ startGas: number; answerGas: number; activateGas: number; settleGas: number }> {
  const asked = await transact(stage.device, 'startCharge', 1, 20n * 10n ** 18n, 1, stage.driver);
  const started = await startedNow(stage);
  const starts = await answerWith(stage, asked, [started, started, started, started]);
  await pass(stage, 3_600);
  const asked2 = await transact(stage.device, 'requestSessionResult', requestIdIn(asked), stage.driver);
  const hour = await hourEndingNow(stage);
  const ends = await answerWith(stage, asked2, [hour, hour, hour, hour]);
  return {
    startGas: Number(asked.gasUsed),
    answerGas: Number(starts[0]?.gasUsed),
    activateGas: Number(starts[1]?.gasUsed),
    settleGas: Number(ends[1]?.gasUsed),
  };
}

/** A session of which the chain learns when it is over; whoever wants to settles it by a tx of its own. */
async function settleByCard(stage: SessionStage, name: string): Promise<number> {
  await pass(stage, 3_600);
  const asked = await transact(stage.device, 'requestSessionResult', id(name), stage.driver);
  const hour = await hourEndingNow(stage, { idTag: CARD });
  await answerWith(stage, asked, [hour, hour]);
  return Number((await transact(stage.managed, 'settleSession', id(name))).gasUsed);
}

/** What changed more than chance allows against the snapshot in git, one line each. */
export function compareGas(measured: GasTable, known: GasTable): string[] {
  const names = new Set([...Object.keys(measured), ...Object.keys(known)]);
  return [...names].flatMap((name) => {
    const [now, before] = [measured[name], known[name]];
    if (now !== undefined && before !== undefined && Math.abs(now - before) <= TOLERANCE_GAS) return [];
    return [`${name}: ${before ?? 'not there'} → ${now ?? 'not measured'}`];
  });
}

export function readSnapshot(): GasTable {
  return JSON.parse(readFileSync(SNAPSHOT, 'utf8')) as GasTable;
}

/** `npm run gas`: prints the table and fails on a change; with `--update` takes the change over. */
async function main(): Promise<void> {
  const table = await measureGas();
  for (const [name, gas] of Object.entries(table)) {
    const goal = GOALS[name];
    const verdict = goal === undefined ? '' : `  goal ${goal.toLocaleString('en')}, ${gas <= goal ? 'met' : 'MISSED'}`;
    process.stdout.write(`${name.padEnd(46)}${gas.toLocaleString('en').padStart(10)}${verdict}\n`);
  }
  if (process.argv.includes('--update')) {
    writeFileSync(SNAPSHOT, `${JSON.stringify(table, null, 2)}\n`);
    return;
  }
  const changes = compareGas(table, readSnapshot());
  if (changes.length === 0) return;
  process.stderr.write(
    `\nGas changed; if it should, take it over with: npm run gas -- --update\n${changes.join('\n')}\n`,
  );
  process.exitCode = 1;
}

if (import.meta.main) await main();
