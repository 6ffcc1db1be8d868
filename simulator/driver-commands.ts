import { ERROR_CLASSES } from '../core/status.ts';
import type { Charger } from './charger.ts';
import { CONNECTOR_STATUSES } from './charger-message.ts';
import type { Car } from './connector-state.ts';
import { readMeter } from './connector-state.ts';

export const COMMAND_HELP = `  plug <connector>                   a car is plugged in
  card <connector> <idTag>           a card is presented: starts, or stops what it started
  unplug <connector>                 the car leaves
  fault <connector> <errorCode>      something breaks, e.g. GroundFailure
  repair <connector>                 and is mended
  status <connector> <status>        puts a status in place, e.g. Charging
  show                               how each connector is
  cut                                drops the connection
  quit                               stops the charger`;

/** The car that `plug` brings: a mid-size one, a third full. */
const CAR: Car = { battery: { capacityWh: 52_000, levelWh: 17_000 }, maxPowerW: 11_000 };

/**
 * Does what one line says.
 *
 * @returns what to print; 'quit' asks to stop
 */
export async function runCommand(charger: Charger, connectors: number, line: string): Promise<string> {
  const [verb = '', connectorText = '', rest = ''] = line.trim().split(/\s+/, 3);
  if (verb === '') return '';
  if (verb === 'quit') return 'quit';
  if (verb === 'cut') {
    charger.powerCut();
    return 'Done';
  }
  if (verb === 'show') return show(charger, connectors);
  const connector = Number(connectorText);
  if (!['plug', 'card', 'unplug', 'fault', 'repair', 'status'].includes(verb))
    return `No such command: ${verb}\n${COMMAND_HELP}`;
  if (!Number.isInteger(connector) || connector < 1 || connector > connectors) {
    return `${verb} needs a connector from 1 to ${connectors}`;
  }
  switch (verb) {
    case 'plug':
      return done(charger.plug(connector, CAR));
    case 'unplug':
      return done(charger.unplug(connector));
    case 'card':
      return rest ? done(await charger.present(connector, rest)) : 'card needs an idTag';
    case 'repair':
      return done(charger.act(connector, { kind: 'repair' }));
    case 'fault':
      if (!ERROR_CLASSES.some((known) => known === rest))
        return `fault needs one of ${ERROR_CLASSES.slice(1).join(', ')}`;
      return done(charger.act(connector, { kind: 'fault', errorCode: rest }));
    default: {
      const status = CONNECTOR_STATUSES.find((known) => known.toLowerCase() === rest.toLowerCase());
      if (!status) return `status needs one of ${CONNECTOR_STATUSES.join(', ')}`;
      return done(charger.act(connector, { kind: 'force', status, errorCode: 'NoError' }));
    }
  }
}

function done(refused: string | undefined): string {
  return refused ? `Not done: ${refused}` : 'Done';
}

function show(charger: Charger, connectors: number): string {
  const lines = [charger.isOnline() ? 'online' : 'offline'];
  for (let number = 1; number <= connectors; number++) {
    const connector = charger.connector(number);
    const { registerWh, powerW } = readMeter(connector);
    lines.push(`connector ${number}: ${connector.status}, ${registerWh} Wh, ${powerW} W`);
  }
  return lines.join('\n');
}
