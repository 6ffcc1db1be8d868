/** A key of a charger's configuration (OCPP 1.6 §9), and the variable that later versions have for it. */
export interface StationSetting {
  /** OCPP 1.6 key; absent where only later versions have it. */
  key?: string;
  component?: string;
  variable?: string;
  instance?: string;
  value: string;
  access: 'rw' | 'r' | 'w';
  type: 'boolean' | 'integer' | 'string' | 'MemberList' | 'OptionList' | 'SequenceList';
  unit?: string;
}

export type SettingOutcome = 'Accepted' | 'Rejected' | 'ReadOnly';

/** A charger's settings, whichever version asks. */
export interface StationSettings {
  all: () => readonly StationSetting[];
  find: (key: string) => StationSetting | undefined;
  /** By a later version's names. */
  findVariable: (component: string, variable: string, instance?: string) => StationSetting | undefined;
  set: (setting: StationSetting, value: string) => SettingOutcome;
  /** Sets what the charger itself has learned, whether or not a CSMS may. */
  put: (key: string, value: string) => void;
  /** What may be read, by OCPP 1.6 key or the later version's name. */
  shown: () => { name: string; value: string }[];
  /** By OCPP 1.6 key; a missing one counts as 0 or false. */
  number: (key: string) => number;
  isOn: (key: string) => boolean;
}

export interface FirstSettings {
  connectors: number;
  meterIntervalSec: number;
  attempts: number;
  retrySec: number;
  securityProfile: number;
  organisation: string;
}

/** @param onSet - told of each change, by OCPP 1.6 key */
export function makeStationSettings(
  first: FirstSettings,
  onSet: (key: string, value: string) => void,
): StationSettings {
  const settings = firstSettings(first);
  const find = (key: string) => settings.find((setting) => setting.key?.toLowerCase() === key.toLowerCase());
  return {
    all: () => settings,
    find,
    findVariable: (component, variable, instance) =>
      settings.find(
        (each) =>
          each.component === component && each.variable === variable && each.instance === (instance ?? undefined),
      ),
    set: (setting, value) => {
      if (setting.access === 'r') return 'ReadOnly';
      if (!isFit(setting, value)) return 'Rejected';
      setting.value = value;
      if (setting.key !== undefined) onSet(setting.key, value);
      return 'Accepted';
    },
    put: (key, value) => {
      const setting = find(key);
      if (setting) setting.value = value;
    },
    shown: () =>
      settings
        .filter(({ access }) => access !== 'w')
        .map(({ key, component, variable, instance, value }) => {
          const later = `${component}.${variable}${instance === undefined ? '' : `[${instance}]`}`;
          return { name: key ?? later, value };
        }),
    number: (key) => Number(find(key)?.value ?? 0),
    isOn: (key) => find(key)?.value.toLowerCase() === 'true',
  };
}

/** Keys that must not become 0: a meter or a try every 0 s would be a flood. */
const POSITIVE: ReadonlySet<string> = new Set([
  'MeterValueSampleInterval',
  'HeartbeatInterval',
  'TransactionMessageAttempts',
]);

/** When a transaction begins: once the car can charge, or as soon as somebody is let in. */
const START_POINTS = ['PowerPathClosed', 'Authorized'] as const;

function isFit({ key, variable, type, value: old }: StationSetting, value: string): boolean {
  if (variable === 'TxStartPoint') return (START_POINTS as readonly string[]).includes(value);
  switch (type) {
    case 'boolean':
      return /^(true|false)$/i.test(value);
    case 'integer':
      return /^\d{1,9}$/.test(value) && !(key !== undefined && POSITIVE.has(key) && Number(value) === 0);
    case 'MemberList':
    case 'SequenceList':
      return value.length <= 500 && !/[^\w.,\s-]/.test(value);
    default:
      return key === 'AuthorizationKey' ? isPassword(value) : value.length <= 500 && (value !== '' || old === '');
  }
}

/** OCPP 1.6 security whitepaper A00: 16 to 20 bytes as hex digits; later versions: 16 to 40 characters. */
function isPassword(value: string): boolean {
  return value.length >= 16 && value.length <= 40;
}

