import { carryOut20 } from './commands20.ts';
import type { ChargerControls, CommandRule } from './controls.ts';
import { asFields, asList, asNumber } from './json-fields.ts';

const rejected = { status: 'Rejected' };

/** What OCPP 2.1 adds. Tariffs, event streams and control of the grid are not what this charger does, and it says so. */
const RULES: Readonly<Record<string, CommandRule>> = {
  UpdateDynamicSchedule: ({ chargingProfileId, scheduleUpdate }, { limits }) => {
    const limit = asNumber(asFields(scheduleUpdate).limit);
    const known = limits.all().find(({ id }) => id === chargingProfileId);
    if (limit === undefined || asFields(known?.source).chargingProfileKind !== 'Dynamic' || !known) return rejected;
    limits.add({ ...known, periods: [{ startSec: 0, limit }] });
    return { status: 'Accepted' };
  },
  UsePriorityCharging: () => ({ status: 'NoProfile' }),
  NotifyAllowedEnergyTransfer: () => rejected,
  NotifyWebPaymentStarted: () => ({}),
  AFRRSignal: () => rejected,
  RequestBatterySwap: () => rejected,
  AdjustPeriodicEventStream: () => rejected,
  GetPeriodicEventStream: () => ({}),
  SetDefaultTariff: () => rejected,
  GetTariffs: () => ({ status: 'NoTariff' }),
  ClearTariffs: ({ tariffIds }) => {
    const ids = asList(tariffIds);
    const none = { status: 'NoTariff' };
    return { clearTariffsResult: ids.length > 0 ? ids.map((tariffId) => ({ ...none, tariffId })) : [none] };
  },
  ChangeTransactionTariff: ({ transactionId }, { connectorOfTransaction }) =>
    connectorOfTransaction(String(transactionId)) === undefined ? { status: 'TxNotFound' } : rejected,
  SetDERControl: () => ({ status: 'NotSupported' }),
  GetDERControl: () => ({ status: 'NotSupported' }),
  ClearDERControl: () => ({ status: 'NotSupported' }),
};

/** @returns the answer's payload, or undefined where OCPP-J answers NotImplemented */
export function carryOut21(action: string, payload: unknown, controls: ChargerControls): object | undefined {
  const rule = Object.hasOwn(RULES, action) ? RULES[action] : undefined;
  return rule ? rule(asFields(payload), controls) : carryOut20(action, payload, controls);
}
