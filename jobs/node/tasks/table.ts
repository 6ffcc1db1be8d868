import type { TaskType } from '../task.ts';
import { any } from './any.ts';
import { base64decode, base64encode } from './base64.ts';
import { bridge } from './bridge.ts';
import { cborparse } from './cborparse.ts';
import { conditional } from './conditional.ts';
import { divide } from './divide.ts';
import { estimategaslimit } from './estimategaslimit.ts';
import { ethabidecode } from './ethabidecode.ts';
import { ethabidecodelog } from './ethabidecodelog.ts';
import { ethabiencode } from './ethabiencode.ts';
import { ethcall } from './ethcall.ts';
import { ethtx } from './ethtx.ts';
import { hexdecode, hexencode } from './hex.ts';
import { http } from './http.ts';
import { jsonparse } from './jsonparse.ts';
import { length } from './length.ts';
import { lessthan } from './lessthan.ts';
import { lookup } from './lookup.ts';
import { mean } from './mean.ts';
import { median } from './median.ts';
import { memo } from './memo.ts';
import { merge } from './merge.ts';
import { mode } from './mode.ts';
import { multiply } from './multiply.ts';
import { sum } from './sum.ts';
import { lowercase, uppercase } from './text-case.ts';

/** The task types of Chainlink's pipelines that this node runs, by their name in a spec. */
export const TASK_TYPES: Readonly<Record<string, TaskType>> = Object.assign(Object.create(null), {
  any,
  base64decode,
  base64encode,
  bridge,
  cborparse,
  conditional,
  divide,
  estimategaslimit,
  ethabidecode,
  ethabidecodelog,
  ethabiencode,
  ethcall,
  ethtx,
  hexdecode,
  hexencode,
  http,
  jsonparse,
  length,
  lessthan,
  lookup,
  lowercase,
  mean,
  median,
  memo,
  merge,
  mode,
  multiply,
  sum,
  uppercase,
});
