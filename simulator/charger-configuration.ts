interface Entry {
  key: string;
  value: string;
  isReadonly: boolean;
}

/** A charger's configuration keys (OCPP 1.6 §9), those that mean something to a virtual one. */
export interface Configuration {
  list: () => Entry[];
  change: (key: string, value: string) => 'Accepted' | 'Rejected' | 'NotSupported';
  meterIntervalMs: () => number;
}

export function makeConfiguration(first: { meterIntervalSec: number; connectors: number }): Configuration {
  let { meterIntervalSec } = first;
  return {
    list: () => [
      { key: 'MeterValueSampleInterval', value: String(meterIntervalSec), isReadonly: false },
      { key: 'NumberOfConnectors', value: String(first.connectors), isReadonly: true },
      {
        key: 'MeterValuesSampledData',
        value: 'Energy.Active.Import.Register,Power.Active.Import',
        isReadonly: true,
      },
      { key: 'SupportedFeatureProfiles', value: 'Core,RemoteTrigger', isReadonly: true },
    ],
    change: (key, value) => {
      if (key === 'NumberOfConnectors' || key === 'MeterValuesSampledData' || key === 'SupportedFeatureProfiles') {
        return 'Rejected';
      }
      if (key !== 'MeterValueSampleInterval') return 'NotSupported';
      const seconds = Number(value);
      if (!/^\d{1,6}$/.test(value) || seconds === 0) return 'Rejected';
      meterIntervalSec = seconds;
      return 'Accepted';
    },
    meterIntervalMs: () => meterIntervalSec * 1000,
  };
}