/** The bytes of a password: those that its hex digits stand for, else its own. */
export function passwordBytes(value: string): Uint8Array {
  return /^([0-9a-f]{2}){16,20}$/i.test(value) ? Buffer.from(value, 'hex') : Buffer.from(value, 'utf8');
}

function firstSettings(first: FirstSettings): StationSetting[] {
  const row = (
    names: [key: string | undefined, component?: string, variable?: string, instance?: string],
    value: string | number | boolean,
    access: StationSetting['access'] = 'rw',
    type: StationSetting['type'] = typeof value === 'boolean'
      ? 'boolean'
      : typeof value === 'number'
        ? 'integer'
        : 'string',
    unit?: string,
  ): StationSetting => {
    const [key, component, variable, instance] = names;
    return {
      ...(key === undefined ? {} : { key }),
      ...(component === undefined ? {} : { component }),
      ...(variable === undefined ? {} : { variable }),
      ...(instance === undefined ? {} : { instance }),
      ...(unit === undefined ? {} : { unit }),
      value: String(value),
      access,
      type,
    };
  };
  const measurands = 'Energy.Active.Import.Register,Power.Active.Import';
  return [
    row(['AllowOfflineTxForUnknownId', 'AuthCtrlr', 'OfflineTxForUnknownIdEnabled'], false),
    row(['AuthorizationCacheEnabled', 'AuthCacheCtrlr', 'Enabled'], true),
    row(['AuthorizeRemoteTxRequests', 'AuthCtrlr', 'AuthorizeRemoteStart'], false),
    row(['ClockAlignedDataInterval', 'AlignedDataCtrlr', 'Interval'], 0, 'rw', 'integer', 's'),
    row(['ConnectionTimeOut', 'TxCtrlr', 'EVConnectionTimeOut'], 60, 'rw', 'integer', 's'),
    row(['ConnectorPhaseRotation'], '0.RST', 'rw', 'MemberList'),
    row(['GetConfigurationMaxKeys'], 100, 'r'),
    row(['HeartbeatInterval', 'OCPPCommCtrlr', 'HeartbeatInterval'], 300, 'rw', 'integer', 's'),
    row(['LocalAuthorizeOffline', 'AuthCtrlr', 'LocalAuthorizeOffline'], true),
    row(['LocalPreAuthorize', 'AuthCtrlr', 'LocalPreAuthorize'], false),
    row(['MeterValuesAlignedData', 'AlignedDataCtrlr', 'Measurands'], measurands, 'r', 'MemberList'),
    row(['MeterValuesSampledData', 'SampledDataCtrlr', 'TxUpdatedMeasurands'], measurands, 'r', 'MemberList'),
    row(
      ['MeterValueSampleInterval', 'SampledDataCtrlr', 'TxUpdatedInterval'],
      first.meterIntervalSec,
      'rw',
      'integer',
      's',
    ),
    row(['NumberOfConnectors'], first.connectors, 'r'),
    row(['ResetRetries', 'OCPPCommCtrlr', 'ResetRetries'], 1),
    row(['StopTransactionOnEVSideDisconnect', 'TxCtrlr', 'StopTxOnEVSideDisconnect'], true, 'r'),
    row(['StopTransactionOnInvalidId', 'TxCtrlr', 'StopTxOnInvalidId'], true),
    row(['StopTxnAlignedData', 'AlignedDataCtrlr', 'TxEndedMeasurands'], '', 'r', 'MemberList'),
    row(['StopTxnSampledData', 'SampledDataCtrlr', 'TxEndedMeasurands'], measurands, 'r', 'MemberList'),
    row(
      ['SupportedFeatureProfiles'],
      'Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger',
      'r',
      'MemberList',
    ),
    row(
      ['TransactionMessageAttempts', 'OCPPCommCtrlr', 'MessageAttempts', 'TransactionEvent'],
      first.attempts,
      'rw',
      'integer',
    ),
    row(
      ['TransactionMessageRetryInterval', 'OCPPCommCtrlr', 'MessageAttemptInterval', 'TransactionEvent'],
      first.retrySec,
      'rw',
      'integer',
      's',
    ),
    row(['UnlockConnectorOnEVSideDisconnect', 'OCPPCommCtrlr', 'UnlockOnEVSideDisconnect'], true, 'r'),
    row(['WebSocketPingInterval', 'OCPPCommCtrlr', 'WebSocketPingInterval'], 0, 'rw', 'integer', 's'),
    row(['LocalAuthListEnabled', 'LocalAuthListCtrlr', 'Enabled'], true),
    row(['LocalAuthListMaxLength', 'LocalAuthListCtrlr', 'Entries'], 10_000, 'r'),
    row(['SendLocalListMaxLength', 'LocalAuthListCtrlr', 'ItemsPerMessage'], 1_000, 'r'),
    row(['ReserveConnectorZeroSupported', 'ReservationCtrlr', 'NonEvseSpecific'], false, 'r'),
    row(['ChargeProfileMaxStackLevel', 'SmartChargingCtrlr', 'ProfileStackLevel'], 100, 'r'),
    row(
      ['ChargingScheduleAllowedChargingRateUnit', 'SmartChargingCtrlr', 'RateUnit'],
      'Current,Power',
      'r',
      'MemberList',
    ),
    row(['ChargingScheduleMaxPeriods', 'SmartChargingCtrlr', 'PeriodsPerSchedule'], 1_000, 'r'),
    row(['MaxChargingProfilesInstalled', 'SmartChargingCtrlr', 'Entries', 'ChargingProfiles'], 100, 'r'),
    row(['SupportedFileTransferProtocols', 'OCPPCommCtrlr', 'FileTransferProtocols'], 'HTTP,HTTPS', 'r', 'MemberList'),
    row(['AuthorizationKey', 'SecurityCtrlr', 'BasicAuthPassword'], '', 'w'),
    row(['SecurityProfile', 'SecurityCtrlr', 'SecurityProfile'], first.securityProfile, 'r'),
    row(['CpoName', 'SecurityCtrlr', 'OrganizationName'], first.organisation),
    row(['CertificateSignedMaxChainSize', 'SecurityCtrlr', 'MaxCertificateChainSize'], 10_000, 'r'),
    row(['CertificateStoreMaxLength', 'SecurityCtrlr', 'CertificateEntries'], 20, 'r'),
    row([undefined, 'ClockCtrlr', 'TimeSource'], 'Heartbeat', 'rw', 'SequenceList'),
    row([undefined, 'DeviceDataCtrlr', 'ItemsPerMessage', 'GetReport'], 100, 'r'),
    row([undefined, 'DeviceDataCtrlr', 'ItemsPerMessage', 'GetVariables'], 100, 'r'),
    row([undefined, 'DeviceDataCtrlr', 'ItemsPerMessage', 'SetVariables'], 100, 'r'),
    row([undefined, 'DeviceDataCtrlr', 'BytesPerMessage', 'GetVariables'], 65_536, 'r'),
    row([undefined, 'OCPPCommCtrlr', 'NetworkConfigurationPriority'], '1', 'rw', 'SequenceList'),
    row([undefined, 'OCPPCommCtrlr', 'OfflineThreshold'], 60, 'rw', 'integer', 's'),
    row([undefined, 'OCPPCommCtrlr', 'MessageTimeout', 'Default'], 30, 'r', 'integer', 's'),
    row([undefined, 'TxCtrlr', 'TxStartPoint'], START_POINTS[0], 'rw', 'MemberList'),
    row([undefined, 'TxCtrlr', 'TxStopPoint'], 'Authorized,EVConnected', 'r', 'MemberList'),
    row([undefined, 'SampledDataCtrlr', 'TxStartedMeasurands'], measurands, 'r', 'MemberList'),
    row([undefined, 'ReservationCtrlr', 'Enabled'], true, 'r'),
    row([undefined, 'SmartChargingCtrlr', 'Enabled'], true, 'r'),
  ];
}
