import { OCPP_VERSIONS, type OcppVersion } from '../core/ocpp-version.ts';
import { chargerActions, type Dialect } from './dialect.ts';
import { DIALECTS } from './dialects.ts';
import { type PayloadCheck, payloadCheck } from './payload-checks.ts';

/** A version of OCPP, ready to be spoken with chargers. */
export interface Spoken {
  dialect: Dialect;
  /** What chargers say, by action. */
  checks: ReadonlyMap<string, PayloadCheck>;
  /** What chargers are asked, by action. */
  commandChecks: ReadonlyMap<string, PayloadCheck>;
  /** Has what chargers say compiled soon, a message at a time, rather than while the first of them waits. */
  warm: () => void;
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
  const checks = checksOf(chargerActions(dialect));
  const cold = [...checks.values()];
  let isWarming = false;
  const warmNext = () => {
    const check = cold.shift();
    if (check === undefined) return;
    check(null);
    setImmediate(warmNext);
  };
  return {
    dialect,
    checks,
    commandChecks: checksOf([...dialect.commands]),
    warm: () => {
      if (isWarming) return;
      isWarming = true;
      setImmediate(warmNext);
    },
  };
}
