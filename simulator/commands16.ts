import type { ListEntry } from './authorisation.ts';
import type { CertificateHash } from './certificates.ts';
import { type ChargingProfile, wattsPerAmpere } from './charging-limits.ts';
import type { ChargerControls, CommandRule } from './controls.ts';
import { isValidCertificate } from './errands.ts';
import { asFields, asList, asNumber, asText, asTimeMs, optional, timeText } from './json-fields.ts';

type Fields = Record<string, unknown>;

const accepted = { status: 'Accepted' };
const rejected = { status: 'Rejected' };

/** What the charger does on each CALL of the CSMS; one that is not here is answered NotImplemented. */
const RULES: Readonly<Record<string, CommandRule>> = {
  // core
  RemoteStartTransaction: ({ connectorId, idTag, chargingProfile }, controls) => {
    const profile = chargingProfile === undefined ? undefined : readProfile(asFields(chargingProfile), 0, undefined);
    if (profile && profile.purpose !== 'Tx') return rejected;
    const started = controls.start({ ...optional('connector', asNumber(connectorId)), idTag: String(idTag) });
    if (!started) return rejected;
    if (profile)
      controls.limits.add({
        ...profile,
        connector: started.connector,
        ...optional('transaction', started.transaction),
      });
    return accepted;
  },
  RemoteStopTransaction: ({ transactionId }, controls) => {
    const connector = controls.connectorOfTransaction(Number(transactionId));
    if (connector === undefined) return rejected;
    return controls.act(connector, { kind: 'stop', reason: 'Remote' }) === undefined ? accepted : rejected;
  },
  ChangeAvailability: ({ connectorId, type }, controls) => {
    const numbers = controls.connectors().filter((n) => connectorId === 0 || n === connectorId);
    if (numbers.length === 0) return rejected;
    const isBusy = numbers.some((number) => controls.connector(number).transaction !== undefined);
    const isOperative = type === 'Operative';
    for (const number of numbers) controls.act(number, { kind: 'setOperative', isOperative });
    return isBusy && !isOperative ? { status: 'Scheduled' } : accepted;
  },
  Reset: ({ type }, controls) => {
    controls.reset(type === 'Hard' ? 'HardReset' : 'SoftReset');
    return accepted;
  },
  UnlockConnector: ({ connectorId }, controls) => {
    const connector = Number(connectorId);
    if (!controls.connectors().includes(connector)) return { status: 'NotSupported' };
    controls.act(connector, { kind: 'stop', reason: 'UnlockCommand' });
    return { status: 'Unlocked' };
  },
  GetConfiguration: ({ key }, { settings }) => {
    const asked = asList(key).map(String);
    const known = settings.all().filter((each) => each.key !== undefined);
    const shown = asked.length > 0 ? asked.flatMap((name) => settings.find(name) ?? []) : known;
    return {
      configurationKey: shown.map(({ key, value, access }) => ({
        key,
        readonly: access === 'r',
        ...(access === 'w' ? {} : { value }),
      })),
      unknownKey: asked.filter((name) => settings.find(name) === undefined),
    };
  },
  ChangeConfiguration: ({ key, value }, { settings }) => {
    const setting = settings.find(String(key));
    if (!setting) return { status: 'NotSupported' };
    return settings.set(setting, String(value)) === 'Accepted' ? accepted : rejected;
  },
  ClearCache: (_payload, controls) => {
    if (!controls.settings.isOn('AuthorizationCacheEnabled')) return rejected;
    controls.clearCache();
    return accepted;
  },
  DataTransfer: () => ({ status: 'UnknownVendorId' }),

  // local list
  GetLocalListVersion: (_payload, controls) => ({
    listVersion: controls.settings.isOn('LocalAuthListEnabled') ? controls.localList().version : -1,
  }),
  SendLocalList: ({ listVersion, updateType, localAuthorizationList }, controls) => {
    if (!controls.settings.isOn('LocalAuthListEnabled')) return { status: 'NotSupported' };
    const entries = asList(localAuthorizationList).map(readListEntry);
    return {
      status: controls.updateLocalList({ version: Number(listVersion), isFull: updateType === 'Full', entries }),
    };
  },

  // reservation
  ReserveNow: ({ connectorId, reservationId, idTag, parentIdTag, expiryDate }, controls) => {
    const connector = Number(connectorId);
    const expiresAtMs = asTimeMs(expiryDate) ?? 0;
    if (!controls.connectors().includes(connector) || expiresAtMs <= controls.nowMs()) return rejected;
    const card = { idTag: String(idTag), ...optional('group', asText(parentIdTag)) };
    return { status: controls.reserve(connector, { ...card, id: Number(reservationId), expiresAtMs }) };
  },
  CancelReservation: ({ reservationId }, controls) =>
    controls.cancelReservation(Number(reservationId)) ? accepted : rejected,

  // smart charging
  SetChargingProfile: ({ connectorId, csChargingProfiles }, controls) => {
    const fields = asFields(csChargingProfiles);
    const connector = Number(connectorId);
    if (connector !== 0 && !controls.connectors().includes(connector)) return rejected;
    const number = asNumber(fields.transactionId);
    const at = number === undefined ? connector : controls.connectorOfTransaction(number);
    const { transaction } = controls.connectors().includes(connector) ? controls.connector(connector) : {};
    const profile = readProfile(fields, connector, transaction?.key);
    const isOfStation = profile.purpose === 'StationMax';
    if (isOfStation ? connector !== 0 : profile.purpose === 'Tx' && (!transaction || at !== connector)) return rejected;
    controls.limits.add(profile);
    return accepted;
  },
  ClearChargingProfile: ({ id, connectorId, chargingProfilePurpose, stackLevel }, { limits }) => {
    const purpose = chargingProfilePurpose === undefined ? undefined : purposeOf(chargingProfilePurpose);
    const gone = limits.remove((profile) =>
      id !== undefined
        ? profile.id === id
        : (connectorId === undefined || profile.connector === connectorId) &&
          (purpose === undefined || profile.purpose === purpose) &&
          (stackLevel === undefined || profile.stackLevel === stackLevel),
    );
    return { status: gone > 0 ? 'Accepted' : 'Unknown' };
  },
  GetCompositeSchedule: ({ connectorId, duration, chargingRateUnit }, controls) => {
    const connector = Number(connectorId);
    if (connector !== 0 && !controls.connectors().includes(connector)) return rejected;
    const unit = chargingRateUnit === 'A' ? 'A' : 'W';
    const periods = controls.limits.composite(connector, Number(duration));
    const scheduleStart = timeText(controls.nowMs());
    const chargingSchedulePeriod = periods.map(({ startSec, limitW }) => ({
      startPeriod: startSec,
      limit: limitIn(unit, limitW),
    }));
    if (chargingSchedulePeriod.length === 0) return rejected;
    const chargingSchedule = {
      duration: Number(duration),
      startSchedule: scheduleStart,
      chargingRateUnit: unit,
      chargingSchedulePeriod,
    };
    return { status: 'Accepted', connectorId: connector, scheduleStart, chargingSchedule };
  },

  // remote trigger
  TriggerMessage: trigger,
  ExtendedTriggerMessage: trigger,

  // firmware and logs
  UpdateFirmware: ({ location, retrieveDate, retries, retryInterval }, { errands, nowMs }) => {
    errands.updateFirmware({
      location: String(location),
      retrieveAtMs: asTimeMs(retrieveDate) ?? nowMs(),
      ...patience(retries, retryInterval),
    });
    return {};
  },
  SignedUpdateFirmware: ({ requestId, firmware, retries, retryInterval }, { errands, nowMs }) => {
    const { location, retrieveDateTime, installDateTime, signingCertificate, signature } = asFields(firmware);
    if (!isValidCertificate(String(signingCertificate), nowMs())) return { status: 'InvalidCertificate' };
    const status = errands.updateFirmware({
      location: String(location),
      retrieveAtMs: asTimeMs(retrieveDateTime) ?? nowMs(),
      ...optional('installAtMs', asTimeMs(installDateTime)),
      ...patience(retries, retryInterval),
      requestId: Number(requestId),
      signature: String(signature),
      signingCertificate: String(signingCertificate),
    });
    return { status };
  },
  GetDiagnostics: ({ location, retries, retryInterval }, { errands, identity, nowMs }) => {
    const name = logName(identity, 'diagnostics', nowMs());
    errands.uploadLog({ location: String(location), name, ...patience(retries, retryInterval) });
    return { fileName: name };
  },
  GetLog: ({ log, logType, requestId, retries, retryInterval }, { errands, identity, nowMs }) => {
    const name = logName(identity, String(logType), nowMs());
    const location = String(asFields(log).remoteLocation);
    const order = { location, name, ...patience(retries, retryInterval), requestId: Number(requestId) };
    return { status: errands.uploadLog(order), filename: name };
  },

  // certificates
  CertificateSigned: ({ certificateChain }, controls) => {
    if (!controls.certificates.signed(String(certificateChain), controls.nowMs())) {
      controls.say({ kind: 'security', event: 'InvalidChargePointCertificate', atMs: controls.nowMs() });
      return rejected;
    }
    controls.reconnect();
    return accepted;
  },
  InstallCertificate: ({ certificateType, certificate }, { certificates }) => ({
    status: certificates.install(String(certificateType), String(certificate)),
  }),
  DeleteCertificate: ({ certificateHashData }, { certificates }) => ({
    status: certificates.remove(certificateHashData as CertificateHash),
  }),
  GetInstalledCertificateIds: ({ certificateType }, { certificates }) => {
    const types = [
      String(certificateType),
      ...(certificateType === 'CentralSystemRootCertificate' ? ['CSMSRootCertificate'] : []),
    ];
    const found = certificates.installed(types).map(({ hash }) => hash);
    return found.length > 0 ? { status: 'Accepted', certificateHashData: found } : { status: 'NotFound' };
  },
};

