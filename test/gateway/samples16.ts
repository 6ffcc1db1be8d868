/** A message and its answer, both as their schemas want them. */
export interface Sample {
  request: object;
  /** What the gateway answers; `currentTime` is left out of the comparison. Or what the charger answers. */
  response: object;
}

const TIME = '2026-03-01T12:00:00Z';
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
const SCHEDULE = {
  chargingRateUnit: 'A',
  chargingSchedulePeriod: [
    { startPeriod: 0, limit: 16.1, numberPhases: 3 },
    { startPeriod: 600, limit: 0.7 },
  ],
};
const CERTIFICATE_HASH = {
  hashAlgorithm: 'SHA256',
  issuerNameHash: 'aa'.repeat(32),
  issuerKeyHash: 'bb'.repeat(32),
  serialNumber: '01',
};
const ACCEPTED = { status: 'Accepted' };

/** Every message of OCPP 1.6 and its security whitepaper that a charger sends. */
export const FROM_CHARGER_16: Readonly<Record<string, Sample>> = {
  Authorize: { request: { idTag: 'Accepted1' }, response: { idTagInfo: ACCEPTED } },
  BootNotification: {
    request: { chargePointVendor: 'Vendor', chargePointModel: 'Model', firmwareVersion: '1.0' },
    response: { status: 'Accepted', interval: 300 },
  },
  DataTransfer: { request: { vendorId: 'com.example', data: '{}' }, response: { status: 'UnknownVendorId' } },
  DiagnosticsStatusNotification: { request: { status: 'Uploaded' }, response: {} },
  FirmwareStatusNotification: { request: { status: 'Installed' }, response: {} },
  Heartbeat: { request: {}, response: {} },
  LogStatusNotification: { request: { status: 'Uploaded', requestId: 1 }, response: {} },
  MeterValues: {
    request: {
      connectorId: 1,
      transactionId: 7,
      meterValue: [{ timestamp: TIME, sampledValue: [{ value: '1500', unit: 'Wh' }] }],
    },
    response: {},
  },
  SecurityEventNotification: {
    request: { type: 'FirmwareUpdated', timestamp: TIME, techInfo: '1.1' },
    response: {},
  },
  SignCertificate: { request: { csr: 'csr' }, response: { status: 'Rejected' } },
  SignedFirmwareStatusNotification: { request: { status: 'SignatureVerified', requestId: 1 }, response: {} },
  StartTransaction: {
    request: { connectorId: 1, idTag: 'Accepted1', meterStart: 1_000, timestamp: TIME },
    response: { idTagInfo: ACCEPTED },
  },
  StatusNotification: {
    request: { connectorId: 1, errorCode: 'NoError', status: 'Charging', timestamp: TIME },
    response: {},
  },
  StopTransaction: {
    request: { transactionId: 7, idTag: 'Accepted1', meterStop: 2_000, timestamp: TIME, reason: 'Local' },
    response: { idTagInfo: ACCEPTED },
  },
};

