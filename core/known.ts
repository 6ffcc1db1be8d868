/** The answer, or why this operator cannot give it (others may). */
export type Known<T> = { isKnown: true; answer: T } | { isKnown: false; reason: string };

export function cannotKnow(reason: string): Known<never> {
  return { isKnown: false, reason };
}
