import { DevsenError } from '../core/errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { GatewayRedis } from './redis.ts';

const FIRST_RETRY_MS = 20;
const RETRY_MS = 500;

/**
 * Waits until Redis is there, and looks whether it keeps what it confirms.
 *
 * @throws DevsenError `REDIS_UNAVAILABLE` if `signal` ends the wait, `SETTINGS_INVALID` if Redis would lose what it
 *   confirmed and `durability` is `refuse`
 */
export async function untilRedis(
  redis: GatewayRedis,
  durability: 'refuse' | 'warn',
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; !redis.isUp(); attempt++) {
    if (signal.aborted) throw new DevsenError('REDIS_UNAVAILABLE', 'Redis was not reached');
    if (attempt % 20 === 10) log.warn({ attempt }, 'waiting for Redis');
    await new Promise((resolve) => setTimeout(resolve, attempt < 10 ? FIRST_RETRY_MS : RETRY_MS));
  }
  const findings = await redis.durabilityFindings();
  if (findings.length === 0) return;
  if (durability === 'refuse') throw new DevsenError('SETTINGS_INVALID', findings.join('\n'));
  for (const finding of findings) log.warn({ finding }, 'Redis could lose what it confirmed');
}
