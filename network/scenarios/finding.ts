import { type EventProof, verifyEventProof } from '../../core/event-proof.ts';
import { call } from '../contracts.ts';
import { until } from '../deadline.ts';
import { must, mustEqual } from './check.ts';
import { agreeOnStatus } from './faults.ts';
import { readEvents, readJson } from './record.ts';
import { plugIn } from './session.ts';
import { LIMIT_MS, type Stage } from './stage.ts';

/** What a driver found near a place. */
export interface Found {
  /** What the chain alone shows of it. */
  offer: { connector: string; powerW: number; perKwh: string; observedAtSec: number };
  /** Operators whose public record says the same. */
  operators: number;
  /** Hash of the event that proves it, signed by the gateway. */
  provenBy: string;
}

/** Of two connectors one is taken: the chain shows the other, and each operator's record, with proof, says the same. */
export async function playFinding(stage: Stage): Promise<Found> {
  const identity = 'CP-FIND';
  const charger = await stage.charger(identity);
  await plugIn(charger, 2);
  await agreeOnStatus(stage, identity, 1);
  await agreeOnStatus(stage, identity, 2);

  const { zurich } = stage.people;
  const { operators } = stage.network.state;
  const find = ['find', '--near', '47.3769,8.5417', '--within', '5', '--power', '50', '--verify'];
  // On a busy machine an operator may be slow to answer.
  const rows = await until('every operator to show its record', LIMIT_MS, async () => {
    const found = (await stage.devsen(zurich, ...find)) as unknown as Row[];
    const records = found.find((row) => row.identity === identity)?.records ?? [];
    return records.some(({ comparison, proof }) => comparison === 'silent' || proof === 'none') ? undefined : found;
  });
  const here = rows.filter((row) => row.identity === identity);
  mustEqual(
    'connectors that are found there',
    here.map(({ connector }) => connector),
    [1],
  );
  const [offer] = here as [Row];
  mustEqual('price of a kWh, and of a session', [offer.price?.perKwh, offer.price?.flat], ['0.3', '0.5']);

  mustEqual(
    `what operators have on record of ${identity}/1, and prove`,
    offer.records.map(({ comparison, proof }) => [comparison, proof]),
    operators.map(() => ['agrees', 'proven']),
  );
  const provenBy = await prove(stage, identity, offer.observedAtSec);
  return {
    offer: {
      connector: `${identity}/${offer.connector}`,
      powerW: offer.maxPowerW,
      perKwh: String(offer.price?.perKwh),
      observedAtSec: offer.observedAtSec,
    },
    operators: operators.length,
    provenBy,
  };
}

interface Row {
  identity: string;
  connector: number;
  maxPowerW: number;
  price: { perKwh: string; flat: string } | null;
  observedAtSec: number;
  records: { comparison: string; proof: string }[];
}

const AVAILABLE = 1;

/** Checks by the gateway's key on chain that the charger said so, whoever of the operators is asked. */
async function prove(stage: Stage, identity: string, observedAtSec: number): Promise<string> {
  const { state } = stage.network;
  const users = await stage.contract('UserDEVSEN', state.addresses.users);
  const adapterUrl = state.operators[0]?.adapterUrl;
  const event = (await readEvents(stage, identity)).find(({ facts }) =>
    facts.some((fact) => fact.kind === 'status' && fact.connector === 1 && fact.status === AVAILABLE),
  );
  must('an operator shows the event', event !== undefined);
  const path = `/v1/peer/chargers/${identity}/events/${event?.epoch}/${event?.seq}/proof`;
  const proof = await until('the proof', LIMIT_MS, () =>
    readJson<EventProof>(`${adapterUrl}${path}`, { authorization: `Bearer ${stage.peerToken}` }),
  );
  const { signingKey } = (await call(users, 'gatewayOf', proof.gateway)) as { signingKey: string };
  const proven = verifyEventProof(proof, signingKey);
  must('the gateway signed the event', proven.isProven && proven.hash === event?.hash);
  // Told when it connected, or, where nothing changed since, at the last sign of life.
  must('the event is not younger than what the chain says', (event?.receivedAtMs ?? 0) <= (observedAtSec + 1) * 1_000);
  return event?.hash ?? '';
}
