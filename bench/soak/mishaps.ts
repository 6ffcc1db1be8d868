/** What goes wrong in a soak. */
export type Mishap = {
  /** After the one before has been mended, ms. */
  afterMs: number;
} & (
  | { kind: 'kill'; victim: string /** How long it stays away, ms. */; awayMs: number }
  /** The process stands still, its connections stay: a network that is cut, a machine that is too busy. */
  | { kind: 'freeze'; victim: string; awayMs: number }
  /** Connections of chargers break. */
  | { kind: 'cut'; share: number }
);

/** Weights of what can go wrong; Redis and gateway are what all hangs on. `isEnd`: a process whose memory is looked at ends. */
const CASES = [
  { weight: 4, isEnd: true, make: (random: () => number) => kill('gateway', random) },
  { weight: 2, make: (random: () => number) => freeze('gateway', random) },
  { weight: 3, make: (random: () => number) => kill('redis', random) },
  { weight: 3, make: (random: () => number) => freeze('redis', random) },
  {
    weight: 4,
    isEnd: true,
    make: (random: () => number, operators: number) => kill(someOperator(random, operators), random),
  },
  { weight: 2, make: (random: () => number, operators: number) => freeze(someOperator(random, operators), random) },
  { weight: 3, make: (random: () => number) => ({ kind: 'cut' as const, share: 0.05 + 0.25 * random() }) },
  { weight: 1, make: () => ({ kind: 'cut' as const, share: 1 }) },
];

/**
 * @param meanMs - between the end of one mishap and the next, on average
 * @param mayEnd - whether gateway and operators may be killed; how their memory goes shows only in those that live long
 */
export function nextMishap(random: () => number, operators: number, meanMs: number, mayEnd = true): Mishap {
  const afterMs = Math.round(meanMs * (0.5 + random()));
  const cases = CASES.filter(({ isEnd }) => mayEnd || isEnd !== true);
  let left = random() * cases.reduce((sum, { weight }) => sum + weight, 0);
  for (const { weight, make } of cases) {
    left -= weight;
    if (left < 0) return { afterMs, ...make(random, operators) };
  }
  return { afterMs, kind: 'cut', share: 1 };
}

export function describeMishap(mishap: Mishap): string {
  if (mishap.kind === 'cut') return `${Math.round(mishap.share * 100)} % of the chargers lose their connection`;
  const seconds = (mishap.awayMs / 1000).toFixed(1);
  return mishap.kind === 'kill'
    ? `${mishap.victim} is killed, away ${seconds} s`
    : `${mishap.victim} stands still ${seconds} s`;
}

function kill(victim: string, random: () => number) {
  return { kind: 'kill' as const, victim, awayMs: Math.round(6_000 * random()) };
}

function freeze(victim: string, random: () => number) {
  return { kind: 'freeze' as const, victim, awayMs: Math.round(1_000 + 14_000 * random()) };
}

function someOperator(random: () => number, operators: number): string {
  return `operator-${1 + Math.floor(random() * operators)}`;
}
