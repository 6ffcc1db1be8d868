import { ocpp21, ocpp201 } from '../../simulator/ocpp20.ts';
import type { Back } from './charge.ts';
import { mustDo, mustEqual } from './check.ts';
import { beginSession, checkAllBack, checkPaid, type Paid, plugIn, requestSession, untilEnergy } from './session.ts';
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
    stopByDriver201(stage),
    stopAtCharger21(stage),
    startWithoutCar201(stage),
    startOutOfOrder21(stage),
  ]);
  return { of201, of21, nobodyPluggedIn, outOfOrder };
}

async function stopByDriver201(stage: Stage): Promise<Paid> {
  const { driver } = stage.people;
  const charger = await stage.charger('CP-201', { dialect: ocpp201 });
  const place = await beginSession(stage, driver, charger, 1, DEPOSIT);
  await untilEnergy(charger, 1);
  await stage.send(driver, await stage.device('CP-201'), 'stopCharge', place.sessionId, driver.account);
  return checkPaid(stage, place, 'Remote');
}

async function stopAtCharger21(stage: Stage): Promise<Paid> {
  const charger = await stage.charger('CP-21', { dialect: ocpp21 });
  const place = await beginSession(stage, stage.people.driver, charger, 2, DEPOSIT);
  await untilEnergy(charger, 2);
  mustDo(charger.act(2, { kind: 'stop', reason: 'Local' }));
  await charger.settled();
  return checkPaid(stage, place, 'Local');
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

async function startOutOfOrder21(stage: Stage): Promise<Back> {
  const charger = await stage.charger('CP-21-OUT', { dialect: ocpp21 });
  await plugIn(charger, 1);
  mustDo(charger.act(1, { kind: 'fault', errorCode: 'ConnectorLockFailure' }));
  await charger.settled();
  const place = await requestSession(stage, stage.people.driver, charger.identity, 1, DEPOSIT);
  return { ...place, reason: await checkAllBack(stage, place, 'Rejected', DEPOSIT) };
}