/** @returns the answer's payload, or undefined where OCPP-J answers NotImplemented */
export function carryOut16(action: string, payload: unknown, controls: ChargerControls): object | undefined {
  const rule = Object.hasOwn(RULES, action) ? RULES[action] : undefined;
  return rule?.(asFields(payload), controls);
}

function trigger({ requestedMessage, connectorId }: Fields, controls: ChargerControls): object {
  const connector = asNumber(connectorId) ?? 0;
  if (connector !== 0 && !controls.connectors().includes(connector)) return rejected;
  const does: Record<string, () => void> = {
    BootNotification: () => controls.say({ kind: 'boot', reason: 'Triggered' }),
    Heartbeat: () => controls.say({ kind: 'heartbeat' }),
    StatusNotification: () => controls.reportStatus(connector),
    MeterValues: () => controls.reportMeter(connector, 'Trigger'),
    FirmwareStatusNotification: () => controls.say(controls.errands.firmwareMessage()),
    DiagnosticsStatusNotification: () => controls.say(controls.errands.logMessage()),
    LogStatusNotification: () => controls.say({ requestId: 0, ...asLog(controls.errands.logMessage()) }),
    SignChargePointCertificate: () => controls.say({ kind: 'signCertificate', csr: controls.certificates.request() }),
  };
  const run = does[String(requestedMessage)];
  if (!run) return { status: 'NotImplemented' };
  run();
  return accepted;
}

