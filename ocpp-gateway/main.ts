import { readFileSync } from 'node:fs';
import { DevsenError } from '../core/errors.ts';
import { makeLog } from '../runtime/log.ts';
import { exitForSettings, runAsProcess } from '../runtime/process.ts';
import { asHexBytes } from '../runtime/settings.ts';
import { openChargerCa } from './charger-ca.ts';
import { startGateway } from './gateway.ts';
import { reloadAtHangUp } from './hang-up.ts';
import { chargerCaOf, type GatewaySettings, readGatewaySettings, tlsPathsOf } from './settings.ts';
import { readTlsIdentity } from './tls-files.ts';

function readAll(): GatewaySettings & { GATEWAY_KEY: Buffer } {
  try {
    const settings = readGatewaySettings(process.env);
    const tlsPaths = tlsPathsOf(settings);
    if (tlsPaths !== undefined) readTlsIdentity(tlsPaths, []);
    const chargerCa = chargerCaOf(settings);
    if (chargerCa !== undefined) openChargerCa(chargerCa);
    return { ...settings, GATEWAY_KEY: settings.GATEWAY_KEY ?? readKey(settings.GATEWAY_KEY_FILE as string) };
  } catch (error) {
    if (error instanceof DevsenError && error.code === 'SETTINGS_INVALID') exitForSettings(error);
    throw error;
  }
}

function readKey(path: string): Buffer {
  try {
    return asHexBytes(32, 32)(readFileSync(path, 'utf8').trim());
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new DevsenError('SETTINGS_INVALID', `GATEWAY_KEY_FILE is wrong: ${code ?? message}`);
  }
}

const settings = readAll();
const log = makeLog('gateway', settings.LOG_LEVEL);
const started = reloadAtHangUp(process);
await runAsProcess(log, async () => {
  const gateway = await startGateway(settings, log, { isWarmedUp: true });
  started(gateway);
  return gateway;
});
