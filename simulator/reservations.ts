import type { ChargerMessage } from './charger-message.ts';
import type { Clock } from './clock.ts';
import type { ConnectorAction } from './connector.ts';
import type { Connector, Reservation } from './connector-state.ts';

/** The reservations of a charger's connectors, each until its time is over. */
export interface Reservations {
  /** One of an id that is held already takes its place. */
  reserve: (connector: number, reservation: Reservation) => 'Accepted' | 'Faulted' | 'Occupied' | 'Unavailable';
  /** @returns whether there was one */
  cancel: (id: number) => boolean;
  close: () => void;
}

export interface ReservationTools {
  clock: Clock;
  connectors: () => Iterable<Connector>;
  connector: (number: number) => Connector;
  act: (connector: number, action: ConnectorAction) => string | undefined;
  say: (message: ChargerMessage) => void;
}

export function makeReservations({ clock, connectors, connector, act, say }: ReservationTools): Reservations {
  const timers = new Map<number, () => void>();

  function release(id: number): boolean {
    timers.get(id)?.();
    timers.delete(id);
    const held = [...connectors()].find(({ reservation }) => reservation?.id === id);
    if (held) act(held.number, { kind: 'unreserve' });
    return held !== undefined;
  }

  return {
    reserve: (number, reservation) => {
      const { status, reservation: before } = connector(number);
      if (status === 'Faulted' || status === 'Unavailable') return status;
      if (before?.id !== reservation.id) release(reservation.id);
      if (act(number, { kind: 'reserve', reservation }) !== undefined) return 'Occupied';
      const { id, expiresAtMs } = reservation;
      timers.get(id)?.();
      const expire = () => {
        if (release(id)) say({ kind: 'reservationEnded', reservation: id, how: 'Expired' });
      };
      timers.set(id, clock.after(Math.max(0, expiresAtMs - clock.nowMs()), expire));
      return 'Accepted';
    },
    cancel: release,
    close: () => {
      for (const cancel of timers.values()) cancel();
    },
  };
}
