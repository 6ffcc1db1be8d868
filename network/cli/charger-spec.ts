import { InvalidArgumentError } from 'commander';
import { CONNECTOR_FORMATS, CONNECTOR_STANDARDS, POWER_TYPES } from '../../core/ocpi.ts';

/** A connector as `DeviceDEVSEN` has it. */
export interface ConnectorSpec {
  evse: number;
  standard: number;
  format: number;
  powerType: number;
  maxPowerW: number;
}

/** What a connector is, written in one word; EVSEs are numbered in their order. */
export const CONNECTOR_FORM = 'standard:kW[:power type[:socket or cable]], as IEC_62196_T2:22:AC_3_PHASE:socket';

/** The power type that is meant where none is written: of these standards DC, of the others AC by three phases. */
const DC_STANDARDS: ReadonlySet<string> = new Set([
  'CHADEMO',
  'CHAOJI',
  'GBT_DC',
  'IEC_62196_T1_COMBO',
  'IEC_62196_T2_COMBO',
  'PANTOGRAPH_BOTTOM_UP',
  'PANTOGRAPH_TOP_DOWN',
]);
/** Most power of a connector, kW: more is a slip of the pen. */
const MOST_KW = 10_000;

/** For an option that may be given several times: each adds a connector, with an EVSE of its own. */
export function readConnector(text: string, before: ConnectorSpec[] = []): ConnectorSpec[] {
  const [standard = '', kilowatts = '', powerType, format, ...rest] = text.split(':');
  const numberIn = (list: readonly string[], name: string) =>
    list.findIndex((one) => one.toLowerCase() === name.toLowerCase());
  const spec = {
    evse: before.length + 1,
    standard: numberIn(CONNECTOR_STANDARDS, standard),
    powerType: numberIn(POWER_TYPES, powerType ?? (DC_STANDARDS.has(standard.toUpperCase()) ? 'DC' : 'AC_3_PHASE')),
    format: numberIn(CONNECTOR_FORMATS, format ?? 'UNSAID'),
    maxPowerW: Math.round(Number(kilowatts) * 1_000),
  };
  const isPower = /^\d{1,5}(\.\d{1,3})?$/.test(kilowatts) && spec.maxPowerW > 0 && spec.maxPowerW <= MOST_KW * 1_000;
  if (rest.length > 0 || !isPower || spec.standard < 0 || spec.powerType < 0 || spec.format < 0) {
    throw new InvalidArgumentError(`expected ${CONNECTOR_FORM}.`);
  }
  return [...before, spec];
}

export function connectorText({ standard, powerType, format, maxPowerW }: ConnectorSpec): string {
  const words = [
    CONNECTOR_STANDARDS[standard],
    `${maxPowerW / 1_000} kW`,
    POWER_TYPES[powerType],
    CONNECTOR_FORMATS[format],
  ];
  return words.filter((word) => word !== undefined && word !== 'UNSAID').join(' ');
}