/** Every message of OCPP 1.6 and its security whitepaper that a CSMS sends. */
export const TO_CHARGER_16: Readonly<Record<string, Sample>> = {
  CancelReservation: { request: { reservationId: 3 }, response: ACCEPTED },
  CertificateSigned: { request: { certificateChain: PEM }, response: ACCEPTED },
  ChangeAvailability: { request: { connectorId: 0, type: 'Inoperative' }, response: { status: 'Scheduled' } },
  ChangeConfiguration: { request: { key: 'HeartbeatInterval', value: '60' }, response: { status: 'RebootRequired' } },
  ClearCache: { request: {}, response: ACCEPTED },
  ClearChargingProfile: {
    request: { connectorId: 1, chargingProfilePurpose: 'TxProfile', stackLevel: 0 },
    response: { status: 'Unknown' },
  },
  DataTransfer: {
    request: { vendorId: 'com.example', messageId: 'm', data: 'd' },
    response: { status: 'Accepted', data: 'e' },
  },
  DeleteCertificate: { request: { certificateHashData: CERTIFICATE_HASH }, response: { status: 'NotFound' } },
  ExtendedTriggerMessage: {
    request: { requestedMessage: 'SignChargePointCertificate' },
    response: { status: 'NotImplemented' },
  },
  GetCompositeSchedule: {
    request: { connectorId: 1, duration: 3_600, chargingRateUnit: 'A' },
    response: { status: 'Accepted', connectorId: 1, scheduleStart: TIME, chargingSchedule: SCHEDULE },
  },
  GetConfiguration: {
    request: { key: ['HeartbeatInterval', 'Nonsense'] },
    response: {
      configurationKey: [{ key: 'HeartbeatInterval', readonly: false, value: '300' }],
      unknownKey: ['Nonsense'],
    },
  },
  GetDiagnostics: {
    request: { location: 'ftp://example.org/in', retries: 2, retryInterval: 30, startTime: TIME },
    response: { fileName: 'diagnostics.zip' },
  },
  GetInstalledCertificateIds: {
    request: { certificateType: 'CentralSystemRootCertificate' },
    response: { status: 'Accepted', certificateHashData: [CERTIFICATE_HASH] },
  },
  GetLocalListVersion: { request: {}, response: { listVersion: -1 } },
  GetLog: {
    request: {
      logType: 'SecurityLog',
      requestId: 1,
      log: { remoteLocation: 'https://example.org/in', oldestTimestamp: TIME },
    },
    response: { status: 'Accepted', filename: 'security.log' },
  },
  InstallCertificate: {
    request: { certificateType: 'ManufacturerRootCertificate', certificate: PEM },
    response: ACCEPTED,
  },
  RemoteStartTransaction: {
    request: {
      connectorId: 1,
      idTag: 'Card1',
      chargingProfile: {
        chargingProfileId: 1,
        stackLevel: 0,
        chargingProfilePurpose: 'TxProfile',
        chargingProfileKind: 'Relative',
        chargingSchedule: SCHEDULE,
      },
    },
    response: ACCEPTED,
  },
  RemoteStopTransaction: { request: { transactionId: 7 }, response: { status: 'Rejected' } },
  ReserveNow: {
    request: { connectorId: 1, expiryDate: TIME, idTag: 'Card1', parentIdTag: 'Parent', reservationId: 3 },
    response: { status: 'Occupied' },
  },
  Reset: { request: { type: 'Hard' }, response: ACCEPTED },
  SendLocalList: {
    request: {
      listVersion: 2,
      updateType: 'Differential',
      localAuthorizationList: [
        { idTag: 'Card1', idTagInfo: { status: 'Accepted', expiryDate: TIME } },
        { idTag: 'Card2' },
      ],
    },
    response: { status: 'VersionMismatch' },
  },
  SetChargingProfile: {
    request: {
      connectorId: 1,
      csChargingProfiles: {
        chargingProfileId: 1,
        transactionId: 7,
        stackLevel: 0,
        chargingProfilePurpose: 'TxProfile',
        chargingProfileKind: 'Recurring',
        recurrencyKind: 'Daily',
        validFrom: TIME,
        chargingSchedule: { ...SCHEDULE, startSchedule: TIME, minChargingRate: 6.3 },
      },
    },
    response: { status: 'NotSupported' },
  },
  SignedUpdateFirmware: {
    request: {
      requestId: 1,
      firmware: {
        location: 'https://example.org/firmware',
        retrieveDateTime: TIME,
        signingCertificate: PEM,
        signature: 'c2ln',
      },
    },
    response: { status: 'InvalidCertificate' },
  },
  TriggerMessage: { request: { requestedMessage: 'MeterValues', connectorId: 1 }, response: ACCEPTED },
  UnlockConnector: { request: { connectorId: 1 }, response: { status: 'UnlockFailed' } },
  UpdateFirmware: {
    request: { location: 'https://example.org/firmware', retrieveDate: TIME, retries: 1 },
    response: {},
  },
};
