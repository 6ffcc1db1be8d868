import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { DevsenError } from '../core/errors.ts';
import type { Logger } from '../runtime/log.ts';

/** Files, PEM, by which chargers know the gateway and the gateway knows chargers. */
export interface TlsPaths {
  /** The gateway's certificate, and those that lead to its CA. */
  certificate: string;
  key: string;
  /** CAs of client certificates; undefined: no charger is asked for one. */
  clientCas: string | undefined;
}

/** The files' content, checked. */
export interface TlsIdentity {
  context: SecureContextOptions;
  /** When the gateway's own certificate expires, Unix ms. */
  expiresAtMs: number;
}

/** Chargers of security profiles 2 and 3 speak at least this (OCPP 1.6 security whitepaper, A00.FR.313). */
const LEAST_VERSION = 'TLSv1.2';

/**
 * @param moreClientCas - certificates, PEM, that count as client CAs beside those of the file
 * @throws DevsenError `SETTINGS_INVALID` if a file cannot be read, or certificate and key are none or no pair
 */
export function readTlsIdentity(paths: TlsPaths, moreClientCas: readonly string[]): TlsIdentity {
  const cert = readFile('GATEWAY_TLS_CERT_FILE', paths.certificate);
  const key = readFile('GATEWAY_TLS_KEY_FILE', paths.key);
  const cas = paths.clientCas === undefined ? [] : [readFile('GATEWAY_CLIENT_CA_FILE', paths.clientCas)];
  const ca = [...cas, ...moreClientCas];
  const context: SecureContextOptions = {
    cert,
    key,
    minVersion: LEAST_VERSION,
    ...(ca.length === 0 ? {} : { ca }),
  };
  try {
    createSecureContext(context);
    return { context, expiresAtMs: new X509Certificate(cert).validToDate.getTime() };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DevsenError('SETTINGS_INVALID', `the TLS files are wrong: ${code ?? 'no certificate'}`);
  }
}

function readFile(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new DevsenError('SETTINGS_INVALID', `${setting} is wrong: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** The TLS files as they are now. */
export interface TlsFiles {
  identity: () => TlsIdentity;
  /** Reads the files again; if they are wrong, those read before stay. */
  reload: () => void;
  /** Called with each new identity. */
  onChange: (listener: (context: SecureContextOptions) => void) => void;
  close: () => void;
}

/**
 * Reads the TLS files, and again every `intervalMs`: a certificate that is renewed is used without a restart.
 *
 * @throws DevsenError `SETTINGS_INVALID` if they are wrong at the start
 */
export function watchTlsFiles(
  paths: TlsPaths,
  moreClientCas: readonly string[],
  log: Logger,
  intervalMs: number,
): TlsFiles {
  let current = readTlsIdentity(paths, moreClientCas);
  let change = (_context: SecureContextOptions): void => undefined;
  const reload = () => {
    try {
      const next = readTlsIdentity(paths, moreClientCas);
      if (JSON.stringify(next) === JSON.stringify(current)) return;
      current = next;
      change(next.context);
      log.info({ expiresAt: new Date(next.expiresAtMs) }, 'new TLS files in use');
    } catch (error) {
      // A certificate may have been written whose key is not yet: the next look finds both.
      log.error({ err: error }, 'TLS files not read, the earlier ones stay in use');
    }
  };
  const timer = setInterval(reload, intervalMs);
  timer.unref();
  return {
    identity: () => current,
    reload,
    onChange: (listener) => {
      change = listener;
    },
    close: () => clearInterval(timer),
  };
}
