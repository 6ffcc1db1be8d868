/**
 * Why a gateway ends a session by itself.
 *
 * - `limit`: its energy limit was reached
 * - `idle`: it has taken no energy for so long as the gateway's settings say
 * - `late`: its transaction began when the session could not begin any more
 */
export type StopCause = 'limit' | 'idle' | 'late';

/** Those that end the session: `late` ends a transaction that is none of it. */
export const SESSION_STOP_CAUSES = ['limit', 'idle'] as const satisfies readonly StopCause[];
export type SessionStopCause = (typeof SESSION_STOP_CAUSES)[number];

const STOP_ID = /^(limit|idle|late)\.([0-9a-f]{24})\.[0-9]{1,4}$/;

/**
 * The OCPP message id of a gateway's own call to end a session: every operator sees by it, in its own record, why the
 * session was ended. No other call of a gateway has an id of this form. At most 36 characters.
 *
 * @param sessionId - 32 bytes, 0x-prefixed lower-case hex; 96 bits of it stand in the id
 * @param attempt - how often the charger was asked before, 0 to 9999
 */
export function stopMessageId(cause: StopCause, sessionId: string, attempt: number): string {
  return `${stopMessagePrefix(cause, sessionId)}${attempt % 10_000}`;
}

/** How the message ids begin of all calls to end a session for one cause. */
export function stopMessagePrefix(cause: StopCause, sessionId: string): string {
  return `${cause}.${sessionId.slice(2, 26)}.`;
}

/** Whether a call with this message id ends some session, or a transaction that is none. */
export function isStopMessageId(messageId: string): boolean {
  return STOP_ID.test(messageId);
}

/** Why a call with this message id ends this session; undefined if it does not. */
export function stopCauseOf(messageId: string, sessionId: string): StopCause | undefined {
  const [, cause, session] = STOP_ID.exec(messageId) ?? [];
  return session !== undefined && sessionId.slice(2).startsWith(session) ? (cause as StopCause) : undefined;
}
