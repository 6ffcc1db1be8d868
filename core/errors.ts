/** What can go wrong, as one closed list; each edge (HTTP, OCPP, BullMQ, exit code) translates a code once. */
export type DevsenErrorCode =
  | 'INPUT_INVALID'
  | 'SETTINGS_INVALID'
  | 'JOB_SPEC_INVALID'
  | 'UNAUTHORISED'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'NOT_YET'
  | 'PRUNED'
  | 'TIMEOUT'
  | 'OVERLOADED'
  | 'RATE_LIMITED'
  | 'CUSTODY_BROKEN'
  | 'METER_REVERSED'
  | 'CHAIN_UNAVAILABLE'
  | 'REDIS_UNAVAILABLE'
  | 'DATABASE_UNAVAILABLE'
  | 'INTERNAL';

/** The one error class. Its message is safe to show: never a key, a token, an idTag or an RPC URL. */
export class DevsenError extends Error {
  readonly code: DevsenErrorCode;

  constructor(code: DevsenErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'DevsenError';
    this.code = code;
  }
}
