import type { CertificateRequest } from '../core/certificate-request.ts';
import type { Logger } from '../runtime/log.ts';
import type { CardDesk } from './card-desk.ts';
import type { CertificateDesk } from './certificate-desk.ts';
import type { Command, CommandEnd } from './charger-calls.ts';
import type { ChargerLink } from './charger-link.ts';
import type { ConnectionChain } from './custody.ts';
import { answerTo, type Facts, type IdTagFinding, isAnswered, labelOf, type Need, type Payload } from './dialect.ts';
import { type Call, type CallError, callError, callResult } from './frame.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Outbox } from './outbox.ts';
import { Recording, type RecordingDesk } from './recording.ts';
import type { SessionDesk } from './session-desk.ts';
import type { AllSpoken, Spoken } from './spoken.ts';
import { isBilled, type Subject } from './told.ts';
import type { TransactionBook } from './transaction-book.ts';

/** What the calls of every charger are handled with. */
export interface CallTools {
  outbox: Outbox;
  spoken: AllSpoken;
  verdict: (idTag: string) => Promise<IdTagFinding>;
  /** Sessions that contracts opened: their idTags come before cards. */
  sessions: Pick<SessionDesk, 'verdict' | 'heard' | 'recorded'>;
  /** Transactions that go on, by card. */
  transactions: Pick<TransactionBook, 'recorded' | 'isConcurrent'>;
  /** Undefined where it is not known what cards can pay for. */
  cards?: CardDesk;
  transactionId: (charger: string, transaction: NonNullable<Need['transaction']>) => Promise<number>;
  certificates: Pick<CertificateDesk, 'consider' | 'deliver'>;
  /** Whether what a charger reports can be kept and passed on now. */
  isReady: () => boolean;
  metrics: GatewayMetrics;
  heartbeatIntervalSec: number;
  now: () => number;
}

/** As what a message goes on record. */
export type Kept = 'call' | 'suspect';

/** What was looked up for an answer. */
type Found = Pick<Facts, 'idTag' | 'transactionId' | 'isCertificateGranted'>;

/** A call on its way: its exact text, and when it came (`performance.now()`). */
export interface Arrival {
  call: Call;
  text: string;
  arrivedAtMs: number;
  /** What it is about, by its action. */
  subject: Subject | undefined;
  /** Whether the call's payload is only what is left of the text's, as that broke its schema. */
  isForgiven: boolean;
}

export interface CallDeskOptions {
  chain: ConnectionChain;
  /** The charger's version of OCPP. */
  spoken: Spoken;
  tools: CallTools;
  log: Logger;
  link: Pick<ChargerLink, 'send' | 'sendFrame'>;
  /** Has the charger carry out a command. */
  command: (command: Command) => Promise<CommandEnd>;
  /** Whether the connection has come to its end: nothing may be recorded of it any more. */
  isEnded: () => boolean;
  /** Called with each call that tells of statuses and was accepted, once it is on record. */
  onRecorded: (call: Call) => void;
  /** The calls that are not answered yet; `handle` is given each of them. */
  inFlight: RecordingDesk['inFlight'];
  /** Called once for each call that is not recorded, when it was answered or given up. */
  onSettled: (arrival: Arrival, error?: unknown) => void;
}

/**
 * Handles the calls of one connection: check, look up, decide, record, and answer once the record is durable.
 *
 * The function returned gives a promise only where a look-up takes time, and then calls after it must wait for it, so
 * that they are recorded in the order in which they came. It never throws and never rejects.
 */
