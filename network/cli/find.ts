import type { Command } from 'commander';
import type { Result } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { POWER_TYPES } from '../../core/ocpi.ts';
import { call } from '../contracts.ts';
import { boxAround, distanceM } from '../map.ts';
import { agreementOnStatus } from './agreement.ts';
import { type Checked, checkRecords, isContradiction } from './find-verify.ts';
import { table } from './output.ts';
import { inNetwork, type Session, type Streams } from './session.ts';
import { tokenAt } from './tokens.ts';
import { amountText, decimal, lastedText, place } from './values.ts';

/** `devsen find`: connectors at which one can charge, from the chain alone. */
export function addFindCommand(program: Command, streams: Streams): void {
  program
    .command('find')
    .description('connectors that are available near a place, as far as the oracles last agreed')
    .requiredOption('--near <north,east>', 'degrees, as 47.3769,8.5417', place)
    .option('--within <km>', 'how far, as the crow flies', decimal(0.1, 200), 5)
    .option('--power <kW>', 'least power', decimal(0, 2_000), 0)
    .option('--verify', "compares that with operators' records; with PEER_TOKEN set, with proofs", false)
    .action(async (options: FindOptions, command: Command) => {
      await inNetwork(command, streams, 'reader', (session) => find(session, options, streams.env.PEER_TOKEN ?? ''));
    });
}

interface FindOptions {
  near: { latitudeDeg: number; longitudeDeg: number };
  within: number;
  power: number;
  verify: boolean;
}

/** One row of what was found. */
interface Found {
  identity: string;
  device: string;
  connector: number;
  distanceM: number;
  maxPowerW: number;
  powerType: string;
  price: {
    token: string;
    symbol: string;
    perKwh: string;
    perMinute: string;
    flat: string;
    perIdleMinute: string;
  } | null;
  /** When it was last known to be available, and as of when the oracles said so, Unix seconds. */
  observedAtSec: number;
  askedAtSec: number;
  /** How old that answer is by the chain's own time, s. */
  ageSec: number;
  /** So many operators gave it, of so many that were asked. */
  agreeing: number;
  asked: number;
  /** What operators' records say of it, with `--verify`. */
  records?: Checked[];
}

async function find(session: Session, options: FindOptions, peerToken: string): Promise<void> {
  const { near, within, power } = options;
  const factory = await session.contract('FactoryDEVSEN');
  const box = boxAround(near, within * 1_000);
  const rows = (await call(factory, 'availableInBox', box)) as AvailableRow[];
  const nowSec = (await session.provider.getBlock('latest'))?.timestamp ?? Math.floor(Date.now() / 1_000);
  const found: Found[] = [];
  for (const row of rows) {
    const at = { latitudeDeg: Number(row.latitudeE7) / 1e7, longitudeDeg: Number(row.longitudeE7) / 1e7 };
    const away = distanceM(near, at);
    const maxPowerW = Number(row.offers.maxPowerW);
    if (away > within * 1_000 || maxPowerW < power * 1_000) continue;
    const contract = await session.contractAt('DeviceDEVSEN', row.device);
    const { agreeing = 0, asked = 0 } = (await agreementOnStatus(session, contract, Number(row.connector))) ?? {};
    found.push({
      identity: await identityOf(session, row.device),
      device: row.device,
      connector: Number(row.connector),
      distanceM: Math.round(away),
      maxPowerW,
      powerType: POWER_TYPES[Number(row.offers.powerType)] ?? 'UNSAID',
      price: await priceOf(session, row.device),
      observedAtSec: Number(row.observedAt),
      askedAtSec: Number(row.askedAt),
      ageSec: Math.max(nowSec - Number(row.askedAt), 0),
      agreeing,
      asked,
    });
  }
  found.sort((a, b) => a.distanceM - b.distanceM || a.connector - b.connector);
  if (options.verify) {
    const checked = await checkRecords(session, found, peerToken);
    for (const [n, row] of found.entries()) row.records = checked[n] ?? [];
  }
  session.output.result(found, () => {
    const cells = found.map((row) => [
      `${row.identity}/${row.connector}`,
      `${(row.distanceM / 1_000).toFixed(1)} km`,
      [`${row.maxPowerW / 1_000} kW`, row.powerType === 'UNSAID' ? '' : row.powerType].join(' ').trim(),
      row.price === null ? 'no tariff' : `${row.price.perKwh} ${row.price.symbol}/kWh`,
      lastedText(Math.max(nowSec - row.observedAtSec, 0)),
      `${lastedText(row.ageSec)} ago`,
      `${row.agreeing} of ${row.asked}`,
      ...(row.records === undefined ? [] : [recordsText(row.records)]),
    ]);
    const headings = ['connector', 'distance', 'power', 'price', 'available for', 'asked', 'say so'];
    return table(options.verify ? [...headings, 'on record'] : headings, cells, 'None is known to be available there.');
  });
  const contradicted = found.flatMap(({ identity, connector, records = [] }) =>
    records.filter(isContradiction).map((one) => `${identity}/${connector}: ${contradictionText(one)}`),
  );
  if (contradicted.length > 0) {
    throw new DevsenError('CONFLICT', `chain and records do not say the same\n${contradicted.join('\n')}`);
  }
}

