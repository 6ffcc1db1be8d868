import { DevsenError } from '../../core/errors.ts';
import { makeLog } from '../../runtime/log.ts';
import { exitForSettings, runAsProcess } from '../../runtime/process.ts';
import { readSettings } from '../../runtime/settings.ts';
import { JOB_NODE_SETTINGS, type JobNodeSettings } from './settings.ts';
import { startJobNode } from './start.ts';

/** The job node as a process of its own: settings from the environment, ends on SIGTERM or SIGINT. */
let settings: JobNodeSettings;
try {
  settings = readSettings(JOB_NODE_SETTINGS, process.env);
} catch (error) {
  if (error instanceof DevsenError && error.code === 'SETTINGS_INVALID') exitForSettings(error);
  throw error;
}
const log = makeLog('jobs', settings.LOG_LEVEL);
await runAsProcess(log, () => startJobNode(settings, log));
