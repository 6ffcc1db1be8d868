/** A car's battery as a charger sees it. */
export interface Battery {
  capacityWh: number;
  levelWh: number;
}

/** Up to this share of its capacity a battery takes full power; from there the power falls in a straight line. */
const FULL_POWER_UP_TO = 0.8;
/** What a nearly full battery still takes, as a share of full power. */
const LEAST_POWER = 0.05;

/** Power the battery takes now, W; 0 if it is full. */
export function chargePowerW(battery: Battery, maxPowerW: number): number {
  const filled = battery.levelWh / battery.capacityWh;
  if (filled >= 1) return 0;
  if (filled <= FULL_POWER_UP_TO) return maxPowerW;
  const left = (1 - filled) / (1 - FULL_POWER_UP_TO);
  return maxPowerW * (LEAST_POWER + (1 - LEAST_POWER) * left);
}

/**
 * Energy delivered over a span, in steps of a minute at most so that the falling power is followed.
 *
 * @param limitW - most power that is offered, W
 * @returns Wh, never more than the battery has room for
 */
export function chargedWh(
  battery: Battery,
  maxPowerW: number,
  spanMs: number,
  limitW = Number.POSITIVE_INFINITY,
): number {
  const step = 60_000;
  let levelWh = battery.levelWh;
  for (let leftMs = spanMs; leftMs > 0; leftMs -= step) {
    const powerW = Math.min(limitW, chargePowerW({ capacityWh: battery.capacityWh, levelWh }, maxPowerW));
    levelWh = Math.min(battery.capacityWh, levelWh + (powerW * Math.min(step, leftMs)) / 3_600_000);
    if (powerW === 0) break;
  }
  return levelWh - battery.levelWh;
}
