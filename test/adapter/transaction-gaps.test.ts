import { expect, it } from '@jest/globals';
import { makeTransactionGaps } from '../../adapter/transaction-gaps.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { transactionEvent } from '../core/samples20.ts';
import { beginStory, CHARGER } from './session-story.ts';

it('counts the messages of a transaction that are missing, also those before the first', () => {
  const { record, call, flush } = beginStory('ocpp2.0.1');
  const tell = (transactionId: string, type: 'Started' | 'Updated' | 'Ended', seqNo: number) =>
    call(10, 'TransactionEvent', transactionEvent(type, seqNo, { transactionInfo: { transactionId } }));
  tell('whole', 'Started', 0);
  tell('whole', 'Updated', 1);
  tell('whole', 'Updated', 1);
  tell('whole', 'Ended', 2);
  tell('from one', 'Started', 1);
  tell('from one', 'Ended', 4);
  tell('no start', 'Updated', 3);
  tell('no start', 'Ended', 4);
  flush(20);
  const missingOf = makeTransactionGaps(record.db);
  const missing = ['whole', 'from one', 'no start', 'none'].map((id) => missingOf(deviceIdOf(CHARGER), id));
  expect(missing).toEqual([0, 2, 3, null]);
});
