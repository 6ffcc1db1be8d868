import { id } from 'ethers';
import { encodeArguments, parseSignature } from '../abi-values.ts';
import { asString, attribute, goodInputs, mapAttribute, type TaskType } from '../task.ts';

/** ABI-encodes a map, with the function's selector in front if the abi has a name; gives 0x-hex. */
export const ethabiencode: TaskType = {
  required: ['abi'],
  optional: ['data'],
  check: (attributes) => {
    try {
      parseSignature(attributes.abi ?? '');
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  },
  run: (call) => {
    goodInputs(call, Number.POSITIVE_INFINITY);
    const signature = parseSignature(asString(attribute(call, 'abi'), 'abi'));
    const encoded = encodeArguments(signature.arguments, mapAttribute(call, 'data') ?? {});
    if (signature.name === '') return { value: encoded };
    const types = signature.arguments.map((param) => param.type).join(',');
    return { value: id(`${signature.name}(${types})`).slice(0, 10) + encoded.slice(2) };
  },
};
