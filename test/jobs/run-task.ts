import type { TaskCall, TaskServices } from '../../jobs/node/task.ts';
import { TASK_TYPES } from '../../jobs/node/tasks/table.ts';
import { makeMap, toJson, type Value } from '../../jobs/node/values.ts';

export const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));

/** Makes one attempt at a task by itself and gives its value. */
export async function runTask(
  type: string,
  attributes: Record<string, string>,
  vars: Record<string, Value> = {},
  inputs: Value[] = [],
  services: Partial<TaskServices> = {},
): Promise<Value> {
  const call: TaskCall = {
    attributes,
    inputs,
    vars: makeMap(Object.entries(vars)),
    key: '1:0:task',
    place: 'job:task',
    runId: 1,
    blockNumber: 1,
    signal: new AbortController().signal,
    timeoutMs: undefined,
    gasLimit: undefined,
    isForwarded: false,
    worthWei: undefined,
    services: { bridges: {}, httpTimeoutMs: 1_000, httpMaxBytes: 32_768, ...services } as TaskServices,
  };
  const result = await TASK_TYPES[type]?.run(call);
  if (!result || !('value' in result)) throw new Error('expected a value');
  return result.value;
}

/** A value as JSON shows it. */
export const plain = (value: Value) => JSON.parse(toJson(value)) as unknown;
