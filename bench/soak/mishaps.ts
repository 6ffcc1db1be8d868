import type { Swallowed } from './link-proxy.ts';

/** What goes wrong in a soak. */
export type Mishap =
  | { kind: 'kill'; victim: string /** How long it stays away, ms. */; awayMs: number }
  /** The process stands still, its connections stay: a network that is cut, a machine that is too busy. */
  | { kind: 'freeze'; victim: string; awayMs: number }
  /** Connections of chargers break, and both ends see it. */
  | { kind: 'cut'; share: number }
  /** Connections of chargers carry nothing any more, and nobody is told. */
  | { kind: 'silence'; share: number; swallowed: Swallowed }
  /** Chargers have no network for long: they charge on, and tell it all when they are back. */
  | { kind: 'absence'; share: number; awayMs: number }
  /** Chargers lose their power: transactions end, and they boot anew. */
  | { kind: 'powerFailure'; share: number };

/** What happens at one time: one mishap, or two of which the second comes before the first is mended. */
export interface Blow {
  /** After the one before has been mended, ms. */
  afterMs: number;
  mishaps: readonly Mishap[];
  /** From the first to the second, ms. */
  apartMs: number;
}

export interface MishapOptions {
  operators: number;
  gateways: number;
  /** Between the end of one blow and the next, on average, ms; in a hurried soak mishaps are shorter, too. */
  meanMs: number;
}

interface Case {
  /** As it is counted. */
  name: string;
  /** How often it comes, beside the others; Redis and gateways are what all hangs on. */
  weight: number;
  /** A process whose memory is looked at ends. */
  isEnd?: true;
  make: (random: () => number, options: MishapOptions) => Mishap;
}

const CASES: readonly Case[] = [
  {
    name: 'gateway killed',
    weight: 4,
    isEnd: true,
    make: (random, options) => kill(someGateway(random, options), random, options),
  },
  {
    name: 'gateway frozen',
    weight: 2,
    make: (random, options) => freeze(someGateway(random, options), random, options),
  },
  { name: 'Redis killed', weight: 3, make: (random, options) => kill('redis', random, options) },
  { name: 'Redis frozen', weight: 3, make: (random, options) => freeze('redis', random, options) },
  {
    name: 'operator killed',
    weight: 4,
    isEnd: true,
    make: (random, options) => kill(someOperator(random, options), random, options),
  },
  {
    name: 'operator frozen',
    weight: 2,
    make: (random, options) => freeze(someOperator(random, options), random, options),
  },
  { name: 'chain frozen', weight: 2, make: (random, options) => freeze('chain', random, options) },
  { name: 'links cut', weight: 3, make: (random) => ({ kind: 'cut', share: 0.05 + 0.25 * random() }) },
  { name: 'all links cut', weight: 1, make: () => ({ kind: 'cut', share: 1 }) },
  { name: 'links silent', weight: 2, make: (random) => silence('all', random) },
  { name: 'answers swallowed', weight: 2, make: (random) => silence('answers', random) },
  {
    name: 'chargers offline',
    weight: 2,
    make: (random, options) => ({
      kind: 'absence',
      share: 0.05 + 0.1 * random(),
      awayMs: lasting(30_000, 120_000, random, options),
    }),
  },
  {
    name: 'chargers without power',
    weight: 2,
    make: (random) => ({ kind: 'powerFailure', share: 0.05 + 0.15 * random() }),
  },
];

/** All that can go wrong, as it is counted. */
export const MISHAP_NAMES: readonly string[] = CASES.map(({ name }) => name);

/** At this mean mishaps are as long as they are in the field, and at any longer one. */
const USUAL_MEAN_MS = 20_000;
/** Every third blow is of two mishaps. */
const DOUBLE_EACH = 3;

/**
 * Deals out what goes wrong: everything once, in an order of its own for each seed, and from then on by weight.
 *
 * @returns deals the next blow; `mayEnd` is whether it may kill gateways and operators: how their memory goes shows only
 *   in those that live long
 */
