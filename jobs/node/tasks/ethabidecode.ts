import { decodeArguments, parseArguments } from '../abi-values.ts';
import { asBytes, asString, attribute, goodInputs, type TaskType } from '../task.ts';

/** Decodes ABI-encoded bytes into a map; `abi` lists types and names without brackets. */
export const ethabidecode: TaskType = {
  required: ['abi'],
  optional: ['data'],
  run: (call) => {
    const inputs = goodInputs(call, Number.POSITIVE_INFINITY);
    const params = parseArguments(asString(attribute(call, 'abi'), 'abi'));
    return { value: decodeArguments(params, asBytes(attribute(call, 'data') ?? inputs[0], 'data')) };
  },
};
