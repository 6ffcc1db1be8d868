import { verify, X509Certificate } from 'node:crypto';
import type { ChargerMessage, FirmwareStatus, LogStatus } from './charger-message.ts';
import type { Clock } from './clock.ts';
import type { FileTransfer } from './file-transfer.ts';

/** An order to install firmware. */
export interface FirmwareOrder {
  location: string;
  retrieveAtMs: number;
  installAtMs?: number;
  attempts: number;
  retryMs: number;
  /** Of a signed update or a later OCPP version; the status messages name it. */
  requestId?: number;
  /** Base64 over the file, and the certificate of who signed, PEM. */
  signature?: string;
  signingCertificate?: string;
}

/** An order to upload a log. */
export interface LogOrder {
  location: string;
  name: string;
  attempts: number;
  retryMs: number;
  requestId?: number;
}

/** What takes a charger a while; a newer order takes the place of one that is not done. */
export interface Errands {
  updateFirmware: (order: FirmwareOrder) => 'Accepted' | 'AcceptedCanceled';
  uploadLog: (order: LogOrder) => 'Accepted' | 'AcceptedCanceled';
  /** How each stands, as a status message tells it. */
  firmwareMessage: () => ChargerMessage;
  logMessage: () => ChargerMessage;
  close: () => void;
}

export interface ErrandTools {
  clock: Clock;
  files: FileTransfer;
  say: (message: ChargerMessage) => void;
  /** What a log holds, text. */
  logText: () => string;
  /** Called with the new version when the firmware is to run: the charger boots. */
  install: (version: string) => Promise<void>;
}

interface Order {
  isDropped: boolean;
}

export function makeErrands(tools: ErrandTools): Errands {
  const { clock, files, say } = tools;
  let firmware: Order | undefined;
  let log: Order | undefined;
  let firmwareState: ChargerMessage = { kind: 'firmware', status: 'Idle' };
  let logState: ChargerMessage = { kind: 'log', status: 'Idle' };
  const cancels = new Set<() => void>();

  const pause = (delayMs: number) =>
    new Promise<void>((resolve) => {
      const cancel = clock.after(Math.max(0, delayMs), () => {
        cancels.delete(cancel);
        resolve();
      });
      cancels.add(cancel);
    });

  async function tried<T>(
    order: Order,
    attempts: number,
    retryMs: number,
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    for (let left = Math.max(1, attempts); left > 0 && !order.isDropped; left--) {
      try {
        return await work();
      } catch {
        if (left > 1) await pause(retryMs);
      }
    }
    return undefined;
  }

  async function update(mine: Order, order: FirmwareOrder): Promise<void> {
    const tell = (status: FirmwareStatus) => {
      if (mine.isDropped) return;
      const { requestId } = order;
      firmwareState = { kind: 'firmware', status, ...(requestId === undefined ? {} : { requestId }) };
      say(firmwareState);
    };
    const isSigned = order.signature !== undefined;
    const untilRetrieval = order.retrieveAtMs - clock.nowMs();
    if (untilRetrieval > 0 && isSigned) tell('DownloadScheduled');
    await pause(untilRetrieval);
    tell('Downloading');
    const file = await tried(mine, order.attempts, order.retryMs, () => files.download(order.location));
    if (file === undefined) return tell('DownloadFailed');
    tell('Downloaded');
    if (isSigned) {
      if (!isSignatureGood(order, file)) return tell('InvalidSignature');
      tell('SignatureVerified');
    }
    const untilInstall = (order.installAtMs ?? 0) - clock.nowMs();
    if (untilInstall > 0 && isSigned) tell('InstallScheduled');
    await pause(untilInstall);
    if (mine.isDropped) return;
    tell('Installing');
    await tools.install(versionOf(order.location));
    tell('Installed');
    firmwareState = { kind: 'firmware', status: 'Idle' };
  }

  async function upload(mine: Order, order: LogOrder): Promise<void> {
    const tell = (status: LogStatus) => {
      if (mine.isDropped) return;
      const { requestId } = order;
      logState = { kind: 'log', status, ...(requestId === undefined ? {} : { requestId }) };
      say(logState);
    };
    tell('Uploading');
    const done = await tried(mine, order.attempts, order.retryMs, async () => {
      await files.upload(order.location, order.name, tools.logText());
      return true;
    });
    tell(done ? 'Uploaded' : 'UploadFailure');
    logState = { kind: 'log', status: 'Idle' };
  }

  /** Begins after the command was answered. */
  function begin(before: Order | undefined, work: (mine: Order) => Promise<void>, over: () => void): Order {
    if (before) before.isDropped = true;
    const mine = { isDropped: false };
    void pause(0)
      .then(() => work(mine))
      .finally(over);
    return mine;
  }

  return {
    updateFirmware: (order) => {
      const before = firmware;
      const mine = begin(
        before,
        (each) => update(each, order),
        () => {
          if (firmware === mine) firmware = undefined;
        },
      );
      firmware = mine;
      return before ? 'AcceptedCanceled' : 'Accepted';
    },
    uploadLog: (order) => {
      const before = log;
      const mine = begin(
        before,
        (each) => upload(each, order),
        () => {
          if (log === mine) log = undefined;
        },
      );
      log = mine;
      return before ? 'AcceptedCanceled' : 'Accepted';
    },
    firmwareMessage: () => firmwareState,
    logMessage: () => logState,
    close: () => {
      for (const order of [firmware, log]) if (order) order.isDropped = true;
      for (const cancel of cancels) cancel();
    },
  };
}

/** Whether a text is one certificate that is valid at the time. */
export function isValidCertificate(pem: string, nowMs: number): boolean {
  try {
    const { validFromDate, validToDate } = new X509Certificate(pem);
    return validFromDate.getTime() <= nowMs && nowMs < validToDate.getTime();
  } catch {
    return false;
  }
}

function isSignatureGood({ signature = '', signingCertificate = '' }: FirmwareOrder, file: Uint8Array): boolean {
  try {
    const { publicKey } = new X509Certificate(signingCertificate);
    return verify('sha256', file, publicKey, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

/** Firmware is named by its file: `…/charger-2.4.1.bin` is `charger-2.4.1`. */
function versionOf(location: string): string {
  const name = new URL(location).pathname.split('/').at(-1) ?? '';
  return (
    decodeURIComponent(name)
      .replace(/\.\w+$/, '')
      .slice(0, 50) || 'unnamed'
  );
}
