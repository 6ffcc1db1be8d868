import type { ChargerFact } from './charger-fact.ts';

/**
 * What a charger that took the call to start a session says of its wait for somebody to plug in.
 *
 * - `{ part }`: the connector is held; of an EVSE of OCPP 2.x with several, this one
 * - `given-up`: the connector is free again, and no transaction came between: the charger has let go of the start
 * - undefined: it says neither
 */
export type CarWait = { part: number } | 'given-up' | undefined;

/** What chargers call a connector that somebody is about to use; in OCPP 2.x that is not told from one in use. */
const HELD: ReadonlySet<string> = new Set(['Preparing', 'Occupied']);
/** What a connector that was held goes back to (OCPP 1.6 §9.1, ConnectionTimeOut: its original state, probably Available). */
const LET_GO: ReadonlySet<string> = new Set(['Available', 'Reserved', 'Unavailable']);

/**
 * The wait after one more fact that the charger told over the same connection. Over another one it would be no sign: a
 * charger may begin and end a transaction while it is offline, and tell the connector's status before that.
 *
 * Gateway and operators go by this one rule, the gateway from no later on: what operators answer as not begun, the gateway
 * lets begin no more.
 *
 * @param connector - the session's; in OCPP 2.x the EVSE
 */
export function carWaitAfter(before: CarWait, fact: ChargerFact, connector: number): CarWait {
  if (before === 'given-up') return before;
  if (fact.kind === 'status' && fact.connector === connector) {
    const { part = 0, reported } = fact;
    if (HELD.has(reported)) return { part };
    if (before?.part !== part) return before;
    return LET_GO.has(reported) ? 'given-up' : undefined;
  }
  const isTransaction =
    fact.kind === 'transaction-started' || fact.kind === 'transaction-updated' || fact.kind === 'transaction-stopped';
  return isTransaction && (fact.connector ?? connector) === connector ? undefined : before;
}
