import type { TaskType } from '../task.ts';
import { bridge } from './bridge.ts';
import { cborparse } from './cborparse.ts';
import { ethabidecode } from './ethabidecode.ts';
import { ethabidecodelog } from './ethabidecodelog.ts';
import { ethabiencode } from './ethabiencode.ts';
import { ethtx } from './ethtx.ts';
import { jsonparse } from './jsonparse.ts';

/** The task types of Chainlink's pipelines that this node runs, by their name in a spec. */
export const TASK_TYPES: Readonly<Record<string, TaskType>> = Object.assign(Object.create(null), {
  bridge,
  cborparse,
  ethabidecode,
  ethabidecodelog,
  ethabiencode,
  ethtx,
  jsonparse,
});
