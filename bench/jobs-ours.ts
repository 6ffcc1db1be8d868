import { JOB_NODE_SETTINGS } from '../jobs/node/settings.ts';
import { startJobNode } from '../jobs/node/start.ts';
import { makeLog } from '../runtime/log.ts';
import { readSettings } from '../runtime/settings.ts';
import type { JobsTask } from './jobs.ts';

/** The job node as it runs at an operator, for the benchmark: it sees requests on chain, whatever it is told. */
process.on('message', async (message: 'usage' | JobsTask | { logs: unknown }) => {
  if (message === 'usage') {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuUs: user + system });
  } else if ('env' in message) {
    await startJobNode(readSettings(JOB_NODE_SETTINGS, message.env), makeLog('jobs', 'info'));
    process.send?.('ready');
  }
});
