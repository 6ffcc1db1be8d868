import type { Cards } from './cards.ts';
import { type Clock, type Random, uuidFrom } from './clock.ts';
import type { ConnectorAction } from './connector.ts';
import { type Awaited, type Car, type Connector, isSameCard } from './connector-state.ts';
import type { RemoteStart } from './controls.ts';
import { optional } from './json-fields.ts';
import type { StationSettings } from './station-settings.ts';

/** How transactions begin: at a car that is plugged in, or with one that is waited for. */
export interface Starts {
  /** What a CSMS asks for. @returns undefined if no connector is fit for it */
  remote: (order: RemoteStart) => { transaction?: string; connector: number } | undefined;
  /** Of somebody who was let in, where a car is plugged in. @returns why not */
  begin: (connector: number, card: Awaited) => { transaction: string } | { refused: string };
  /** @returns why not */
  plug: (connector: number, car: Car) => string | undefined;
  close: () => void;
}

export interface StartTools {
  clock: Clock;
  random: Random;
  configuration: StationSettings;
  cards: Pick<Cards, 'authorise'>;
  connectors: () => Iterable<Connector>;
  connector: (number: number) => Connector;
  act: (connector: number, action: ConnectorAction) => string | undefined;
  /** Told where nobody plugged in within `ConnectionTimeOut`. */
  onGivenUp: (connector: number) => void;
}

export function makeStarts(tools: StartTools): Starts {
  const { clock, random, configuration, cards, connector, act } = tools;
  const timers = new Map<number, () => void>();
  /** `ConnectionTimeOut`, OCPP 2.x `EVConnectionTimeOut`; at 0 nobody is waited for. */
  const patienceSec = () => configuration.number('ConnectionTimeOut');

  function begin(number: number, card: Awaited): { transaction: string } | { refused: string } {
    const transaction = uuidFrom(random);
    const refused = act(number, { kind: 'start', transaction, ...card });
    return refused === undefined ? { transaction } : { refused };
  }

  function awaitCar(number: number, card: Awaited): { transaction?: string } | { refused: string } {
    const isBegunAtOnce = configuration.findVariable('TxCtrlr', 'TxStartPoint')?.value === 'Authorized';
    const begun = optional('transaction', isBegunAtOnce ? uuidFrom(random) : undefined);
    const refused = act(number, { kind: 'await', ...begun, ...card });
    if (refused !== undefined) return { refused };
    timers.get(number)?.();
    const giveUp = () => {
      timers.delete(number);
      if (act(number, { kind: 'giveUp' }) === undefined) tools.onGivenUp(number);
    };
    timers.set(number, clock.after(patienceSec() * 1_000, giveUp));
    return begun;
  }

  /** Where a start may take place: at a car, or where one may come. */
  function placeFor({ connector: asked, ...card }: RemoteStart): Connector | undefined {
    const all = [...tools.connectors()].filter(({ number }) => (asked ?? number) === number);
    const plugged = all.find(({ status, awaited }) => status === 'Preparing' && !awaited);
    const free = all.find(({ status }) => status === 'Available' || status === 'Reserved');
    const place = plugged ?? (patienceSec() > 0 ? free : undefined);
    return place?.reservation && !isSameCard(place.reservation, card) ? undefined : place;
  }

  return {
    begin,
    remote: (order) => {
      const { connector: _, ...card } = order;
      const place = placeFor(order);
      if (!place) return undefined;
      const { number } = place;
      const start = (known: Awaited) =>
        connector(number).status === 'Preparing' ? begin(number, known) : awaitCar(number, known);
      if (configuration.isOn('AuthorizeRemoteTxRequests')) {
        void cards.authorise(card.idTag).then((known) => {
          if (known?.status === 'Accepted') start({ ...card, ...optional('group', known.group) });
        });
        return { connector: number };
      }
      const begun = start(card);
      return 'refused' in begun ? undefined : { connector: number, ...begun };
    },
    plug: (number, car) => {
      const { awaited, transaction } = connector(number);
      const refused = act(number, { kind: 'plug', car });
      if (refused === undefined && awaited && !transaction) begin(number, awaited);
      return refused;
    },
    close: () => {
      for (const cancel of timers.values()) cancel();
    },
  };
}
