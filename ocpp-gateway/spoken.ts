import { OCPP_VERSIONS, type OcppVersion } from '../core/ocpp-version.ts';
import { chargerActions, type Dialect } from './dialect.ts';
import { DIALECTS } from './dialects.ts';
import { type Forgiven, forgive } from './forgiving.ts';
import { type PayloadCheck, payloadBreaks, payloadCheck } from './payload-checks.ts';

/** A version of OCPP, ready to be spoken with chargers. */
export interface Spoken {
  dialect: Dialect;
  /** What chargers say, by action. */
  checks: ReadonlyMap<string, PayloadCheck>;
  /** What is left of a payload that a charger's message broke its schema with; undefined if nothing is. */
  forgive: (action: string, payload: unknown) => Forgiven | undefined;
  /** What chargers are asked, by action. */
  commandChecks: ReadonlyMap<string, PayloadCheck>;
}

/** Every version, by its subprotocol. */
export type AllSpoken = Readonly<Record<OcppVersion, Spoken>>;

export function speakAll(): AllSpoken {
  return Object.fromEntries(OCPP_VERSIONS.map((version) => [version, speak(version)])) as unknown as AllSpoken;
}

function speak(version: OcppVersion): Spoken {
  const dialect = DIALECTS[version];
  const checksOf = (actions: readonly string[]) =>
    new Map(actions.map((action) => [action, payloadCheck(version, action)]));
  return {
    dialect,
    checks: checksOf(chargerActions(dialect)),
    forgive: (action, payload) => forgive(payload, payloadBreaks(version, action)),
    commandChecks: checksOf([...dialect.commands]),
  };
}

/**
 * Has every check compiled soon, one in each turn of the event loop, rather than while the first message waits for it:
 * what chargers say before what they are asked.
 *
 * @returns ends it
 */
export function warmUp(spoken: AllSpoken): () => void {
  const versions = Object.values(spoken);
  const cold = [
    ...versions.flatMap(({ checks }) => [...checks.values()]),
    ...versions.flatMap(({ commandChecks }) => [...commandChecks.values()]),
  ];
  let turn: NodeJS.Immediate | undefined;
  const warmNext = () => {
    cold.shift()?.(null);
    turn = cold.length > 0 ? setImmediate(warmNext) : undefined;
  };
  turn = setImmediate(warmNext);
  return () => clearImmediate(turn);
}
