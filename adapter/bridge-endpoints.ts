import { makeAvailabilityList } from './availability-list.ts';
import { batched } from './batching.ts';
import type { OpenNetworkSource } from './chain.ts';
import { coalesced } from './coalescing.ts';
import { type CommandEndpointMeans, makeCommandEndpoints } from './command-endpoints.ts';
import { makeCommandReader } from './command-reader.ts';
import type { Database } from './database.ts';
import { makeEndedReader } from './ended-reader.ts';
import { makeEndedSessions } from './ended-sessions.ts';
import { type Endpoint, type EndpointMeans, makeEndpoints } from './endpoints.ts';
import { type EvidenceMeans, makeEvidence } from './evidence.ts';
import { makeExpiredRequests } from './expired-requests.ts';
import type { RecordReader } from './record-reader.ts';
import { makeSessionEndpoints } from './session-endpoints.ts';
import type { SessionReader } from './session-reader.ts';
import type { AdapterSettings } from './settings.ts';

/** What the bridge answers from. */
export interface BridgeEndpointMeans extends Omit<EndpointMeans, 'reader'> {
  db: Database;
  reader: RecordReader;
  session: SessionReader;
  meterKeyOf: CommandEndpointMeans['meterKeyOf'];
  approve: CommandEndpointMeans['approve'];
  network: Pick<ReturnType<OpenNetworkSource>, 'chargersInCell' | 'settling' | 'overdue'>;
  batches: EvidenceMeans['batches'];
  settings: AdapterSettings;
  now: () => number;
}

/** Every endpoint of the bridge by its name; equal questions under way share an answer, and those of a query may hold lists. */
export function makeBridgeEndpoints(means: BridgeEndpointMeans): ReadonlyMap<string, Endpoint> {
  const { db, knowing, reader, meter, uptime, session, meterKeyOf, approve, network, batches, settings, now } = means;
  const turn = { account: settings.OPERATOR_ACCOUNT, slotMs: settings.SETTLE_SLOT_SEC * 1000, now };
  const following = {
    ...{ knowing, meterKeyOf, waitMs: settings.ANSWER_WAIT_MS },
    command: makeCommandReader(db, reader, session),
  };
  const questions = new Map([
    ...makeEndpoints({ reader, meter, uptime, knowing }),
    ...makeSessionEndpoints({ knowing, session, meterKeyOf }),
  ]);
  const others = new Map([
    ...makeCommandEndpoints({ ...following, approve }),
    ...makeAvailabilityList({ db, knowing, reader, chargersInCell: network.chargersInCell, now }),
    ...makeEvidence({ ...following, db, reader, meter, uptime, session, batches }),
    ...makeEndedSessions({ reader: makeEndedReader(db, session), chain: network.settling, ...turn }),
    ...makeExpiredRequests({ chain: network.settling, requests: network.overdue, ...turn }),
  ]);
  return new Map([...batched(coalesced(questions)), ...coalesced(others)]);
}
