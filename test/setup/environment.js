import { TestEnvironment } from 'jest-environment-node';

/** A socket's close takes a turn or two of the event loop, a killed child's exit a little longer. */
const GRACE_MS = 2_000;

/** Node's environment, in which a test file fails that leaves a socket, server, child, worker or timer behind. */
export default class LeakCheckingEnvironment extends TestEnvironment {
  #before = {};

  async setup() {
    await super.setup();
    // Node opens a worker's own pipes when somebody first asks for them: ask, so that no test is blamed for it.
    process.stdin;
    process.stdout;
    process.stderr;
    this.#before = countResources();
  }

  async handleTestEvent(event, state) {
    if (event.name !== 'run_finish') return;
    const deadline = Date.now() + GRACE_MS;
    let left = this.#left();
    while (left.length > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      left = this.#left();
    }
    if (left.length === 0) return;
    const error = new Error(`left behind by these tests: ${[...left, ...describeHandles()].join('; ')}`);
    error.stack = error.message;
    state.unhandledErrors.push(error);
  }

  #left() {
    const now = countResources();
    return Object.entries(now)
      .map(([name, count]) => ({ name, more: count - (this.#before[name] ?? 0) }))
      .filter(({ more }) => more > 0)
      .map(({ name, more }) => `${more} ${name}`);
  }
}

function countResources() {
  const counts = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Names the handles, as far as Node tells which they are. */
function describeHandles() {
  return process._getActiveHandles().flatMap((handle) => {
    const kind = handle.constructor?.name;
    if (kind === 'Socket' && handle.remotePort) {
      return [`socket from port ${handle.localPort} to ${handle.remoteAddress}:${handle.remotePort}`];
    }
    if (kind === 'Server') return [`server on port ${handle.address()?.port}`];
    if (kind === 'ChildProcess') return [`child ${handle.pid}: ${handle.spawnargs.join(' ').slice(0, 200)}`];
    return [];
  });
}
