import { ERROR_CLASSES } from '../core/status.ts';
import type { Charger } from './charger.ts';
import { CONNECTOR_STATUSES } from './charger-message.ts';
import { type Car, readMeter } from './connector-state.ts';

/** The car that `plug` brings unless told: a mid-size one, a third full. */
const CAR: Car = { battery: { capacityWh: 52_000, levelWh: 17_000 }, maxPowerW: 11_000 };

interface Command {
  usage: string;
  about: string;
  /** @returns what to print */
  run: (charger: Charger, words: readonly string[]) => Promise<string> | string;
}

interface ConnectorCommand extends Omit<Command, 'run'> {
  /** @returns why nothing came of it, or undefined if it was done */
  run: (
    charger: Charger,
    connector: number,
    words: readonly string[],
  ) => Promise<string | undefined> | string | undefined;
}

/** What is done to one connector: its number follows the verb. */
const AT_CONNECTOR: Readonly<Record<string, ConnectorCommand>> = {
  plug: {
    usage: 'plug <connector> [kW] [% full]',
    about: 'a car is plugged in',
    run: (charger, connector, [kilowatts = '11', percent = '33']) => {
      const [maxPowerW, filled] = [Number(kilowatts) * 1000, Number(percent) / 100];
      if (!(maxPowerW > 0) || !(filled >= 0 && filled <= 1)) return 'expected kW, and % from 0 to 100';
      const { capacityWh } = CAR.battery;
      return charger.plug(connector, { battery: { capacityWh, levelWh: capacityWh * filled }, maxPowerW });
    },
  },
  card: {
    usage: 'card <connector> <idTag>',
    about: 'a card is presented: starts, or stops what it or its group started',
    run: (charger, connector, [idTag]) => (idTag ? charger.present(connector, idTag) : 'card needs an idTag'),
  },
  unplug: {
    usage: 'unplug <connector>',
    about: 'the car leaves',
    run: (charger, connector) => charger.unplug(connector),
  },
  pause: {
    usage: 'pause <connector> [EV | EVSE]',
    about: 'car or charger stops the flow for a while',
    run: (charger, connector, [by = 'EV']) =>
      by === 'EV' || by === 'EVSE' ? charger.act(connector, { kind: 'pause', by }) : 'pause is by EV or EVSE',
  },
  resume: {
    usage: 'resume <connector>',
    about: 'and lets it go on',
    run: (charger, connector) => charger.act(connector, { kind: 'resume' }),
  },
  stop: {
    usage: 'stop <connector>',
    about: 'the emergency stop is pressed',
    run: (charger, connector) => charger.act(connector, { kind: 'stop', reason: 'EmergencyStop' }),
  },
  meter: {
    usage: 'meter <connector>',
    about: 'the meter of a running transaction is told now',
    run: (charger, connector) => charger.act(connector, { kind: 'meter' }),
  },
  fault: {
    usage: 'fault <connector> <errorCode>',
    about: 'something breaks, e.g. GroundFailure',
    run: (charger, connector, [errorCode = '']) =>
      ERROR_CLASSES.slice(1).some((known) => known === errorCode)
        ? charger.act(connector, { kind: 'fault', errorCode })
        : `fault needs one of ${ERROR_CLASSES.slice(1).join(', ')}`,
  },
  repair: {
    usage: 'repair <connector>',
    about: 'and is mended',
    run: (charger, connector) => charger.act(connector, { kind: 'repair' }),
  },
  status: {
    usage: 'status <connector> <status>',
    about: 'puts a status in place, e.g. Charging',
    run: (charger, connector, [word = '']) => {
      const status = CONNECTOR_STATUSES.find((known) => known.toLowerCase() === word.toLowerCase());
      if (!status) return `status needs one of ${CONNECTOR_STATUSES.join(', ')}`;
      return charger.act(connector, { kind: 'force', status, errorCode: 'NoError' });
    },
  },
};

