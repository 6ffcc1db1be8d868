import type { Command } from 'commander';
import { ZeroHash } from 'ethers';
import { authorizationKeyHash } from '../../core/identity.ts';
import { call } from '../contracts.ts';
import { makeAuthorizationKey } from '../local-setup.ts';
import type { Place } from '../map.ts';
import { type AddOptions, addOne, degreesE7, importAll, waitOnline } from './charger-setup.ts';
import { CONNECTOR_FORM, readConnector } from './charger-spec.ts';
import { listChargers, showCharger } from './charger-view.ts';
import { readConnection, showConnection } from './connection.ts';
import { inNetwork, type Streams } from './session.ts';
import { describeTariff, setTariff, TARIFF_OPTIONS } from './tariff.ts';
import { transact } from './tx.ts';
import { address, place, whole } from './values.ts';

const PAGE = 100;

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
      await inNetwork(command, streams, 'reader', (session) => listChargers(session, options));
    });

  chargers
    .command('show')
    .description('one charger, as the chain knows it')
    .argument('<identity>', 'its OCPP identity')
    .action(async (identity: string, _options, command: Command) => {
      await inNetwork(command, streams, 'reader', (session) => showCharger(session, identity));
    });

  const add = chargers
    .command('add')
    .description('registers a charger of yours, and prints, once, with what it connects')
    .argument('<identity>', 'its OCPP identity: 1 to 48 of A-Z a-z 0-9 _ = : | @ . -')
    .requiredOption('--at <north,east>', 'where it stands, degrees, as 47.3769,8.5417', place)
    .requiredOption(`--connector <what>`, `one of its connectors, in order; ${CONNECTOR_FORM}`, readConnector)
    .option('--meter-key <file>', "its meter's public key, PEM or DER")
    .option('--wait <seconds>', 'then waits so long for it to be online; prints a second result', whole(1, 86_400))
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
      await inNetwork(command, streams, 'manager', (session) => importAll(session, file, out));
    });

  chargers
    .command('wait')
    .description('waits until a charger is online, as its operators have it on record')
    .argument('<identity>', 'its OCPP identity')
    .option('--within <seconds>', 'how long at most', whole(1, 86_400), 300)
    .action(async (identity: string, { within }: { within: number }, command: Command) => {
      await inNetwork(command, streams, 'reader', async (session) => {
        await session.device(identity);
        await waitOnline(session, identity, within);
      });
    });

  const change = (name: string, about: string) =>
    chargers.command(name).description(about).argument('<identity>', 'its OCPP identity');

  change('move', 'says where a charger of yours stands')
    .argument('<north,east>', 'degrees', place)
    .action(async (identity: string, at: Place, _options, command: Command) => {
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
        const connection = await readConnection(session);
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
        const hasCertificate = certificate !== ZeroHash;
        if (done) showConnection(session, connection, { identity, password, hasCertificate });
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
