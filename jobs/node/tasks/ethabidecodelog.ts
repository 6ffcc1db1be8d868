import { decodeArguments, parseSignature } from '../abi-values.ts';
import { asBytes, asString, attribute, goodInputs, type TaskType } from '../task.ts';
import { makeMap } from '../values.ts';

/** Decodes a log: its arguments by name, the indexed ones from the topics. */
export const ethabidecodelog: TaskType = {
  required: ['abi', 'topics'],
  optional: ['data'],
  run: (call) => {
    goodInputs(call, Number.POSITIVE_INFINITY);
    const { arguments: params } = parseSignature(asString(attribute(call, 'abi'), 'abi'), true);
    const data = attribute(call, 'data');
    const topics = attribute(call, 'topics');
    if (!Array.isArray(topics)) throw new Error('topics: expected a list');
    const indexed = params.filter((param) => param.indexed);
    if (indexed.length > 0 && topics.length !== indexed.length + 1) {
      throw new Error(`topics: expected ${indexed.length + 1}, found ${topics.length}`);
    }
    const plain = params.filter((param) => !param.indexed);
    const fromData = decodeArguments(plain, data === undefined ? new Uint8Array() : asBytes(data, 'data'));
    const fromTopics = indexed.map((param, i) => decodeArguments([param], asBytes(topics[i + 1], 'topics')));
    return { value: makeMap([fromData, ...fromTopics].flatMap((map) => Object.entries(map))) };
  },
};
