/** How long answers take, counted by bounds. */
export interface LatencyHistogram {
  /** @param seconds - not negative */
  observe: (seconds: number) => void;
  /** The histogram in Prometheus' text format. */
  render: () => string;
}

/** Bounds, seconds, each the upper one of its bucket. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * A histogram without labels as an array of counts: what prom-client does for the labels that there are none of costs
 * more than the rest, at each message.
 */
export function makeLatencyHistogram(name: string, help: string): LatencyHistogram {
  /** By bucket; the last is over every bound. */
  const counts = new Array<number>(BOUNDS.length + 1).fill(0);
  let sumSec = 0;
  return {
    observe: (seconds) => {
      let bucket = 0;
      while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] as number)) bucket++;
      counts[bucket] = (counts[bucket] as number) + 1;
      sumSec += seconds;
    },
    render: () => {
      let total = 0;
      const buckets = [...BOUNDS, '+Inf'].map((bound, i) => {
        total += counts[i] as number;
        return `${name}_bucket{le="${bound}"} ${total}`;
      });
      const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`, ...buckets];
      return `${[...lines, `${name}_sum ${sumSec}`, `${name}_count ${total}`].join('\n')}\n`;
    },
  };
}
