import type { ChargerControls } from './controls.ts';

type Fields = Record<string, unknown>;
type CommandRule = (payload: Fields, controls: ChargerControls) => unknown;

const accepted = { status: 'Accepted' };
const rejected = { status: 'Rejected' };

/** What the charger does on each CALL of the CSMS; one that is not here is answered NotImplemented. */
const RULES: Record<string, CommandRule> = {
  RemoteStartTransaction: ({ connectorId, idTag }, controls) => {
    const connector = typeof connectorId === 'number' ? connectorId : undefined;
    return controls.start(connector, String(idTag)) === undefined ? accepted : rejected;
  },
  RemoteStopTransaction: ({ transactionId }, controls) => {
    const connector = controls.connectorOfTransaction(Number(transactionId));
    if (connector === undefined) return rejected;
    return controls.act(connector, { kind: 'stop', reason: 'Remote' }) === undefined ? accepted : rejected;
  },
  ChangeAvailability: ({ connectorId, type }, controls) => {
    const numbers = controls.connectors().filter((n) => connectorId === 0 || n === connectorId);
    if (numbers.length === 0) return rejected;
    const isOperative = type === 'Operative';
    for (const number of numbers) controls.act(number, { kind: 'setOperative', isOperative });
    return accepted;
  },
  Reset: ({ type }, controls) => {
    controls.reset(type === 'Hard' ? 'HardReset' : 'SoftReset');
    return accepted;
  },
  UnlockConnector: ({ connectorId }, controls) => {
    const connector = Number(connectorId);
    if (!controls.connectors().includes(connector)) return { status: 'NotSupported' };
    controls.act(connector, { kind: 'stop', reason: 'Other' });
    return { status: 'Unlocked' };
  },
  TriggerMessage: ({ requestedMessage, connectorId }, controls) => {
    const connector = typeof connectorId === 'number' ? connectorId : 0;
    const does: Record<string, () => void> = {
      BootNotification: controls.boot,
      Heartbeat: controls.heartbeat,
      StatusNotification: () => controls.reportStatus(connector),
      MeterValues: () => controls.reportMeter(connector),
    };
    const trigger = does[String(requestedMessage)];
    if (!trigger) return { status: 'NotImplemented' };
    trigger();
    return accepted;
  },
  GetConfiguration: ({ key }, controls) => {
    const asked = Array.isArray(key) && key.length > 0 ? key.map(String) : undefined;
    const known = controls.configuration();
    const shown = asked ? known.filter((entry) => asked.includes(entry.key)) : known;
    return {
      configurationKey: shown.map(({ key, value, isReadonly }) => ({ key, value, readonly: isReadonly })),
      unknownKey: (asked ?? []).filter((name) => !known.some((entry) => entry.key === name)),
    };
  },
  ChangeConfiguration: ({ key, value }, controls) => ({ status: controls.configure(String(key), String(value)) }),
  ClearCache: () => accepted,
  DataTransfer: () => ({ status: 'UnknownVendorId' }),
};

/** @returns the answer's payload, or undefined where OCPP-J answers NotImplemented */
export function carryOut16(action: string, payload: unknown, controls: ChargerControls): unknown {
  const rule = Object.hasOwn(RULES, action) ? RULES[action] : undefined;
  return rule?.((payload ?? {}) as Fields, controls);
}
