import { createRequire } from 'node:module';
import { createValidator } from 'ocpp-rpc';
import type { OcppVersion } from '../core/ocpp-version.ts';
import { type BreaksOf, MOST_BREAKS } from './forgiving.ts';
import type { CallError } from './frame.ts';

/** The one file that knows the schemas that ocpp-rpc has, and the validator it makes of them. */

/** What is wrong with a payload; undefined if nothing is. */
export type PayloadCheck = (payload: unknown) => CallError | undefined;

const FILES: Record<OcppVersion, string> = {
  'ocpp1.6': 'ocpp1_6.json',
  'ocpp2.0.1': 'ocpp2_0_1.json',
  'ocpp2.1': 'ocpp2_1.json',
};

/** Schema keyword that failed → CALLERROR code, in the spelling of OCPP-J 1.6 §4.2.3 table 7. */
const CODES_16: Record<string, string> = {
  type: 'TypeConstraintViolation',
  required: 'OccurenceConstraintViolation',
  minItems: 'OccurenceConstraintViolation',
  maxItems: 'OccurenceConstraintViolation',
  additionalProperties: 'FormationViolation',
};

/** The same as OCPP-J 2.0.1 §4.3 and 2.1 spell it. */
const CODES_20: Record<string, string> = {
  type: 'TypeConstraintViolation',
  required: 'OccurrenceConstraintViolation',
  minItems: 'OccurrenceConstraintViolation',
  maxItems: 'OccurrenceConstraintViolation',
  additionalProperties: 'FormatViolation',
};

/** RFC 3339 date and time whose zone is not left out; the seconds' fraction may be of any length. */
const DATE_TIME =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):?[0-5]\d)$/;

const compiled = new Map<string, PayloadCheck>();

/** How many messages' checks this process has compiled. */
export function compiledChecks(): number {
  return compiled.size;
}

/**
 * Checks payloads of one message against its JSON schema. Compiled once for the process, when it is first used: that takes
 * some ten milliseconds.
 *
 * @param part - `request`: of the CALL, or of a SEND; `response`: of the CALLRESULT
 * @returns throws RangeError at its first use if the version has no such message
 */
export function payloadCheck(
  version: OcppVersion,
  action: string,
  part: 'request' | 'response' = 'request',
): PayloadCheck {
  const id = schemaId(version, action, part);
  const key = `${version} ${id}`;
  let own: PayloadCheck | undefined;
  return (payload) => {
    if (own === undefined) {
      own = compiled.get(key) ?? compile(version, id);
      compiled.set(key, own);
    }
    return own(payload);
  };
}

/** Every place at which a payload of a charger's message breaks its schema; compiled when it is first used. */
export function payloadBreaks(version: OcppVersion, action: string): BreaksOf {
  return (payload) => {
    const check = validatorOf(version, true).getSchema(schemaId(version, action, 'request'));
    return check === undefined || check(payload) ? [] : (check.errors ?? []);
  };
}

function compile(version: OcppVersion, id: string): PayloadCheck {
  const check = validatorOf(version).getSchema(id);
  if (check === undefined) throw new RangeError(`${version} has no schema ${id}`);
  const codes = version === 'ocpp1.6' ? CODES_16 : CODES_20;
  return (payload) => {
    if (check(payload)) return undefined;
    const [first] = check.errors ?? [];
    return {
      code: codes[first?.keyword ?? ''] ?? 'PropertyConstraintViolation',
      description: `payload${first?.instancePath ?? ''} ${first?.message ?? 'breaks its schema'}`,
    };
  };
}

/** As the files name them. The one SEND there is has no answer, so its name is plain. */
function schemaId(version: OcppVersion, action: string, part: 'request' | 'response'): string {
  if (version !== 'ocpp2.1') return `urn:${action}.${part === 'request' ? 'req' : 'conf'}`;
  if (action === 'NotifyPeriodicEventStream') return `urn:${action}`;
  return `urn:${action}${part === 'request' ? 'Request' : 'Response'}`;
}

type Validator = ReturnType<typeof createValidator>['_ajv'];

const validators = new Map<string, Validator>();

/** @param tellsAll - whether it goes on after the first place that breaks a schema */
function validatorOf(version: OcppVersion, tellsAll = false): Validator {
  const key = `${version} ${tellsAll}`;
  const known = validators.get(key);
  if (known !== undefined) return known;
  const schemas = createRequire(import.meta.url)(`ocpp-rpc/lib/schemas/${FILES[version]}`);
  const ajv = createValidator(version, schemas)._ajv;
  // The schemas of 2.1 leave types out that this would complain of on the console, one by one.
  ajv.opts.strictTypes = false;
  ajv.opts.allErrors = tellsAll;
  if (tellsAll) ajv.opts.code = { ...ajv.opts.code, process: untilTooMany };
  ajv.addFormat('date-time', { type: 'string', validate: (text: string) => DATE_TIME.test(text) });
  validators.set(key, ajv);
  return ajv;
}

/**
 * Has the code of a check that tells all end once it has told too much, and add what its parts tell to its own list: it
 * would copy the list for each part, which takes seconds where a message of a charger breaks its schema everywhere.
 */
function untilTooMany(code: string): string {
  const [, name] = /return function (validate\d+)\(/.exec(code) ?? [];
  const unlessTooMany = `if(errors>${MOST_BREAKS}){${name}.errors=vErrors;return false;}`;
  return code
    .replace(/errors\+\+;|errors = vErrors\.length;/g, (counted) => counted + unlessTooMany)
    .replace(/vErrors\.concat\((validate\d+\.errors)\)/g, '(vErrors.push(...$1),vErrors)');
}
