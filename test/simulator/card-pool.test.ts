import { expect, it } from '@jest/globals';
import { makeCardPool } from '../../simulator/card-pool.ts';

it('has each driver at one charger at a time', () => {
  const pool = makeCardPool(['ADA', 'BEN'], () => 0.99);
  expect([pool.take(), pool.take(), pool.take()]).toEqual(['BEN', 'ADA', undefined]);
  pool.give('ADA');
  expect([pool.take(), pool.take()]).toEqual(['ADA', undefined]);
});
