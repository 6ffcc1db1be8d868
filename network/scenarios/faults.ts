import { ERROR_CLASSES } from '../../core/status.ts';
import { call } from '../contracts.ts';
import { mustDo, mustEqual } from './check.ts';
import { eventIn, untilAnswered } from './session.ts';
import type { Stage } from './stage.ts';

/** What the chain knows of a charger that broke down and was mended. */
export interface Faulty {
  /** As the history has it. */
  fault: { connector: number; error: string; observedAtSec: number };
  /** Statuses that the operators agreed on: while it was broken, and afterwards. */
  statuses: number[];
}

const FAULTED = 7;
const AVAILABLE = 1;

/** A charger breaks down: its contract knows once it is asked about, and remembers when it is mended. */
export async function playFaults(stage: Stage): Promise<Faulty> {
  const charger = await stage.charger('CP-FAULT');
  const device = await stage.device('CP-FAULT');
  mustDo(charger.act(1, { kind: 'fault', errorCode: 'GroundFailure' }));
  await charger.settled();
  const broken = await agreeOnStatus(stage, 'CP-FAULT', 1);
  mustEqual('faults in the history', await call(device, 'faultCount'), 1n);
  const [fault] = (await call(device, 'faults')) as { connector: bigint; errorClass: bigint; observedAt: bigint }[];
  mustDo(charger.act(1, { kind: 'repair' }));
  await charger.settled();
  const mended = await agreeOnStatus(stage, 'CP-FAULT', 1);
  mustEqual('statuses that the operators agreed on', [broken.status, mended.status], [FAULTED, AVAILABLE]);
  mustEqual('faults in the history after the repair', await call(device, 'faultCount'), 1n);
  const error = ERROR_CLASSES[Number(fault?.errorClass)] ?? '';
  mustEqual('fault in the history', [Number(fault?.connector), error], [1, 'GroundFailure']);
  mustEqual('when the fault was seen', Number(fault?.observedAt), broken.observedAtSec);
  return {
    fault: { connector: 1, error, observedAtSec: broken.observedAtSec },
    statuses: [broken.status, mended.status],
  };
}

/** Asks through a charger's own contract how a connector is. @returns what the contract holds then */
export async function agreeOnStatus(
  stage: Stage,
  identity: string,
  connector: number,
): Promise<{ status: number; observedAtSec: number }> {
  const device = await stage.device(identity);
  // A question is about the second before its block: what was told within it may not be part of the answer.
  await stage.nextSecond();
  const asked = await stage.send(stage.people.zurich, device, 'requestStatus', connector);
  await untilAnswered(stage, String(eventIn(asked, device, 'StatusRequested').requestId));
  const held = (await call(device, 'statusOf', connector)) as { status: bigint; observedAt: bigint };
  return { status: Number(held.status), observedAtSec: Number(held.observedAt) };
}
