import type { ChargerCall } from '../core/charger-call.ts';
import type { TransactionId } from '../core/charger-fact.ts';
import type { OcppVersion } from '../core/ocpp-version.ts';
import type { StatusPlace, Told } from './told.ts';

/** What a charger's CALL needs to be looked up before it can be answered. */
export interface Need {
  /** The card whose state is asked for. */
  idTag?: string;
  /** The certificate signing request to be granted or not, and the call by which the certificate is sent then. */
  csr?: { text: string; callWith: (certificateChain: string) => ChargerCall };
  /** A transaction id: the same for the same transaction, however often it is asked for. */
  transaction?: { connectorId: number; idTag: string; timestamp: string; meterStart: number };
}

/** `AuthorizationStatus` of OCPP 1.6, without ConcurrentTx. */
export type IdTagVerdict = 'Accepted' | 'Blocked' | 'Expired' | 'Invalid';

/** What an idTag counts for. */
export interface IdTagFinding {
  /**
   * ConcurrentTx only to the start of a transaction, while another one by the same idTag goes on for certain; NoCredit where
   * cards must pay and its user can pay for nothing.
   */
  status: IdTagVerdict | 'ConcurrentTx' | 'NoCredit';
  /** What it has in common with the other cards of its user, at most 20 characters; absent where it has no user. */
  parent?: string;
  /** Energy at which the charger is to end the transaction that it begins, Wh; absent where there is no limit. */
  energyLimitWh?: number;
}

/** All an answer depends on, beside the CALL itself. */
export interface Facts {
  nowMs: number;
  heartbeatIntervalSec: number;
  /** Whether what a charger reports can be kept and passed on now. */
  isReady: boolean;
  idTag?: IdTagFinding;
  transactionId?: number;
  /** Whether the certificate that is asked for will be issued; not set where no CA is configured. */
  isCertificateGranted?: boolean;
}

/** A payload that has passed its action's schema. */
export type Payload = Record<string, unknown>;

/** What the gateway asks of chargers of its own accord in one version of OCPP. */
export interface OwnCalls {
  /** The call that has a charger tell one connector's status, or all that it will. */
  statusCall: (place?: StatusPlace) => ChargerCall;
  /** The call that has a charger tell a connector's meter. */
  meterCall: (connector: number) => ChargerCall;
  /** The call that ends a transaction. */
  stopCall: (transactionId: TransactionId) => ChargerCall;
}

/** One version of OCPP as the gateway speaks it. Nothing else in the gateway knows the version of a charger. */
export interface Dialect extends Told, OwnCalls {
  version: OcppVersion;
  /** What a charger asks and is answered. */
  answers: Readonly<Record<string, (facts: Facts, payload: Payload) => object>>;
  /** What a charger says without an answer: SEND of OCPP-J 2.1. */
  sends: ReadonlySet<string>;
  /** What a CSMS asks. */
  commands: ReadonlySet<string>;
  /**
   * How a message that billing depends on is answered where it is recorded as suspect: `empty`, so that the charger does not send it for ever; with
   * this transaction's id and a refusal; undefined if only with a CALLERROR.
   */
  suspectAnswer: (action: string, payload: unknown) => 'empty' | Need['transaction'];
  /** @returns undefined if the CALL can be answered at once */
  needOf: (action: string, payload: Payload) => Need | undefined;
  /** CALLERROR code for what is no frame of OCPP-J. */
  malformed: string;
}

/** Whether an action is for the gateway to answer: `yes`, or the CALLERROR code that says why not. */
export function isAnswered({ answers, commands }: Dialect, action: string): 'yes' | 'NotSupported' | 'NotImplemented' {
  if (Object.hasOwn(answers, action)) return 'yes';
  return commands.has(action) ? 'NotSupported' : 'NotImplemented';
}

/** The payload of the CALLRESULT; `facts` must hold what `needOf` asked for. */
export function answerTo({ answers }: Dialect, action: string, facts: Facts, payload: Payload): object {
  const answer = Object.hasOwn(answers, action) ? answers[action] : undefined;
  if (answer === undefined) throw new RangeError(`no answer to ${action}`);
  return answer(facts, payload);
}

/** What a charger says in a version of OCPP, in order. */
export function chargerActions({ answers, sends }: Dialect): string[] {
  return [...Object.keys(answers), ...sends].sort();
}

/** An action as a metric's label: a charger must not be able to make up labels. */
export function labelOf(dialect: Dialect, action: string): string {
  return dialect.sends.has(action) || isAnswered(dialect, action) !== 'NotImplemented' ? action : 'unknown';
}
