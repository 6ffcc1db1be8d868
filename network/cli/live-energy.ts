import { askAdapters } from './adapters.ts';
import type { Session } from './session.ts';

/** How much a session has taken so far, as operators have it on record. */
export interface LiveEnergy {
  /** At least half of those who say something say so much. */
  energyWh: number;
  /** Operators that say something, and those that were asked. */
  saying: number;
  asked: number;
}

/** @returns undefined if no operator's URL is known, or none has the session on record */
export async function liveEnergy(
  { adapterUrls }: Session,
  identity: string,
  sessionId: string,
): Promise<LiveEnergy | undefined> {
  const path = `/v1/chargers/${encodeURIComponent(identity)}/sessions/${sessionId}`;
  const records = await askAdapters<{ result?: { energyWh?: unknown } | null }>(adapterUrls, path);
  const said = records.map((one) => Number(one?.result?.energyWh ?? Number.NaN)).filter((energy) => energy >= 0);
  const energyWh = middleOf(said);
  return energyWh === undefined ? undefined : { energyWh, saying: said.length, asked: adapterUrls.length };
}

/** One liar among four cannot move it beyond what honest ones say; of an even number the lower of the two. */
function middleOf(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
