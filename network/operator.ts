import { startAdapter } from '../adapter/adapter.ts';
import { ADAPTER_SETTINGS } from '../adapter/settings.ts';
import { DevsenError } from '../core/errors.ts';
import { JOB_NODE_SETTINGS } from '../jobs/node/settings.ts';
import { startJobNode } from '../jobs/node/start.ts';
import { makeLog } from '../runtime/log.ts';
import { exitForSettings, runAsProcess } from '../runtime/process.ts';
import { readSettings, type SettingRows, type SettingsOf } from '../runtime/settings.ts';

/** A node operator as one process: its adapter, and the job node that asks it unless a Chainlink node does. */
function readAll<Rows extends SettingRows>(rows: Rows): SettingsOf<Rows> {
  try {
    return readSettings(rows, process.env);
  } catch (error) {
    if (error instanceof DevsenError && error.code === 'SETTINGS_INVALID') exitForSettings(error);
    throw error;
  }
}

const settings = readAll({ ...ADAPTER_SETTINGS, ...JOB_NODE_SETTINGS });
await runAsProcess(makeLog('operator', settings.LOG_LEVEL), async () => {
  const adapter = await startAdapter(settings, makeLog('adapter', settings.LOG_LEVEL));
  if (process.env.JOB_NODE === 'chainlink') return adapter;
  const jobs = await startJobNode(settings, makeLog('jobs', settings.LOG_LEVEL));
  return {
    close: async () => {
      // At once: a run may be waiting for the adapter, which lets go of what it holds when it closes.
      await Promise.all([jobs.close(), adapter.close()]);
    },
  };
});
