import { type LaneParts, startLane } from './lane.ts';
import { makeOutcomes } from './outcomes.ts';
import type { Account, Sender } from './sending.ts';
import { makeWaitingLine } from './waiting-line.ts';

/**
 * Sends txs from one account or several, each with nonces of its own: a tx goes out by whichever has room, so one that
 * is stuck or has no funds holds back no other. An account that retires only brings its own to an end.
 */
export function startSender(
  accounts: readonly Account[],
  parts: Omit<LaneParts, 'line' | 'settled'>,
): Sender & { close: () => Promise<void> } {
  const { store, nowMs } = parts;
  const outcomes = makeOutcomes((key) => store.byKey(key)?.outcome);
  const senders = accounts.filter(({ isRetiring }) => !isRetiring).map(({ wallet }) => wallet.address.toLowerCase());
  const line = makeWaitingLine(store, senders, nowMs);
  const lanes = accounts.map((account) => startLane(account, { ...parts, line, settled: outcomes.look }));
  return {
    accounts: new Set(senders),
    submit: (request) => {
      store.add(request);
      for (const lane of lanes) lane.soon();
    },
    outcome: outcomes.wait,
    close: async () => {
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}
