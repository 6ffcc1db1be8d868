import type { ChargerFact, MeterSample } from './charger-fact.ts';
import { kwhAsWh } from './kwh-as-wh.ts';
import { ENERGY_REGISTER, momentOf, numberOf } from './meter-reading.ts';

/** What the figures are read from: an event's fact and when it came, Unix ms. */
interface Told {
  receivedAtMs: number;
  fact: ChargerFact;
}

type Start = Extract<ChargerFact, { kind: 'transaction-started' }>;
type End = Extract<ChargerFact, { kind: 'transaction-stopped' }>;

/** A meter's steps and the rounding of its messages may differ by this much without anything being wrong, Wh. */
const REGISTER_TOLERANCE_WH = 10;

/**
 * The registers of one transaction, Wh: the first and the last one told, and whether they contradict each other: one is
 * negative or impossible to hold, one lies before the start's or after the end's (also if it is in kWh), or one fell. Where start or end tell none,
 * as they may in OCPP 2.x, the first or last within counts; if there is none either, nothing can rest on them.
 *
 * @param stop - undefined if it has not ended
 * @param between - what was told of the connector meanwhile
 */
export function judgeRegisters(
  start: Start,
  stop: End | undefined,
  between: readonly Told[],
  startedAtSec: number,
  untilSec: number,
): { firstWh: number; lastWh: number; isBroken: boolean } {
  const samples = between.flatMap(({ fact, receivedAtMs }) =>
    registersOf(toldFor(fact, start), Math.floor(receivedAtMs / 1000)),
  );
  if (stop !== undefined) samples.push(...registersOf(stop.samples, untilSec));
  const within = samples
    .filter(({ atSec }) => atSec >= startedAtSec && atSec <= untilSec)
    .sort((one, other) => one.atSec - other.atSec);
  const firstWh = start.meterStartWh ?? within[0]?.registerWh;
  const stopWh = stop === undefined ? undefined : (stop.meterStopWh ?? within.at(-1)?.registerWh);
  if (firstWh === undefined || (stop !== undefined && stopWh === undefined)) {
    return { firstWh: 0, lastWh: 0, isBroken: stop !== undefined };
  }
  const mostWh = stopWh === undefined ? Number.POSITIVE_INFINITY : stopWh + REGISTER_TOLERANCE_WH;
  let highestWh = firstWh;
  let isBroken = firstWh < 0 || (stopWh !== undefined && stopWh < firstWh);
  for (const told of within) {
    const registerWh = kwhAsWh(told.registerWh, firstWh, stopWh);
    if (registerWh < highestWh - REGISTER_TOLERANCE_WH || registerWh > mostWh) isBroken = true;
    highestWh = Math.max(highestWh, registerWh);
  }
  return { firstWh, lastWh: stopWh ?? highestWh, isBroken };
}

/** What a transaction's meter signed, in the order in which it came. */
export function signedIn(start: Start, stop: End | undefined, between: readonly Told[]): string[] {
  const samples = [
    ...(start.samples ?? []),
    ...between.flatMap(({ fact }) => toldFor(fact, start)),
    ...(stop?.samples ?? []),
  ];
  return samples.flatMap(({ reading }) => (reading.kind === 'signed' ? [reading.data] : []));
}

/** Samples told for the transaction, or for its connector without naming one. */
function toldFor(fact: ChargerFact, start: Start): readonly MeterSample[] {
  if (fact.kind !== 'meter' && fact.kind !== 'transaction-updated') return [];
  const isOfOther = fact.transactionId !== undefined && fact.transactionId !== start.transactionId;
  return isOfOther ? [] : fact.samples;
}

function registersOf(samples: readonly MeterSample[], receivedAtSec: number) {
  return samples.flatMap((sample) => {
    const registerWh = numberOf(sample, ENERGY_REGISTER);
    return registerWh === undefined ? [] : [{ registerWh, atSec: momentOf(sample.takenAt, receivedAtSec) }];
  });
}
