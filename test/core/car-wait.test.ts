import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CarWait, carWaitAfter } from '../../core/car-wait.ts';
import type { ChargerFact, MeterSample } from '../../core/charger-fact.ts';

const clock = { clock: 'missing' } as const;
const status = fc.record({
  kind: fc.constant('status' as const),
  connector: fc.constantFrom(0, 1, 2),
  part: fc.constantFrom(1, 2),
  reported: fc.constantFrom('Available', 'Preparing', 'Occupied', 'Charging', 'Faulted', 'Reserved', 'Unavailable'),
  status: fc.constant(0 as const),
  errorClass: fc.constant(0),
  reportedAt: fc.constant(clock),
});
const transaction = fc.record({
  kind: fc.constant('transaction-stopped' as const),
  connector: fc.constantFrom(1, 2),
  transactionId: fc.constant('tx'),
  reason: fc.constant('Local'),
  stoppedAt: fc.constant(clock),
  samples: fc.constant<MeterSample[]>([]),
});
const facts = fc.array(fc.oneof({ arbitrary: status, weight: 4 }, { arbitrary: transaction, weight: 1 }), {
  maxLength: 12,
});

/** After how many facts the connector is let go of; infinite if it never is. */
function givenUpAfter(told: readonly ChargerFact[], connector: number): number {
  let wait: CarWait;
  for (const [n, fact] of told.entries()) {
    wait = carWaitAfter(wait, fact, connector);
    if (wait === 'given-up') return n + 1;
  }
  return Number.POSITIVE_INFINITY;
}

it('is seen by who listens longer no later than by who listens since the answer: no session begins that was answered', () => {
  fc.assert(
    fc.property(facts, facts, (before, after) => {
      const operator = before.length + givenUpAfter(after, 1);
      expect(givenUpAfter([...before, ...after], 1)).toBeLessThanOrEqual(operator);
    }),
    { numRuns: 300 },
  );
});

it('is a connector held and then free, of whichever kind of freedom, without a transaction between', () => {
  const at = (reported: string, connector = 1): ChargerFact => ({
    ...{ kind: 'status', connector, status: 0, errorClass: 0, reportedAt: clock },
    reported,
  });
  for (const free of ['Available', 'Reserved', 'Unavailable']) {
    expect(givenUpAfter([at('Preparing'), at('Available', 2), at(free)], 1)).toBe(3);
  }
  for (const busy of ['Charging', 'Faulted', 'Finishing', 'SuspendedEV']) {
    expect(givenUpAfter([at('Preparing'), at(busy), at('Available')], 1)).toBe(Number.POSITIVE_INFINITY);
  }
  const start = { kind: 'transaction-updated', transactionId: 'tx' } as ChargerFact;
  expect(givenUpAfter([at('Occupied'), start, at('Available')], 1)).toBe(Number.POSITIVE_INFINITY);
});
