import { type ChargerMessage, isTransactionMessage, type TransactionMessage } from './charger-message.ts';
import type { Dialect } from './dialect.ts';
import type { SignedMeter } from './signed-meter.ts';

/** Gives a charger's messages what only the charger as a whole knows, and passes on those the version has words for. */
export interface Teller {
  tell: (message: ChargerMessage) => void;
  /** After a boot every status is news. */
  forgetStatuses: () => void;
}

export interface TellerTools {
  dialect: Dialect;
  signedMeter: SignedMeter | undefined;
  isOnline: () => boolean;
  say: (message: ChargerMessage) => void;
}

export function makeTeller({ dialect, signedMeter, isOnline, say }: TellerTools): Teller {
  const seqNos = new Map<string, number>();
  const told = new Map<number, string>();

  function tellOne(message: ChargerMessage): void {
    if (!dialect.tells(message)) return;
    if (message.kind === 'status') {
      const word = `${dialect.statusWord(message.status)} ${message.errorCode}`;
      if (told.get(message.connector) === word) return;
      told.set(message.connector, word);
    }
    say(isTransactionMessage(message) ? numbered(message) : message);
  }

  function numbered(message: TransactionMessage): TransactionMessage {
    const seqNo = seqNos.get(message.transaction) ?? 0;
    if (message.kind === 'stop') seqNos.delete(message.transaction);
    else seqNos.set(message.transaction, seqNo + 1);
    return { ...message, seqNo, isOffline: !isOnline() };
  }

  function signed(message: ChargerMessage): ChargerMessage[] {
    if (!signedMeter || (message.kind !== 'start' && message.kind !== 'stop')) return [message];
    const { transaction, registerWh, atMs, connector } = message;
    if (message.kind === 'stop') {
      const readings = signedMeter.end(transaction, registerWh, atMs);
      return [readings ? { ...message, signed: readings } : message];
    }
    const readings = signedMeter.begin(transaction, registerWh, atMs);
    const reading = { registerWh, powerW: 0 };
    // for versions whose start message has no room for it
    const begin = {
      kind: 'meter',
      transaction,
      connector,
      reading,
      occasion: 'Begin',
      atMs,
      signed: readings,
    } as const;
    return [{ ...message, signed: readings }, begin];
  }

  return {
    tell: (message) => {
      for (const each of signed(message)) tellOne(each);
    },
    forgetStatuses: () => told.clear(),
  };
}
