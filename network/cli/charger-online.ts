import { DevsenError } from '../../core/errors.ts';
import { call } from '../contracts.ts';
import { until } from '../deadline.ts';
import { askAdapters } from './adapters.ts';
import type { Session } from './session.ts';

/** What matters here of an operator's record of a charger. */
interface ChargerRecord {
  connectors?: { status?: { online?: boolean } | null }[];
}

/** How many operators' records say that a charger is connected, of those that were asked. */
export interface Sightings {
  online: number;
  asked: number;
}

/**
 * Waits until so many operators have a charger on record as connected that one of them is right: one more than may be wrong,
 * or all that this command knows the URLs of if those are fewer.
 *
 * @throws DevsenError `INPUT_INVALID` if it knows no operator's URL, `TIMEOUT` if the charger does not come
 */
export async function untilOnline(session: Session, identity: string, limitSec: number): Promise<Sightings> {
  const { adapterUrls, output } = session;
  if (adapterUrls.length === 0) throw new DevsenError('INPUT_INVALID', 'whom to ask? Give --adapter or ADAPTER_URLS');
  const ledger = await session.contract('OracleDEVSEN');
  const set = (await call(ledger, 'operatorSet', await call(ledger, 'operatorSetId'))) as { faults: bigint };
  const enough = Math.min(Number(set.faults) + 1, adapterUrls.length);
  let shown = -1;
  return until(`${identity} to be online`, limitSec * 1_000, async () => {
    const records = await askAdapters<ChargerRecord>(adapterUrls, `/v1/chargers/${encodeURIComponent(identity)}`);
    const online = records.filter((one) => one?.connectors?.some(({ status }) => status?.online === true)).length;
    if (online !== shown) output.progress(`${identity} is online for ${online} of ${adapterUrls.length} operators`);
    shown = online;
    return online >= enough ? { online, asked: adapterUrls.length } : undefined;
  });
}