function recordsText(records: readonly Checked[]): string {
  const count = (is: (one: Checked) => boolean) => records.filter(is).length;
  const parts = (['agrees', 'newer', 'behind', 'silent', 'differs'] as const).flatMap((comparison) => {
    const n = count((one) => one.comparison === comparison);
    return n === 0 ? [] : [`${n} ${RECORD_WORDS[comparison]}`];
  });
  const proven = count(({ proof }) => proof === 'proven');
  return [...parts, ...(proven > 0 ? [`${proven} proven`] : [])].join(', ');
}

const RECORD_WORDS = { agrees: 'the same', newer: 'newer', behind: 'behind', silent: 'silent', differs: 'DIFFERENT' };

function contradictionText({ adapter, says, proof }: Checked): string {
  if (proof === 'false') return `${adapter} shows an event that does not prove what it says`;
  const seen = says === null ? 'nothing' : `${says.status} since ${new Date(says.observedAtSec * 1_000).toISOString()}`;
  return `${adapter} says ${seen}${says?.online === false ? ', offline' : ''}`;
}

interface AvailableRow {
  device: string;
  connector: bigint;
  latitudeE7: bigint;
  longitudeE7: bigint;
  offers: { maxPowerW: bigint; powerType: bigint };
  observedAt: bigint;
  askedAt: bigint;
}

/** A charger's identity stands in the log of its registration only. */
export async function identityOf(session: Session, device: string): Promise<string> {
  const factory = await session.contract('FactoryDEVSEN');
  const filter = factory.filters.DeviceCreated?.(null, device);
  const [log] = filter === undefined ? [] : await factory.queryFilter(filter, 0);
  const identity = (log as { args?: { identity?: string } } | undefined)?.args?.identity;
  if (identity === undefined) throw new DevsenError('NOT_FOUND', `${device} is no charger of this network`);
  return identity;
}

async function priceOf(session: Session, device: string): Promise<Found['price']> {
  const contract = await session.contractAt('DeviceDEVSEN', device);
  if ((await call(contract, 'tariffCount')) === 0n) return null;
  try {
    const [, tariff] = (await call(contract, 'tariffNow')) as [bigint, Result];
    // By name alone `flat` would be the method that every list has.
    const prices = tariff.toObject() as Record<string, bigint> & { token: string };
    const { symbol, decimals } = await tokenAt(session, prices.token);
    const text = (name: string) => amountText(prices[name] ?? 0n, decimals);
    return {
      token: prices.token,
      symbol,
      perKwh: text('perKwh'),
      perMinute: text('perMinute'),
      flat: text('flat'),
      perIdleMinute: text('perIdleMinute'),
    };
  } catch (error) {
    // One that holds from a later time on.
    if ((error as { revert?: { name?: string } }).revert?.name === 'NoTariff') return null;
    throw error;
  }
}
