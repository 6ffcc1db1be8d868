import type { ChargerFact } from './charger-fact.ts';
import { readChargerTime } from './charger-time.ts';
import { unusable } from './fact-reader.ts';
import { isWhole, type JsonObject } from './json.ts';

/** OCPP 2.x `FirmwareStatusEnumType`; OCPP 1.6 and its security whitepaper have the same words, or fewer. */
const FIRMWARE_STATUSES: ReadonlySet<string> = new Set([
  'Downloaded',
  'DownloadFailed',
  'Downloading',
  'DownloadScheduled',
  'DownloadPaused',
  'Idle',
  'InstallationFailed',
  'Installing',
  'Installed',
  'InstallRebooting',
  'InstallScheduled',
  'InstallVerificationFailed',
  'InvalidSignature',
  'SignatureVerified',
]);

/** OCPP 2.x `UploadLogStatusEnumType`. */
const UPLOAD_STATUSES: ReadonlySet<string> = new Set([
  'BadMessage',
  'Idle',
  'NotSupportedOperation',
  'PermissionDenied',
  'Uploaded',
  'UploadFailure',
  'Uploading',
  'AcceptedCanceled',
]);

const LONGEST_EVENT = 50;

/** FirmwareStatusNotification of any version, and the SignedFirmwareStatusNotification of 1.6. */
export function readFirmwareStatus(call: JsonObject): ChargerFact {
  const { status } = call;
  if (typeof status !== 'string' || !FIRMWARE_STATUSES.has(status)) return unusable('status is none of a firmware');
  return { kind: 'firmware-status', status, ...optionalRequest(call) };
}

/** LogStatusNotification of any version. */
export function readLogStatus(call: JsonObject): ChargerFact {
  const { status } = call;
  if (typeof status !== 'string' || !UPLOAD_STATUSES.has(status)) return unusable('status is none of an upload');
  return { kind: 'upload-status', what: 'log', status, ...optionalRequest(call) };
}

/** DiagnosticsStatusNotification of OCPP 1.6, which has one word of its own. */
export function readDiagnosticsStatus(call: JsonObject): ChargerFact {
  const status = call.status === 'UploadFailed' ? 'UploadFailure' : call.status;
  if (typeof status !== 'string' || !UPLOAD_STATUSES.has(status)) return unusable('status is none of an upload');
  return { kind: 'upload-status', what: 'diagnostics', status };
}

/** SecurityEventNotification of any version. */
export function readSecurityEvent(call: JsonObject, _result: JsonObject, receivedAtMs: number): ChargerFact {
  const { type: event, timestamp } = call;
  if (typeof event !== 'string' || event === '' || event.length > LONGEST_EVENT) return unusable('type is no event');
  return { kind: 'security-event', event, reportedAt: readChargerTime(timestamp, receivedAtMs) };
}

/** SignCertificate of any version. */
export function readCertificateRequest(_call: JsonObject, result: JsonObject): ChargerFact {
  return { kind: 'certificate-requested', isGranted: result.status === 'Accepted' };
}

/** The request that a status is about, if the message names one. */
export function optionalRequest({ requestId }: JsonObject): { requestId?: number } {
  return isWhole(requestId) ? { requestId } : {};
}