function asLog(message: ReturnType<ChargerControls['errands']['logMessage']>) {
  return message as Extract<typeof message, { kind: 'log' }>;
}

function readProfile(fields: Fields, connector: number, transaction: string | undefined): ChargingProfile {
  const schedule = asFields(fields.chargingSchedule);
  const purpose = purposeOf(fields.chargingProfilePurpose);
  return {
    id: Number(fields.chargingProfileId),
    connector,
    stackLevel: Number(fields.stackLevel),
    purpose,
    kind: fields.chargingProfileKind as ChargingProfile['kind'],
    ...optional('recurrency', fields.recurrencyKind as ChargingProfile['recurrency']),
    ...optional('validFromMs', asTimeMs(fields.validFrom)),
    ...optional('validToMs', asTimeMs(fields.validTo)),
    ...(purpose === 'Tx' ? optional('transaction', transaction) : {}),
    ...optional('startMs', asTimeMs(schedule.startSchedule)),
    ...optional('durationSec', asNumber(schedule.duration)),
    unit: schedule.chargingRateUnit === 'A' ? 'A' : 'W',
    periods: asList(schedule.chargingSchedulePeriod).map((each) => {
      const { startPeriod, limit, numberPhases } = asFields(each);
      return { startSec: Number(startPeriod), limit: Number(limit), ...optional('phases', asNumber(numberPhases)) };
    }),
  };
}

function purposeOf(name: unknown): ChargingProfile['purpose'] {
  if (name === 'ChargePointMaxProfile') return 'StationMax';
  return name === 'TxProfile' ? 'Tx' : 'TxDefault';
}

/** What no profile limits is limited by the charger itself: to 22 kW. */
const OWN_LIMIT_W = 22_000;

/** @returns a tenth of the unit exactly, as OCPP asks */
function limitIn(unit: 'W' | 'A', limitW: number): number {
  const bounded = Math.min(limitW, OWN_LIMIT_W);
  return Math.round((unit === 'W' ? bounded : bounded / wattsPerAmpere()) * 10) / 10;
}

function readListEntry(entry: unknown): ListEntry {
  const { idTag, idTagInfo } = asFields(entry);
  const info = asFields(idTagInfo);
  return {
    idTag: String(idTag),
    ...optional('status', asText(info.status)),
    ...optional('group', asText(info.parentIdTag)),
    ...optional('untilMs', asTimeMs(info.expiryDate)),
  };
}

function patience(retries: unknown, retryInterval: unknown): { attempts: number; retryMs: number } {
  return { attempts: 1 + (asNumber(retries) ?? 0), retryMs: (asNumber(retryInterval) ?? 10) * 1000 };
}

function logName(identity: string, what: string, nowMs: number): string {
  return `${identity.replace(/[^\w.-]/g, '_')}-${what}-${timeText(nowMs).replace(/[:.]/g, '-')}.log`;
}
