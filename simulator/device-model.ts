import type { ChargerControls } from './controls.ts';
import { asFields, asText, optional } from './json-fields.ts';
import type { StationSetting } from './station-settings.ts';

type Fields = Record<string, unknown>;

/** A variable of the device model, as it stands (OCPP 2.0.1 part 1 §4). */
export interface Variable {
  component: { name: string; evse?: { id: number; connectorId?: number } };
  variable: { name: string; instance?: string };
  value: string;
  mutability: 'ReadOnly' | 'WriteOnly' | 'ReadWrite';
  dataType: string;
  unit?: string;
  /** The setting behind it, for what can be set. */
  setting?: StationSetting;
}

const MUTABILITIES = { r: 'ReadOnly', w: 'WriteOnly', rw: 'ReadWrite' } as const;

/** Every variable of a charger. */
export function variablesOf(controls: ChargerControls): Variable[] {
  const { vendor, model, serialNumber, firmwareVersion } = controls.model();
  const station = (name: string, value: string, dataType = 'string'): Variable => ({
    component: { name: 'ChargingStation' },
    variable: { name },
    value,
    mutability: 'ReadOnly',
    dataType,
  });
  const ofEvses = controls.connectors().flatMap((id): Variable[] => {
    const { status } = controls.connector(id);
    const own = (component: Variable['component'], name: string, value: string, dataType: string): Variable => ({
      component,
      variable: { name },
      value,
      mutability: 'ReadOnly',
      dataType,
    });
    const evse = { name: 'EVSE', evse: { id } };
    const connector = { name: 'Connector', evse: { id, connectorId: 1 } };
    return [
      own(evse, 'AvailabilityState', evseState(status), 'OptionList'),
      own(evse, 'SupplyPhases', '3', 'integer'),
      own(connector, 'AvailabilityState', evseState(status), 'OptionList'),
      own(connector, 'ConnectorType', 'sType2', 'string'),
    ];
  });
  return [
    station('VendorName', vendor),
    station('Model', model),
    station('SerialNumber', serialNumber),
    station('FirmwareVersion', firmwareVersion),
    station('SupplyPhases', '3', 'integer'),
    ...ofEvses,
    ...controls.settings.all().flatMap((setting): Variable[] => {
      const { component, variable, instance, value, access, type, unit } = setting;
      if (component === undefined || variable === undefined) return [];
      return [
        {
          component: { name: component },
          variable: { name: variable, ...optional('instance', instance) },
          value,
          mutability: MUTABILITIES[access],
          dataType: type,
          ...optional('unit', unit),
          setting,
        },
      ];
    }),
  ];
}

/** Answers one item of GetVariables. */
export function getVariable(item: Fields, variables: readonly Variable[]): object {
  const { component, variable, attributeType } = item;
  const head = { ...optional('attributeType', asText(attributeType)), component, variable };
  const found = findVariable(item, variables);
  if (typeof found === 'string') return { attributeStatus: found, ...head };
  if (attributeType !== undefined && attributeType !== 'Actual') {
    return { attributeStatus: 'NotSupportedAttributeType', ...head };
  }
  if (found.mutability === 'WriteOnly') return { attributeStatus: 'Rejected', ...head };
  return { attributeStatus: 'Accepted', attributeValue: found.value, ...head };
}

/** Carries out one item of SetVariables. */
export function setVariable(item: Fields, variables: readonly Variable[], controls: ChargerControls): object {
  const { component, variable, attributeType, attributeValue } = item;
  const head = { ...optional('attributeType', asText(attributeType)), component, variable };
  const found = findVariable(item, variables);
  if (typeof found === 'string') return { attributeStatus: found, ...head };
  if (attributeType !== undefined && attributeType !== 'Actual') {
    return { attributeStatus: 'NotSupportedAttributeType', ...head };
  }
  const outcome = found.setting ? controls.settings.set(found.setting, String(attributeValue)) : 'ReadOnly';
  return { attributeStatus: outcome === 'Accepted' ? 'Accepted' : 'Rejected', ...head };
}

/** A variable as NotifyReport tells it. */
export function reportOf({ component, variable, value, mutability, dataType, unit }: Variable): object {
  const shown = mutability === 'WriteOnly' ? {} : { value };
  return {
    component,
    variable,
    variableAttribute: [{ type: 'Actual', ...shown, mutability }],
    variableCharacteristics: { dataType, ...optional('unit', unit), supportsMonitoring: false },
  };
}

/** The variables that a report is asked of. */
export function chosenVariables(criteria: readonly unknown[], variables: readonly Variable[]): Variable[] {
  if (criteria.length === 0) return [...variables];
  return variables.filter((each) =>
    criteria.some((criterion) => {
      const { component, variable } = asFields(criterion);
      return isOf(each, asFields(component)) && (variable === undefined || isNamed(each, asFields(variable)));
    }),
  );
}

function findVariable(item: Fields, variables: readonly Variable[]): Variable | 'UnknownComponent' | 'UnknownVariable' {
  const ofComponent = variables.filter((each) => isOf(each, asFields(item.component)));
  if (ofComponent.length === 0) return 'UnknownComponent';
  return ofComponent.find((each) => isNamed(each, asFields(item.variable))) ?? 'UnknownVariable';
}

/** Names compare without regard to case (OCPP 2.0.1 part 2 §2.2). */
function isOf({ component }: Variable, { name, evse, instance }: Fields): boolean {
  const { id, connectorId } = asFields(evse);
  return (
    isSame(component.name, name) &&
    instance === undefined &&
    (id === undefined || component.evse?.id === id) &&
    (connectorId === undefined || component.evse?.connectorId === connectorId)
  );
}

function isNamed({ variable }: Variable, { name, instance }: Fields): boolean {
  return (
    isSame(variable.name, name) &&
    (instance === undefined ? variable.instance === undefined : isSame(variable.instance ?? '', instance))
  );
}

function isSame(one: string, other: unknown): boolean {
  return typeof other === 'string' && one.toLowerCase() === other.toLowerCase();
}

function evseState(status: string): string {
  return ['Available', 'Reserved', 'Unavailable', 'Faulted'].includes(status) ? status : 'Occupied';
}
