import type { OcppVersion } from '../core/ocpp-version.ts';
import { DIALECT_16 } from './answers16.ts';
import { DIALECT_20, DIALECT_21 } from './answers20.ts';
import type { Dialect } from './dialect.ts';

export const DIALECTS: Readonly<Record<OcppVersion, Dialect>> = {
  'ocpp1.6': DIALECT_16,
  'ocpp2.0.1': DIALECT_20,
  'ocpp2.1': DIALECT_21,
};
