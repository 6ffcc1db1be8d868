import type { CardPool } from './card-pool.ts';
import type { Charger } from './charger.ts';
import { type Clock, oneOf, type Random, wholeBetween } from './clock.ts';
import type { Car } from './connector-state.ts';

/** How busy a charger is; each span is drawn evenly between its two ends, ms. */
export interface Pace {
  idleMs: readonly [number, number];
  cardMs: readonly [number, number];
  chargeMs: readonly [number, number];
  leaveMs: readonly [number, number];
  repairMs: readonly [number, number];
  /** Share of visits that end in a fault, 0 … 1. */
  faultShare: number;
}

/** A pace at which something is to be seen every few seconds. */
export const BRISK: Pace = {
  idleMs: [5_000, 30_000],
  cardMs: [2_000, 6_000],
  chargeMs: [20_000, 90_000],
  leaveMs: [3_000, 10_000],
  repairMs: [5_000, 15_000],
  faultShare: 0.05,
};

const MAX_POWERS_W = [3_680, 7_360, 11_000, 22_000] as const;
const CAPACITIES_WH = [28_000, 52_000, 77_000, 100_000] as const;

/** Lets cars come and go at every connector of a charger until it is closed. */
export function startTraffic(
  charger: Charger,
  connectors: number,
  cards: CardPool,
  pace: Pace,
  clock: Clock,
  random: Random,
): { close: () => void } {
  let isClosed = false;
  const cancels = new Map<number, () => void>();

  /** Settles after a time of that span; once all is closed never, so that nobody comes any more. */
  const wait = (connector: number, [leastMs, mostMs]: readonly [number, number]) =>
    new Promise<void>((done) => {
      if (!isClosed) cancels.set(connector, clock.after(wholeBetween(random, leastMs, mostMs), done));
    });

  async function visits(connector: number): Promise<void> {
    while (!isClosed) {
      await wait(connector, pace.idleMs);
      if (charger.plug(connector, someCar(random)) !== undefined) continue;
      await wait(connector, pace.cardMs);
      const idTag = cards.take();
      if (idTag !== undefined) {
        await charge(connector, idTag);
        cards.give(idTag);
      }
      await wait(connector, pace.leaveMs);
      charger.unplug(connector);
    }
  }

  async function charge(connector: number, idTag: string): Promise<void> {
    if ((await charger.present(connector, idTag)) !== undefined) return;
    await wait(connector, pace.chargeMs);
    if (random() < pace.faultShare) await breakDown(connector);
    else await charger.present(connector, idTag);
  }

  async function breakDown(connector: number): Promise<void> {
    const errorCode = oneOf(random, ['GroundFailure', 'OverCurrentFailure', 'HighTemperature'] as const);
    charger.act(connector, { kind: 'fault', errorCode });
    await wait(connector, pace.repairMs);
    charger.act(connector, { kind: 'repair' });
  }

  for (let connector = 1; connector <= connectors; connector++) void visits(connector);

  return {
    close: () => {
      isClosed = true;
      for (const cancel of cancels.values()) cancel();
    },
  };
}

/** A car as they come: battery of a usual size, part full. */
export function someCar(random: Random): Car {
  const capacityWh = oneOf(random, CAPACITIES_WH);
  const levelWh = Math.floor(capacityWh * (0.1 + 0.7 * random()));
  return { battery: { capacityWh, levelWh }, maxPowerW: oneOf(random, MAX_POWERS_W) };
}
