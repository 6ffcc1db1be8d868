import { DevsenError } from '../core/errors.ts';

/** Where a message is needed whose text was deleted for its age: what follows from it cannot be said any more. */
export function pruned(): DevsenError {
  return new DevsenError('PRUNED', 'this operator cannot know: what the charger sent then is deleted for its age');
}