export function makeCallDesk(options: CallDeskOptions): (arrival: Arrival) => Promise<void> | undefined {
  const { chain, tools, log, link, isEnded, onSettled } = options;
  const { dialect, checks, forgive } = options.spoken;
  const { outbox, metrics } = tools;

  const refuse = (arrival: Arrival, error: CallError) => {
    const { call } = arrival;
    if (call.kind === 'call') link.send(callError(call.messageId, error));
    onSettled(arrival);
    metrics.message(labelOf(dialect, call.action), 'refused');
    log.debug({ messageId: call.messageId, code: error.code, finding: error.description }, 'message refused');
  };

  const giveUp = (arrival: Arrival, error: unknown) => {
    const { call } = arrival;
    onSettled(arrival, error);
    metrics.message(labelOf(dialect, call.action), 'unrecorded');
    log.warn({ err: error, messageId: call.messageId, action: call.action }, 'not recorded, so not answered');
  };

  /** Nothing of it is recorded, so nothing that is acknowledged can be lost: the charger is to boot again soon. */
  const putOff = (arrival: Arrival, facts: Facts) => {
    const { messageId, action, payload } = arrival.call;
    link.send(callResult(messageId, answerTo(dialect, action, facts, payload as Payload)));
    onSettled(arrival);
    metrics.message(action, 'put-off');
  };

  const recordingDesk: RecordingDesk = { ...options, dialect, giveUp };
  const record = (kind: Kept, arrival: Arrival, reply: string, onAnswered?: () => void) => {
    const recording = new Recording(recordingDesk, kind, arrival, reply, onAnswered);
    outbox.take(chain, kind, reply, arrival.text, recording);
  };

  const factsNow = (subject: Subject | undefined): Facts => ({
    nowMs: tools.now(),
    heartbeatIntervalSec: tools.heartbeatIntervalSec,
    // Only boots are told so, and it is looked up in the registry.
    isReady: subject !== 'boot' || tools.isReady(),
  });

  const answer = (arrival: Arrival, found?: Found, onAnswered?: () => void, kind: Kept = 'call') => {
    const { messageId, action, payload } = arrival.call;
    const now = factsNow(arrival.subject);
    const facts = found === undefined ? now : { ...now, ...found };
    if (arrival.subject === 'boot' && !facts.isReady) {
      putOff(arrival, facts);
      return;
    }
    record(kind, arrival, callResult(messageId, answerTo(dialect, action, facts, payload as Payload)), onAnswered);
  };

  const findCard = async (idTag: string, call: Call, transactionId?: number): Promise<IdTagFinding> => {
    const finding = await tools.verdict(idTag);
    if (finding.status !== 'Accepted') return finding;
    const isConcurrent = await tools.transactions.isConcurrent(chain.charger, idTag, call, transactionId);
    if (isConcurrent) return { status: 'ConcurrentTx' };
    return tools.cards?.consider(chain.charger, idTag, call, finding, transactionId) ?? finding;
  };

  const lookUp = async (need: Need, arrival: Arrival, found: Found = {}, kind: Kept = 'call') => {
    const { messageId } = arrival.call;
    try {
      if (need.transaction !== undefined) {
        found.transactionId = await tools.transactionId(chain.charger, need.transaction);
        log.info({ messageId, transactionId: found.transactionId }, 'transaction started');
      }
      if (need.idTag !== undefined) {
        const { sessions } = tools;
        const verdict = await sessions.verdict(chain.charger, need.idTag, arrival.call, found.transactionId);
        found.idTag = verdict ?? (await findCard(need.idTag, arrival.call, found.transactionId));
      }
      if (isEnded()) onSettled(arrival);
      else answer(arrival, found, undefined, kind);
    } catch (error) {
      giveUp(arrival, error);
    }
  };

  /** Once what follows from it is done. */
  const answerAfter = async (following: Promise<void>, arrival: Arrival) => {
    try {
      await following;
      if (isEnded()) onSettled(arrival);
      else answer(arrival);
    } catch (error) {
      giveUp(arrival, error);
    }
  };

  const grant = ({ text, callWith }: NonNullable<Need['csr']>, arrival: Arrival) => {
    const granted = tools.certificates.consider(chain.charger, text);
    const deliver = (request: CertificateRequest) =>
      void tools.certificates.deliver(chain.charger, request, callWith, options.command);
    answer(arrival, { isCertificateGranted: granted !== undefined }, granted && (() => deliver(granted)));
  };

  const keepSuspect = (arrival: Arrival, finding: CallError): Promise<void> | undefined => {
    const { messageId, action, payload } = arrival.call;
    log.warn({ messageId, action, finding: finding.description }, 'recorded as suspect');
    const suspect = dialect.suspectAnswer(action, payload);
    if (suspect === undefined) record('suspect', arrival, callError(messageId, finding));
    else if (suspect === 'empty') record('suspect', arrival, callResult(messageId, {}));
    else return lookUp({ transaction: suspect }, arrival, { idTag: { status: 'Invalid' } }, 'suspect');
    return undefined;
  };

  const accept = (arrival: Arrival): Promise<void> | undefined => {
    const { kind, action, payload } = arrival.call;
    if (kind === 'send') {
      record('call', arrival, '');
      return undefined;
    }
    const need = dialect.needOf(action, payload as Payload);
    if (need?.csr !== undefined) grant(need.csr, arrival);
    else if (need !== undefined) return lookUp(need, arrival);
    else {
      const isStatus = arrival.subject === 'status';
      const following = isStatus ? tools.sessions.heard(chain.charger, action, arrival.text) : undefined;
      if (following !== undefined) return answerAfter(following, arrival);
      answer(arrival);
    }
    return undefined;
  };

  const handle = (arrival: Arrival): Promise<void> | undefined => {
    const { call } = arrival;
    const { kind, messageId, action, payload } = call;
    const isSend = kind === 'send';
    const check = checks.get(action);
    if (check === undefined || dialect.sends.has(action) !== isSend) {
      const code = !isSend && isAnswered(dialect, action) === 'NotSupported' ? 'NotSupported' : 'NotImplemented';
      refuse(arrival, { code, description: WHY_NOT[code] });
      return undefined;
    }
    const finding = check(payload);
    if (finding === undefined) return accept(arrival);
    const forgiven = forgive(action, payload);
    if (forgiven !== undefined) {
      log.info(
        { messageId, action, forgiven: forgiven.what.slice(0, MOST_LOGGED) },
        'message taken as far as it is right',
      );
      call.payload = forgiven.payload;
      arrival.isForgiven = true;
      return accept(arrival);
    }
    if (isBilled(arrival.subject)) return keepSuspect(arrival, finding);
    refuse(arrival, finding);
    return undefined;
  };

  return (arrival) => {
    try {
      return handle(arrival);
    } catch (error) {
      // Our own fault: it is answered as such, and stops nobody else.
      const { messageId, action } = arrival.call;
      log.error({ err: error, messageId, action }, 'message broke its handling');
      refuse(arrival, { code: 'InternalError', description: 'the message could not be processed' });
      return undefined;
    }
  };
}

/** Of what was forgiven in one message. */
const MOST_LOGGED = 5;

const WHY_NOT = { NotSupported: 'only a CSMS sends this action', NotImplemented: 'no such action' };
