import type { Charger } from '../../simulator/charger.ts';
import { call } from '../contracts.ts';
import { must, mustDo, mustEqual } from './check.ts';
import {
  beginSession,
  checkAllBack,
  checkPaid,
  type Paid,
  type Place,
  plugIn,
  requestSession,
  untilEnergy,
  untilOver,
} from './session.ts';
import type { Stage } from './stage.ts';

/** So much that nothing ends at the limit by chance. */
const DEPOSIT = 20n * 10n ** 18n;
/** What the session that the limit ends may take, Wh. */
const LIMIT_WH = 300n;

/** A session of which all came back. */
export interface Back extends Place {
  reason: string;
}

/** What came of starting and stopping; each began and ended in another way. */
export interface Charged {
  byDriver: Paid;
  atCharger: Paid;
  atLimit: Paid;
  byFault: Paid;
  byIdling: Paid;
  nobodyPluggedIn: Back;
  outOfOrder: Back;
  offline: Back;
}

/**
 * Sessions of one driver at several chargers at once: every way to end one, and what makes a charger not begin. But for the
 * stop that the driver asks for, nobody calls anything after the start: operators by themselves have the end settled.
 */
export async function playCharging(stage: Stage): Promise<Charged> {
  const [byDriver, atCharger, atLimit, byFault, byIdling, nobodyPluggedIn, outOfOrder, offline] = await Promise.all([
    stage.charger('CP-ADA').then((charger) => stopByDriver(stage, charger)),
    stage.charger('CP-BEN').then((charger) => stopAtCharger(stage, charger, 1)),
    stopAtLimit(stage),
    stopByFault(stage),
    stopByIdling(stage),
    startWithoutCar(stage),
    stage.charger('CP-GUS').then((charger) => startOutOfOrder(stage, charger)),
    startOffline(stage),
  ]);
  return { byDriver, atCharger, atLimit, byFault, byIdling, nobodyPluggedIn, outOfOrder, offline };
}

/** A session that its driver ends from afar. */
export async function stopByDriver(stage: Stage, charger: Charger): Promise<Paid> {
  const { driver } = stage.people;
  const place = await beginSession(stage, driver, charger, 1, DEPOSIT);
  await untilEnergy(charger, 1);
  await stage.send(driver, await stage.device(charger.identity), 'stopCharge', place.sessionId, driver.account);
  return checkPaid(stage, place, 'Remote');
}

/** A session that somebody ends at the charger. */
export async function stopAtCharger(stage: Stage, charger: Charger, connector: number): Promise<Paid> {
  const place = await beginSession(stage, stage.people.driver, charger, connector, DEPOSIT);
  await untilEnergy(charger, connector);
  mustDo(charger.act(connector, { kind: 'stop', reason: 'Local' }));
  await charger.settled();
  return checkPaid(stage, place, 'Local');
}

async function stopAtLimit(stage: Stage): Promise<Paid> {
  const charger = await stage.charger('CP-CLEO');
  const device = await stage.device('CP-CLEO');
  const deposit = (await call(device, 'depositFor', 1, LIMIT_WH)) as bigint;
  const place = await beginSession(stage, stage.people.driver, charger, 1, deposit);
  await untilOver(charger, 1);
  const paid = await checkPaid(stage, place, 'EnergyLimit');
  must('the charger went on up to the limit', paid.energyWh >= LIMIT_WH);
  return paid;
}

async function stopByFault(stage: Stage): Promise<Paid> {
  const charger = await stage.charger('CP-DORA');
  const place = await beginSession(stage, stage.people.driver, charger, 1, DEPOSIT);
  await untilEnergy(charger, 1);
  mustDo(charger.act(1, { kind: 'fault', errorCode: 'PowerMeterFailure' }));
  await charger.settled();
  return checkPaid(stage, place, 'Other');
}

async function stopByIdling(stage: Stage): Promise<Paid> {
  const charger = await stage.charger('CP-EMIL');
  const place = await beginSession(stage, stage.people.driver, charger, 1, DEPOSIT);
  await untilEnergy(charger, 1);
  mustDo(charger.act(1, { kind: 'pause', by: 'EV' }));
  await untilOver(charger, 1);
  return checkPaid(stage, place, 'Idle');
}

/** The charger takes the start, holds its connector for as long as its manager wants, and lets go of it: nobody came. */
async function startWithoutCar(stage: Stage): Promise<Back> {
  const { zurich, driver } = stage.people;
  const charger = await stage.charger('CP-FAY');
  const timeOut = JSON.stringify({ key: 'ConnectionTimeOut', value: '5' });
  const { status } = await stage.devsen(zurich, 'command', 'CP-FAY', 'ChangeConfiguration', timeOut);
  mustEqual('answer to ChangeConfiguration', status, 'Accepted');
  const place = await requestSession(stage, driver, 'CP-FAY', 1, DEPOSIT);
  const reason = await checkAllBack(stage, place, 'Rejected', DEPOSIT);
  // Who comes now comes too late.
  await plugIn(charger, 1);
  mustEqual('transaction at CP-FAY/1', charger.connector(1).transaction, undefined);
  return { ...place, reason };
}

/** A start at a charger that cannot charge. */
export async function startOutOfOrder(stage: Stage, charger: Charger): Promise<Back> {
  await plugIn(charger, 1);
  mustDo(charger.act(1, { kind: 'fault', errorCode: 'ConnectorLockFailure' }));
  await charger.settled();
  const place = await requestSession(stage, stage.people.driver, charger.identity, 1, DEPOSIT);
  return { ...place, reason: await checkAllBack(stage, place, 'Rejected', DEPOSIT) };
}

/** A charger that never connects: whoever starts there waits as long as a charger may take to come back. */
async function startOffline(stage: Stage): Promise<Back> {
  const place = await requestSession(stage, stage.people.driver, 'CP-AWAY', 1, DEPOSIT);
  return { ...place, reason: await checkAllBack(stage, place, 'Rejected', DEPOSIT) };
}
