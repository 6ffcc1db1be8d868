/** The most calls that go into one; Redis does nothing else meanwhile. */
const MOST_AT_ONCE = 500;

interface Waiting<Call, Result> {
  call: Call;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Makes one call of the many that a turn of the event loop makes, in their order. A call to Redis costs the process that
 * makes it about as much as all the rest of a charger's message.
 *
 * @param doAll - does some calls, one or more: settles with the result of each, or rejects for all of them
 */
export function gatherCalls<Call, Result>(
  doAll: (calls: readonly Call[]) => Promise<readonly Result[]>,
): (call: Call) => Promise<Result> {
  let waiting: Waiting<Call, Result>[] = [];

  const make = async (some: readonly Waiting<Call, Result>[]) => {
    try {
      const results = await doAll(some.map(({ call }) => call));
      for (const [n, { resolve }] of some.entries()) resolve(results[n] as Result);
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
  };

  const makeAll = () => {
    const all = waiting;
    waiting = [];
    for (let from = 0; from < all.length; from += MOST_AT_ONCE) void make(all.slice(from, from + MOST_AT_ONCE));
  };

  return (call) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ call, resolve, reject }) === 1) setImmediate(makeAll);
    });
}
