import { until } from '../deadline.ts';
import { LIMIT_MS, type Stage } from './stage.ts';

/** What the scenarios read of an event in an operator's public record. */
export interface PublicEvent {
  epoch: number;
  seq: number;
  receivedAtMs: number;
  /** In its connection's chain. */
  hash: string;
  facts: { kind: string; connector?: number; status?: number; errorClass?: number }[];
}

/** Reads from the first operator that answers: in some scenarios one of them is away. */
export async function readRecord<Body>(stage: Stage, path: string): Promise<Body> {
  return until(`an operator to answer ${path}`, LIMIT_MS, async () => {
    for (const { adapterUrl } of stage.network.state.operators) {
      const body = await readJson<Body>(`${adapterUrl}${path}`).catch(() => undefined);
      if (body !== undefined) return body;
    }
    return undefined;
  });
}

/** A charger's newest events, the newest first. */
export async function readEvents(stage: Stage, identity: string): Promise<PublicEvent[]> {
  return (await readRecord<{ items: PublicEvent[] }>(stage, `/v1/chargers/${identity}/events?limit=200`)).items;
}

/** @throws Error that names the path and the HTTP status */
export async function readJson<Body>(url: string, headers: Record<string, string> = {}): Promise<Body> {
  const response = await fetch(url, { headers });
  if (!response.ok) throw new Error(`${new URL(url).pathname} gave HTTP ${response.status}`);
  return (await response.json()) as Body;
}
