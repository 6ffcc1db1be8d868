import { ocpp21, ocpp201 } from '../../simulator/ocpp20.ts';
import { type Back, startOutOfOrder, stopAtCharger, stopByDriver } from './charge.ts';
import { mustEqual } from './check.ts';
import { checkAllBack, type Paid, requestSession } from './session.ts';
import type { Stage } from './stage.ts';

/** What came of sessions at chargers of later versions of OCPP. */
export interface Versions {
  of201: Paid;
  of21: Paid;
  /** The charger began a transaction as soon as it was asked to, and ended it when nobody came. */
  nobodyPluggedIn: Back;
  outOfOrder: Back;
}

const DEPOSIT = 20n * 10n ** 18n;

/** One driver at chargers of OCPP 2.0.1 and 2.1: a session of each that is paid, and two that give all back. */
export async function playVersions(stage: Stage): Promise<Versions> {
  const [of201, of21, nobodyPluggedIn, outOfOrder] = await Promise.all([
    stage.charger('CP-201', { dialect: ocpp201 }).then((charger) => stopByDriver(stage, charger)),
    stage.charger('CP-21', { dialect: ocpp21 }).then((charger) => stopAtCharger(stage, charger, 2)),
    startWithoutCar201(stage),
    stage.charger('CP-21-OUT', { dialect: ocpp21 }).then((charger) => startOutOfOrder(stage, charger)),
  ]);
  return { of201, of21, nobodyPluggedIn, outOfOrder };
}

/** Its manager has it begin transactions at once: one without energy is settled by operators, and costs nothing. */
async function startWithoutCar201(stage: Stage): Promise<Back> {
  const charger = await stage.charger('CP-201-WAIT', { dialect: ocpp201 });
  const variable = (name: string, attributeValue: string) => {
    return { component: { name: 'TxCtrlr' }, variable: { name }, attributeValue };
  };
  const setVariableData = [variable('TxStartPoint', 'Authorized'), variable('EVConnectionTimeOut', '5')];
  const payload = JSON.stringify({ setVariableData });
  await stage.devsen(stage.people.zurich, 'command', charger.identity, 'SetVariables', payload);
  const place = await requestSession(stage, stage.people.driver, charger.identity, 1, DEPOSIT);
  const reason = await checkAllBack(stage, place, 'Settled', DEPOSIT);
  mustEqual('transaction at the charger', charger.connector(1).transaction, undefined);
  return { ...place, reason };
}
