import { DevsenError } from '../core/errors.ts';
import { makeLog } from '../runtime/log.ts';
import { exitForSettings, runAsProcess } from '../runtime/process.ts';
import { readSettings } from '../runtime/settings.ts';
import { startAdapter } from './adapter.ts';
import { ADAPTER_SETTINGS, type AdapterSettings } from './settings.ts';

function settings(): AdapterSettings {
  try {
    return readSettings(ADAPTER_SETTINGS, process.env);
  } catch (error) {
    if (error instanceof DevsenError) exitForSettings(error);
    throw error;
  }
}

const values = settings();
const log = makeLog('adapter', values.LOG_LEVEL);
await runAsProcess(log, () => startAdapter(values, log));
