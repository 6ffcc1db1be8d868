import type { TransactionId } from './charger-fact.ts';
import type { OcppVersion } from './ocpp-version.ts';
import { transactionIdIn16 } from './ocpp16.ts';
import { transactionIdIn20 } from './ocpp20.ts';

const READERS: Readonly<Record<OcppVersion, (text: string) => TransactionId>> = {
  'ocpp1.6': transactionIdIn16,
  'ocpp2.0.1': transactionIdIn20,
  'ocpp2.1': transactionIdIn20,
};

/**
 * A transaction's id as its charger knows it, out of its text.
 *
 * @param version - of the charger's connection; undefined where its opening is not on record: the text stays
 */
export function transactionIdIn(text: string, version: OcppVersion | undefined): TransactionId {
  return version === undefined ? text : READERS[version](text);
}
