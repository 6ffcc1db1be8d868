import type { TlsIdentity } from './certificates.ts';
import type { Clock, Random } from './clock.ts';
import type { Happening, Timings } from './conversation.ts';
import type { ChargerModel, Dialect } from './dialect.ts';
import type { FileTransfer } from './file-transfer.ts';
import type { SignedMeter } from './signed-meter.ts';
import type { FirstSettings } from './station-settings.ts';

export interface ChargerSettings {
  /** The CSMS's URL without the identity, `ws://…` or `wss://…`. */
  url: string;
  identity: string;
  /** AuthorizationKey, its bytes; undefined presents no credentials. */
  key: Uint8Array | undefined;
  /** How many connectors the charger has. */
  connectors: number;
  /** What it trusts and shows over TLS. */
  tls?: TlsIdentity;
  clock?: Clock;
  random?: Random;
  dialect?: Dialect;
  model?: Partial<ChargerModel>;
  timings?: Partial<Timings>;
  /** How often a running transaction's meter is reported, ms. */
  meterIntervalMs?: number;
  /** What the energy registers show at first, Wh. */
  meterStartWh?: number;
  /** Signs what the meters read. */
  signedMeter?: SignedMeter;
  files?: FileTransfer;
  watch?: (happening: Happening) => void;
}

/** How patient a charger is unless told. */
export const TIMINGS: Timings = {
  connectTimeoutMs: 10_000,
  answerTimeoutMs: 30_000,
  unansweredLimit: 2,
  retryMs: 10_000,
  attempts: 3,
  backoff: { firstMs: 1_000, longestMs: 30_000 },
};

/** What a charger is unless told. */
export const MODEL: ChargerModel = {
  vendor: 'DEVSEN',
  model: 'Virtual',
  serialNumber: 'V-0001',
  firmwareVersion: '0.1.0',
};

/** What the charger's configuration holds at first. */
export function firstSettings(settings: ChargerSettings, timings: Timings, organisation: string): FirstSettings {
  return {
    connectors: settings.connectors,
    meterIntervalSec: (settings.meterIntervalMs ?? 60_000) / 1000,
    attempts: timings.attempts,
    retrySec: timings.retryMs / 1000,
    securityProfile: securityProfile(settings),
    organisation,
  };
}

/** OCPP's security profile that the settings amount to (OCPP 2.0.1 part 2 A01). */
function securityProfile({ url, tls, key }: ChargerSettings): number {
  if (url.startsWith('wss:')) return tls?.certificate === undefined ? 2 : 3;
  return key === undefined ? 0 : 1;
}