export function makeMishaps(random: () => number, options: MishapOptions): (mayEnd?: boolean) => Blow {
  let due = shuffled(CASES, random);
  let blows = 0;

  /** What is due first and can happen at the time of the other. */
  function draw(mayEnd: boolean, other?: Mishap): Mishap {
    const fits = ({ isEnd }: Case) => mayEnd || isEnd !== true;
    const usual = CASES.filter(fits);
    const waiting = due.filter(fits);
    for (;;) {
      const drawn = waiting.shift() ?? byWeight(usual, random);
      const mishap = drawn.make(random, options);
      if (other && isOfSame(other, mishap)) continue;
      due = due.filter((each) => each !== drawn);
      return mishap;
    }
  }

  return (mayEnd = true) => {
    const afterMs = Math.round(options.meanMs * (0.5 + random()));
    const apartMs = lasting(0, 3_000, random, options);
    const first = draw(mayEnd);
    if (++blows % DOUBLE_EACH !== 0) return { afterMs, apartMs, mishaps: [first] };
    return { afterMs, apartMs, mishaps: [first, draw(mayEnd, first)] };
  };
}

/** As it is counted. */
export function nameOf(mishap: Mishap): string {
  switch (mishap.kind) {
    case 'kill':
    case 'freeze': {
      const part = mishap.victim === 'redis' ? 'Redis' : mishap.victim.replace(/-\d+$/, '');
      return `${part} ${mishap.kind === 'kill' ? 'killed' : 'frozen'}`;
    }
    case 'cut':
      return mishap.share === 1 ? 'all links cut' : 'links cut';
    case 'silence':
      return mishap.swallowed === 'all' ? 'links silent' : 'answers swallowed';
    case 'absence':
      return 'chargers offline';
    case 'powerFailure':
      return 'chargers without power';
  }
}

export function describeMishap(mishap: Mishap): string {
  const some = 'share' in mishap ? `${Math.round(mishap.share * 100)} % of the chargers` : '';
  const seconds = 'awayMs' in mishap ? (mishap.awayMs / 1000).toFixed(1) : '';
  switch (mishap.kind) {
    case 'kill':
      return `${mishap.victim} is killed, away ${seconds} s`;
    case 'freeze':
      return `${mishap.victim} stands still ${seconds} s`;
    case 'cut':
      return `${some} lose their connection`;
    case 'silence':
      return mishap.swallowed === 'all' ? `${some} have a dead connection` : `${some} get no answers any more`;
    case 'absence':
      return `${some} are offline for ${seconds} s`;
    case 'powerFailure':
      return `${some} lose their power`;
  }
}

/** Whether two cannot happen at once: what is killed cannot stand still. */
function isOfSame(one: Mishap, other: Mishap): boolean {
  if ('victim' in one && 'victim' in other) return one.victim === other.victim;
  return one.kind === other.kind;
}

function kill(victim: string, random: () => number, options: MishapOptions): Mishap {
  return { kind: 'kill', victim, awayMs: lasting(0, 6_000, random, options) };
}

function freeze(victim: string, random: () => number, options: MishapOptions): Mishap {
  return { kind: 'freeze', victim, awayMs: lasting(1_000, 15_000, random, options) };
}

function silence(swallowed: Swallowed, random: () => number): Mishap {
  return { kind: 'silence', share: 0.05 + 0.15 * random(), swallowed };
}

function lasting(leastMs: number, mostMs: number, random: () => number, { meanMs }: MishapOptions): number {
  return Math.round(Math.min(1, meanMs / USUAL_MEAN_MS) * (leastMs + (mostMs - leastMs) * random()));
}

function someOperator(random: () => number, { operators }: MishapOptions): string {
  return `operator-${1 + Math.floor(random() * operators)}`;
}

function someGateway(random: () => number, { gateways }: MishapOptions): string {
  return gatewayName(Math.floor(random() * gateways));
}

/** The name of the n-th gateway's process, 0 … */
export function gatewayName(n: number): string {
  return n === 0 ? 'gateway' : `gateway-${n + 1}`;
}

function byWeight(cases: readonly Case[], random: () => number): Case {
  let left = random() * cases.reduce((sum, { weight }) => sum + weight, 0);
  for (const each of cases) {
    left -= each.weight;
    if (left < 0) return each;
  }
  return cases.at(-1) as Case;
}

function shuffled<T>(all: readonly T[], random: () => number): T[] {
  return all
    .map((each) => ({ each, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ each }) => each);
}
