import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DevsenError } from '../core/errors.ts';
import { type LocalNetwork, startLocalNetwork } from './local-network.ts';
import { LOCAL_ID_TAGS } from './local-setup.ts';
import { anyPorts } from './ports.ts';
import { untilSignal } from './signals.ts';
import { playStory } from './story.ts';
import { describeExit, type Exit } from './supervisor.ts';
import type { Terminal } from './terminal.ts';
import { startWatchdog } from './watchdog.ts';

const OPERATORS = 4;

/**
 * Sets up a network of its own in a directory of its own, plays the story through it and takes all away again.
 *
 * @throws DevsenError with the reason: a step took too long, a process died, or what was agreed was not the truth
 */
export async function playOnce(options: { withBuild: boolean }, terminal: Terminal): Promise<void> {
  const startedMs = performance.now();
  const dir = await mkdtemp(join(tmpdir(), 'devsen-once-'));
  const watchdog = startWatchdog();
  const died = Promise.withResolvers<never>();
  died.promise.catch(() => {});
  const onDeath = (exit: Exit) => died.reject(new DevsenError('INTERNAL', describeExit(exit)));
  const interrupted = untilSignal().then((signal) => {
    throw new DevsenError('INTERNAL', `interrupted by ${signal}`);
  });
  interrupted.catch(() => {});
  const work = async () => {
    const { paint, print, step } = terminal;
    print(
      paint('strong', 'A question and a paid session go the whole way once: from a charger to a contract, and back'),
    );
    network = await startLocalNetwork({
      dir,
      watchdog,
      ports: await anyPorts(OPERATORS),
      // So much power that a session delivers something worth paying for within seconds.
      chargers: [{ identity: 'CP-ADA', connectors: 2, maxPowerW: 400_000 }],
      withBuild: options.withBuild,
      withTraffic: false,
      step,
      tell: () => {},
      onDeath,
    });
    await playStory(network, LOCAL_ID_TAGS[0], terminal);
  };
  let network: LocalNetwork | undefined;
  try {
    await Promise.race([work(), died.promise, interrupted]);
  } catch (error) {
    terminal.print(terminal.paint('faint', `what each process wrote is in ${dir}`));
    throw error;
  } finally {
    await network?.stop();
    await watchdog.close();
  }
  await rm(dir, { recursive: true, force: true });
  const took = ((performance.now() - startedMs) / 1000).toFixed(1);
  terminal.print(`${terminal.paint('good', 'All agreed.')} ${terminal.paint('faint', `${took} s in all`)}`);
}
