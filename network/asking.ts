import { deviceIdOf } from '../core/identity.ts';
import { contractAt } from './contracts.ts';
import type { LocalNetwork } from './local-network.ts';
import { signerOf } from './one-by-one.ts';

/** Lets the example contract ask about one connector after another, so that there is something to see. */
export function startAsking(
  network: LocalNetwork,
  everyMs: number,
  onError: (error: Error) => void,
): { close: () => void } {
  if (everyMs === 0) return { close: () => {} };
  const { state, keys, provider } = network;
  const places = state.chargers.flatMap(({ identity, connectors }) =>
    Array.from({ length: connectors }, (_, i) => ({ identity, connector: i + 1 })),
  );
  const consumer = contractAt('ExampleStatusConsumer', state.addresses.consumer, signerOf(keys.asker, provider));
  let next = 0;
  const ask = async () => {
    const place = places[next++ % places.length];
    if (place) await (await consumer).getFunction('ask')(deviceIdOf(place.identity), place.connector);
  };
  const timer = setInterval(() => void ask().catch(() => onError(new Error('a question was not sent'))), everyMs);
  return { close: () => clearInterval(timer) };
}
