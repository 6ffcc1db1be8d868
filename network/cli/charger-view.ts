import { ZeroHash } from 'ethers';
import { STATUS_NAMES } from '../../core/status.ts';
import { call } from '../contracts.ts';
import { type ConnectorSpec, connectorText } from './charger-spec.ts';
import { identityOf } from './find.ts';
import { facts, table } from './output.ts';
import type { Session } from './session.ts';

/** Shows a page of all chargers, or of one manager's. */
export async function listChargers(
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

/** Shows one charger, as the chain knows it. */
export async function showCharger(session: Session, identity: string): Promise<void> {
  const { address: device, deviceId, contract } = await session.device(identity);
  const known = await summary(session, device);
  const faults = (await call(contract, 'faults')) as { connector: bigint; errorClass: bigint; observedAt: bigint }[];
  const meterKey = String(await call(contract, 'meterKey'));
  const [authorizationKeyHash, certificateFingerprint] = (await call(contract, 'credentials')) as [string, string];
  const signs = {
    hasPassword: authorizationKeyHash !== ZeroHash,
    hasCertificate: certificateFingerprint !== ZeroHash,
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
