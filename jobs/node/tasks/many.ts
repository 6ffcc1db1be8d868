import type { Decimal } from '../decimal.ts';
import { interpolateJson, soleReference } from '../references.ts';
import { asDecimal, attribute, type TaskCall, type TaskType } from '../task.ts';
import { Fault, type Value } from '../values.ts';

/** What tasks over many values have in common. */
export const MANY: Pick<TaskType, 'required' | 'check'> & { optional: string[] } = {
  required: [],
  optional: ['values', 'allowedfaults'],
  check: ({ allowedfaults: text }) =>
    text?.trim() && !/^\s*\d{1,6}\s*$/.test(text) ? 'allowedFaults: expected a whole number' : undefined,
};

/**
 * The values a task works on: the list in its attribute `values`, else its inputs in the order of their `index`. Up to
 * `allowedFaults` of them may be faults, all but one if that is not set.
 *
 * @returns those that are no faults, at least one
 */
export function valuesOf(call: TaskCall): Value[] {
  const all = listOf(call);
  const text = call.attributes.allowedfaults?.trim();
  const allowed = text ? Number(text) : all.length - 1;
  const faults = all.filter((value) => value instanceof Fault);
  const good = all.filter((value) => !(value instanceof Fault));
  if (faults.length > 0 && faults.length > allowed) {
    const why = faults.map(({ message }) => message).join('; ');
    throw new Error(`values: ${faults.length} of ${all.length} failed, ${allowed} may: ${why}`);
  }
  if (good.length === 0) throw new Error('values: there are none');
  return good;
}

export function decimalsOf(call: TaskCall): Decimal[] {
  return valuesOf(call).map((value) => asDecimal(value, 'values'));
}

function listOf(call: TaskCall): readonly Value[] {
  const text = call.attributes.values;
  if (!text?.trim()) return call.inputs;
  const list = soleReference(text) === undefined ? interpolateJson(text, call.vars, true) : attribute(call, 'values');
  if (!Array.isArray(list)) throw new Error('values: expected a list');
  return list;
}