const AT_CHARGER: Readonly<Record<string, Command>> = {
  show: { usage: 'show', about: 'how the charger and its connectors are', run: show },
  settings: {
    usage: 'settings',
    about: 'its configuration',
    run: (charger) =>
      charger
        .settings()
        .map(({ name, value }) => `${name} = ${value}`)
        .join('\n'),
  },
  cut: { usage: 'cut', about: 'drops the connection; it comes back', run: (charger) => does(charger.powerCut) },
  offline: {
    usage: 'offline',
    about: 'stays away from the CSMS, and remembers what it has to tell',
    run: (charger) => does(() => charger.setOffline(true)),
  },
  online: {
    usage: 'online',
    about: 'comes back and tells it',
    run: (charger) => does(() => charger.setOffline(false)),
  },
  power: {
    usage: 'power',
    about: 'the power fails: transactions end, the charger boots anew',
    run: (charger) => does(charger.powerFailure),
  },
  certificate: {
    usage: 'certificate',
    about: 'asks the CSMS for a certificate, and uses it when it comes',
    run: (charger) => does(charger.askForCertificate),
  },
  wait: {
    usage: 'wait <seconds>',
    about: 'does nothing for a while',
    run: async (_charger, [seconds = '1']) => {
      if (!/^\d{1,6}(\.\d+)?$/.test(seconds)) return 'wait needs seconds';
      await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
      return 'Done';
    },
  },
  help: { usage: 'help', about: 'what can be done', run: () => COMMAND_HELP },
  quit: { usage: 'quit', about: 'stops the charger', run: () => 'quit' },
};

export const COMMAND_HELP: string = [...Object.values(AT_CONNECTOR), ...Object.values(AT_CHARGER)]
  .map(({ usage, about }) => `  ${usage.padEnd(32)}${about}`)
  .join('\n');

/**
 * Does what one line says.
 *
 * @returns what to print; 'quit' asks to stop
 */
export async function runCommand(charger: Charger, connectors: number, line: string): Promise<string> {
  const [verb = '', ...words] = line.trim().split(/\s+/);
  if (verb === '') return '';
  if (Object.hasOwn(AT_CHARGER, verb)) return (await AT_CHARGER[verb]?.run(charger, words)) ?? '';
  const command = Object.hasOwn(AT_CONNECTOR, verb) ? AT_CONNECTOR[verb] : undefined;
  if (!command) return `No such command: ${verb}\n${COMMAND_HELP}`;
  const [number = '', ...rest] = words;
  const connector = Number(number);
  if (!/^\d+$/.test(number) || connector < 1 || connector > connectors) {
    return `${verb} needs a connector from 1 to ${connectors}`;
  }
  const refused = await command.run(charger, connector, rest);
  return refused ? `Not done: ${refused}` : 'Done';
}

function does(act: () => void): string {
  act();
  return 'Done';
}

function show(charger: Charger): string {
  const waiting = charger.waiting();
  const lines = [
    `${charger.isOnline() ? 'online' : 'offline'}${waiting === 0 ? '' : `, ${waiting} messages wait to be told`}`,
  ];
  for (const number of charger.connectors()) {
    const connector = charger.connector(number);
    const { registerWh, powerW } = readMeter(connector);
    const { transaction, reservation, limitW, car } = connector;
    lines.push(
      [
        `connector ${number}: ${connector.status}, ${registerWh} Wh, ${powerW} W`,
        transaction && `transaction ${transaction.key} since ${new Date(transaction.startedAtMs).toISOString()}`,
        reservation && `reserved until ${new Date(reservation.expiresAtMs).toISOString()}`,
        limitW !== Number.POSITIVE_INFINITY && `at most ${Math.round(limitW)} W`,
        car && `battery ${Math.round((100 * car.battery.levelWh) / car.battery.capacityWh)} %`,
      ]
        .filter(Boolean)
        .join(', '),
    );
  }
  return lines.join('\n');
}
