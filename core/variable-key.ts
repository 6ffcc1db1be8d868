import { isObject, isWhole } from './json.ts';

/** A variable of OCPP 2.x as its messages name it. */
export interface VariableKey {
  component: { name: string; instance?: string; evse?: { id: number; connectorId?: number } };
  variable: { name: string; instance?: string };
}

const KEY =
  /^([^.()@]{1,50})(?:\(([^()]{1,50})\))?(?:@(\d{1,9})(?:\/(\d{1,9}))?)?\.([^.()@]{1,50})(?:\(([^()]{1,50})\))?$/;

/**
 * Reads a configuration key of a contract for a charger that speaks OCPP 2.x.
 *
 * `Component.Variable`; either name may be followed by its instance in brackets, the component also by `@` and the EVSE,
 * and that by `/` and the connector: `OCPPCommCtrlr.HeartbeatInterval`, `EVSE@1.AvailabilityState`,
 * `Connector@1/2.ConnectorType`, `SampledDataCtrlr.TxUpdatedMeasurands`, `AlignedDataCtrlr.Measurands(Energy)`.
 *
 * @returns undefined if the key is of another form
 */
export function readVariableKey(key: string): VariableKey | undefined {
  const match = KEY.exec(key);
  if (match === null) return undefined;
  const [, component = '', componentInstance, evse, connector, variable = '', variableInstance] = match;
  return {
    component: {
      name: component,
      ...(componentInstance === undefined ? {} : { instance: componentInstance }),
      ...(evse === undefined
        ? {}
        : { evse: { id: Number(evse), ...(connector === undefined ? {} : { connectorId: Number(connector) }) } }),
    },
    variable: { name: variable, ...(variableInstance === undefined ? {} : { instance: variableInstance }) },
  };
}

/**
 * A variable that a message names, as `readVariableKey` reads it; undefined if the message names none. Names with one of
 * `.()@` in them, which no standard variable has, stand as they are and may read as another variable.
 */
export function variableText({ component, variable }: { component?: unknown; variable?: unknown }): string | undefined {
  if (!isObject(component) || !isObject(variable)) return undefined;
  if (typeof component.name !== 'string' || typeof variable.name !== 'string') return undefined;
  const instance = (value: unknown) => (typeof value === 'string' ? `(${value})` : '');
  const { id, connectorId } = isObject(component.evse) ? component.evse : {};
  const place = isWhole(id) ? `@${id}${isWhole(connectorId) ? `/${connectorId}` : ''}` : '';
  return `${component.name}${instance(component.instance)}${place}.${variable.name}${instance(variable.instance)}`;
}

/** One text for all spellings of a variable that a message names; for whatever else, one that no variable has. */
export function variableKeyOf({ component, variable }: { component?: unknown; variable?: unknown }): string {
  if (!isObject(component) || !isObject(variable)) return '';
  const evse = isObject(component.evse) ? component.evse : {};
  const text = (value: unknown) => (typeof value === 'string' ? value.toLowerCase() : null);
  const whole = (value: unknown) => (isWhole(value) ? value : null);
  return JSON.stringify([
    text(component.name),
    text(component.instance),
    whole(evse.id),
    whole(evse.connectorId),
    text(variable.name),
    text(variable.instance),
  ]);
}
