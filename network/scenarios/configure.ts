import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Charger } from '../../simulator/charger.ts';
import { ocpp201 } from '../../simulator/ocpp20.ts';
import { until } from '../deadline.ts';
import { must, mustDo, mustEqual } from './check.ts';
import { plugIn } from './session.ts';
import { LIMIT_MS, type Stage } from './stage.ts';

/** What a manager had its chargers do. */
export interface Configured {
  /** Request by which the chain knows each change. */
  onChain: { of16: string; of20: string; command: string };
  /** Values that the chain was told afterwards. */
  values: { of16: string; of20: string };
  /** OCPP actions that were done by signature. */
  bySignature: string[];
  /** Why what must not be done was not. */
  refused: { unknownKey: string; secret: string; stranger: string };
}

/** A manager reads and changes configuration through the chain, and commands its chargers by signature. */
export async function playConfiguration(stage: Stage): Promise<Configured> {
  const of16 = await stage.charger('CP-TUNE');
  const of20 = await stage.charger('CP-TUNE-20', { dialect: ocpp201 });
  const { zurich, lisbon } = stage.people;
  const set16 = await stage.devsen(zurich, 'config', 'set', 'CP-TUNE', 'HeartbeatInterval', '77');
  const read16 = await stage.devsen(zurich, 'config', 'get', 'CP-TUNE', 'HeartbeatInterval', 'NoSuchKey');
  const key = 'OCPPCommCtrlr.HeartbeatInterval';
  const set20 = await stage.devsen(zurich, 'config', 'set', 'CP-TUNE-20', key, '78');
  const read20 = await stage.devsen(zurich, 'config', 'get', 'CP-TUNE-20', key);
  const values = {
    of16: (read16.values as Record<string, string>).HeartbeatInterval ?? '',
    of20: (read20.values as Record<string, string>)[key] ?? '',
  };
  mustEqual('value of a key that the charger has not', (read16.values as Record<string, string>).NoSuchKey, '');
  mustEqual('values that the chain was told', values, { of16: '77', of20: '78' });
  mustEqual(
    'values that the chargers have',
    [settingOf(of16, 'HeartbeatInterval'), settingOf(of20, 'HeartbeatInterval')],
    ['77', '78'],
  );
  const refused = {
    unknownKey: await stage.devsenRefuses(zurich, 'config', 'set', 'CP-TUNE', 'NoSuchKey', '1'),
    secret: await stage.devsenRefuses(zurich, 'config', 'set', 'CP-TUNE', 'AuthorizationKey', 'abc'),
    stranger: await stage.devsenRefuses(lisbon, 'command', 'CP-TUNE', 'Reset', '{"type":"Soft"}'),
  };
  const onChain = await stage.devsen(zurich, 'command', 'CP-TUNE', 'ClearCache', '{}', '--on-chain');
  const bySignature = await commandBySignature(stage, of16);
  return {
    onChain: { of16: String(set16.requestId), of20: String(set20.requestId), command: String(onChain.requestId) },
    values,
    bySignature,
    refused,
  };
}

async function commandBySignature(stage: Stage, charger: Charger): Promise<string[]> {
  const done: string[] = [];
  const command = async (action: string, payload: object, expected = 'Accepted') => {
    const reply = await stage.devsen(
      stage.people.zurich,
      ...['command', charger.identity, action, JSON.stringify(payload)],
    );
    if (expected !== '') mustEqual(`answer to ${action}`, reply.status, expected);
    done.push(action);
    return reply;
  };
  const becomes = (connector: number, status: string) =>
    until(`${charger.identity}/${connector} to be ${status}`, LIMIT_MS, () =>
      charger.connector(connector).status === status ? true : undefined,
    );

  await command('ChangeAvailability', { connectorId: 1, type: 'Inoperative' });
  await becomes(1, 'Unavailable');
  await command('ChangeAvailability', { connectorId: 1, type: 'Operative' });
  await becomes(1, 'Available');

  const expiryDate = new Date(Date.now() + 3_600_000).toISOString();
  await command('ReserveNow', { connectorId: 2, expiryDate, idTag: 'CARD-RESERVED', reservationId: 7 });
  await becomes(2, 'Reserved');
  await plugIn(charger, 2);
  const turnedAway = await charger.present(2, 'CARD-OF-THE-RESERVER');
  must('a reserved connector serves nobody else', turnedAway !== undefined);
  mustDo(charger.unplug(2));
  await command('CancelReservation', { reservationId: 7 });
  await becomes(2, 'Available');

  const chargingSchedule = { chargingRateUnit: 'W', chargingSchedulePeriod: [{ startPeriod: 0, limit: 7_000 }] };
  const kind = { chargingProfilePurpose: 'TxDefaultProfile', chargingProfileKind: 'Relative' };
  const csChargingProfiles = { chargingProfileId: 1, stackLevel: 0, ...kind, chargingSchedule };
  await command('SetChargingProfile', { connectorId: 1, csChargingProfiles });
  await command('ClearChargingProfile', { id: 1 });
  await command('UnlockConnector', { connectorId: 1 }, 'Unlocked');
  await moveFiles(stage, charger, command);
  await command('Reset', { type: 'Soft' });
  return done;
}

/** The charger brings its diagnostics to a server, and gets its firmware from it. */
async function moveFiles(
  stage: Stage,
  charger: Charger,
  command: (action: string, payload: object, expected?: string) => Promise<Record<string, unknown>>,
): Promise<void> {
  const seen: string[] = [];
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    seen.push(`${request.method} ${request.url}`);
    response.end(request.method === 'GET' ? 'firmware 0.2.0' : undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const { fileName } = await command('GetDiagnostics', { location: `${base}/logs` }, '');
    await until('the diagnostics to be brought', LIMIT_MS, () => seen.includes(`PUT /logs/${fileName}`) || undefined);
    const retrieveDate = new Date().toISOString();
    await command('UpdateFirmware', { location: `${base}/devsen-0.2.0.bin`, retrieveDate }, '');
    await until('the firmware to be got', LIMIT_MS, () => seen.includes('GET /devsen-0.2.0.bin') || undefined);
    // It boots anew with it, and tells so when it is back.
    await until('the firmware to be told as installed', LIMIT_MS, () =>
      stage.told(charger.identity).some((message) => message.kind === 'firmware' && message.status === 'Installed')
        ? true
        : undefined,
    );
  } finally {
    await closed(server);
  }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((done) => server.close(() => done()));
}

function settingOf(charger: Charger, name: string): string | undefined {
  return charger.settings().find((setting) => setting.name.endsWith(name))?.value;
}
