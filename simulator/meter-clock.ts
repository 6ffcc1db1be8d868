import type { MeterOccasion } from './charger-message.ts';
import type { Clock } from './clock.ts';
import type { StationSettings } from './station-settings.ts';

/** Reads the meters at the intervals that the settings name. */
export interface MeterClock {
  /** To be called when an interval was set. */
  rearm: () => void;
  close: () => void;
}

export function startMeterClock(
  clock: Clock,
  settings: StationSettings,
  read: (occasion: MeterOccasion) => void,
): MeterClock {
  let cancelPeriodic = () => {};
  let cancelAligned = () => {};

  function armPeriodic(): void {
    cancelPeriodic();
    cancelPeriodic = clock.after(settings.number('MeterValueSampleInterval') * 1000, () => {
      read('Periodic');
      armPeriodic();
    });
  }

  /** At whole multiples of the interval since midnight; an interval of 0 is none. */
  function armAligned(): void {
    cancelAligned();
    cancelAligned = () => {};
    const intervalMs = settings.number('ClockAlignedDataInterval') * 1000;
    if (intervalMs === 0) return;
    cancelAligned = clock.after(intervalMs - (clock.nowMs() % intervalMs), () => {
      read('Clock');
      armAligned();
    });
  }

  const rearm = () => {
    armPeriodic();
    armAligned();
  };
  rearm();
  return {
    rearm,
    close: () => {
      cancelPeriodic();
      cancelAligned();
    },
  };
}
