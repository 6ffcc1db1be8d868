import type { Logger } from '../runtime/log.ts';
import type { AdmissionOptions } from './admission.ts';
import { type ChargerCa, openChargerCa } from './charger-ca.ts';
import type { CommandEntranceOptions } from './command-entrance.ts';
import { makeDoorLimits } from './door-limits.ts';
import type { EntranceOptions } from './entrance.ts';
import { addressSourceOf, chargerCaOf, type GatewaySettings, tlsPathsOf } from './settings.ts';
import { type TlsFiles, watchTlsFiles } from './tls-files.ts';
import { makeWaitingRoom } from './waiting-room.ts';

/** What the settings say of how chargers come in, made ready. */
export interface Door {
  /** Undefined: chargers are issued no certificates. */
  ca: ChargerCa | undefined;
  /** Undefined: plain WebSocket. */
  tls: TlsFiles | undefined;
  entrance: Pick<EntranceOptions, 'host' | 'port' | 'tls' | 'waitingRoom' | 'requestTimeoutMs'>;
  admission: Pick<AdmissionOptions, 'limits' | 'addressSource' | 'timeoutMs'>;
  commands: Pick<CommandEntranceOptions, 'limits' | 'addressSource' | 'maxBodyBytes'>;
  close: () => void;
}

/** How often the TLS files are looked at, ms. */
/** Of a command that is sent over HTTP, however large the messages of chargers may be. */
const MOST_COMMAND_BYTES = 131_072;
const TLS_LOOK_MS = 60_000;

/** @throws DevsenError `SETTINGS_INVALID` if a file is wrong that the settings name */
export function openDoor(settings: GatewaySettings, log: Logger, now: () => number): Door {
  const caSettings = chargerCaOf(settings);
  const ca = caSettings && openChargerCa(caSettings);
  const paths = tlsPathsOf(settings);
  const tls = paths && watchTlsFiles(paths, ca === undefined ? [] : [ca.certificates], log, TLS_LOOK_MS);
  const addressSource = addressSourceOf(settings);
  const { MAX_WAITING: most, MAX_WAITING_PER_ADDRESS: mostOfOne, AUTH_TIMEOUT_MS: timeoutMs } = settings;
  const limits = (countsUntold: boolean) =>
    makeDoorLimits({
      failuresPerMin: settings.MAX_FAILURES_PER_MIN,
      countsUntold,
      connectsPerMin: settings.MAX_CONNECTS_PER_MIN,
      now,
    });
  return {
    ca,
    tls,
    entrance: {
      host: settings.GATEWAY_HOST,
      port: settings.GATEWAY_PORT,
      tls: tls && {
        context: tls.identity().context,
        asksForCertificate: settings.GATEWAY_CLIENT_CA_FILE !== undefined || ca !== undefined,
      },
      requestTimeoutMs: timeoutMs,
      // Behind a proxy all sockets are from one address.
      waitingRoom: makeWaitingRoom(most, addressSource === 'socket' ? mostOfOne : most),
    },
    admission: { addressSource, timeoutMs, limits: limits(true) },
    commands: {
      addressSource,
      // Whoever names a charger could keep its manager out.
      limits: limits(false),
      maxBodyBytes: Math.min(settings.MAX_MESSAGE_BYTES, MOST_COMMAND_BYTES),
    },
    close: () => tls?.close(),
  };
}
