import { AS_OF_AHEAD_SEC } from '../core/as-of.ts';
import type { OcppVersion } from '../core/charger-call.ts';
import { callOf, replyOf } from '../core/charger-commands.ts';
import { DevsenError } from '../core/errors.ts';
import { COMMAND_VALID_SEC, messageIdOf, type RequestApproval } from '../core/request-approval.ts';
import type { Logger } from '../runtime/log.ts';
import type { RegisteredOperator } from '../runtime/registry.ts';
import { agreedOn, isSameRequest, type ReadApproval, readApproval, rememberSigners } from './approval-rules.ts';
import type { ApprovalStore } from './approval-store.ts';
import type { CommandEnd } from './charger-calls.ts';
import type { GatewayWire } from './gateway-wire.ts';
import type { Holders } from './holders.ts';
import type { OperatorSets } from './operator-sets.ts';
import type { PayloadCheck } from './payload-checks.ts';
import type { Stations } from './stations.ts';

/** How an approval fared. */
export type ApprovalOutcome = 'counted' | 'repeated' | 'contradicting' | 'refused' | 'late';

export interface ApprovalDeskOptions {
  /** `<chain id>:<OracleDEVSEN address, lower case>`. */
  network: string;
  operators: () => readonly RegisteredOperator[];
  /** Whether the chain has confirmed the operators lately. */
  isFresh: () => boolean;
  sets: OperatorSets;
  store: ApprovalStore;
  holders: Pick<Holders, 'here' | 'elsewhere'>;
  wire: Pick<GatewayWire, 'on' | 'tell'>;
  stations: Pick<Stations, 'command'>;
  /** OCPP version of a charger; undefined if it is not connected here. */
  versionOf: (identity: string) => OcppVersion | undefined;
  /** The check of a payload that a CSMS sends; undefined if it sends no such action. */
  checkOf: (version: OcppVersion, action: string) => PayloadCheck | undefined;
  /** Whether what a charger answers can be kept and passed on now. */
  isReady: () => boolean;
  /** Called before the call goes out; what it keeps is durable when it settles. */
  prepare: (identity: string, request: RequestApproval) => Promise<void>;
  /** Called when the charger said no, before that is on record: what it may yet do by itself is not what was asked for. */
  refused: (identity: string, request: RequestApproval) => Promise<void> | undefined;
  /** The transaction of the session that a request is to stop. */
  transactionOf: (identity: string, request: RequestApproval) => Promise<number | string | undefined>;
  onApproval: (outcome: ApprovalOutcome) => void;
  onEnd: (action: string, end: CommandEnd['kind'] | 'refused') => void;
  log: Logger;
  now: () => number;
}

/** Has chargers do what enough operators have approved: once, at whichever gateway, and not after its time. */
export interface ApprovalDesk {
  /**
   * Takes an approval from the queue. Rejects with what Redis says.
   *
   * @returns `again` if it is to be handed in again soon: there is time, and its request was not carried out yet
   */
  take: (text: string) => Promise<'over' | 'again'>;
}

/** Beyond its time of validity a request is remembered for so long, for clocks that differ and jobs that come late. */
const REMEMBER_SEC = 600;
const CARRY_OUT = 'carry-out';

export function makeApprovalDesk(options: ApprovalDeskOptions): ApprovalDesk {
  const { network, sets, store, holders, wire, stations, onApproval, onEnd, log, now } = options;
  /** Requests that wait for their turn at a charger here. */
  const underWay = new Set<string>();

  const signerOf = rememberSigners(network);

  const endMs = ({ asOfSec }: RequestApproval) => (asOfSec + COMMAND_VALID_SEC) * 1000;
  const keepMs = (request: RequestApproval) => endMs(request) - now() + REMEMBER_SEC * 1000;

  const read = (text: string) => {
    try {
      return readApproval(text, options.operators(), signerOf);
    } catch (error) {
      if (error instanceof DevsenError) return error;
      throw error;
    }
  };

  const count = async (text: string, { approval, oracle }: ReadApproval) => {
    const { requestId, operator, query } = approval;
    const kept = await store.keep(requestId, oracle, text, keepMs(approval));
    if (kept.isNew) {
      onApproval('counted');
      log.info({ requestId, operator, query, deviceId: approval.deviceId }, 'approval counted');
    } else if (kept.approval !== text && !isSameRequest(JSON.parse(kept.approval) as RequestApproval, approval)) {
      onApproval('contradicting');
      log.warn({ requestId, operator, first: shown(kept.approval), now: shown(text) }, 'operator contradicts itself');
    }
    if (!kept.isNew) return;
    for (const [other, one] of await store.approvals(requestId)) {
      if (other === oracle || isSameRequest(JSON.parse(one) as RequestApproval, approval)) continue;
      onApproval('contradicting');
      log.warn({ requestId, operator, one: shown(one), other: shown(text) }, 'operators approve different things');
      return;
    }
  };

  /** What enough operators approved, by signatures that are checked here and now, whoever wrote them into Redis. */
  const findAgreed = async (requestId: string): Promise<RequestApproval | 'unavailable' | undefined> => {
    const distinct = new Map<string, ReadApproval>();
    for (const text of (await store.approvals(requestId)).values()) {
      const found = read(text);
      if (!(found instanceof DevsenError) && found.approval.requestId === requestId) distinct.set(found.oracle, found);
    }
    const set = await sets.of(requestId);
    if (set === 'unknown' || set === 'unavailable') return 'unavailable';
    return agreedOn([...distinct.values()], set);
  };

  /** Carries a request out at a charger here; settles when its call is on the wire, or will not be for now. */
  const carryOut = async (identity: string, request: RequestApproval): Promise<'over' | 'again'> => {
    const { requestId, query } = request;
    const version = options.versionOf(identity);
    if (version === undefined) return 'again';
    const transactionId = query === 'stop-charge' ? await options.transactionOf(identity, request) : undefined;
    const call = callOf(version, request, transactionId);
    const check = call && options.checkOf(version, call.action);
    const finding = call && check?.(JSON.parse(call.payload));
    if (call === undefined || check === undefined || finding !== undefined) {
      log.warn({ requestId, chargerId: identity, query, finding: finding?.description }, 'no call for this charger');
      onEnd(check === undefined ? 'unknown' : (call?.action as string), 'refused');
      return 'over';
    }
    const sent = Promise.withResolvers<'over' | 'again'>();
    /** While it is known that nothing was sent. */
    let claim: string | undefined;
    const ended = stations.command(identity, {
      ...call,
      messageId: messageIdOf(requestId),
      deadlineMs: endMs(request),
      ids: { requestId },
      mayGo: async () => {
        await options.prepare(identity, request);
        claim = await store.claim(requestId, keepMs(request));
        return claim !== undefined;
      },
      onSent: () => {
        claim = undefined;
        void store.setSent(requestId, keepMs(request));
        sent.resolve('over');
      },
      // What operators read out of the answer: if it is a refusal to them, nothing may follow from the request here either.
      heard: (text) =>
        replyOf(version, request, text).verdict === 'Refused' ? options.refused(identity, request) : undefined,
    });
    if (ended === undefined) return 'again';
    log.info({ requestId, chargerId: identity, query, action: call.action }, 'request is carried out');
    void ended.then(async ({ kind }) => {
      log.info({ requestId, chargerId: identity, action: call.action, end: kind }, 'request was carried out');
      onEnd(call.action, kind);
      // The charger may come back in time.
      if (claim !== undefined) await store.release(requestId, claim, keepMs(request));
      sent.resolve('again');
    });
    return sent.promise;
  };

  const carryOutHere = async (identity: string, request: RequestApproval): Promise<'over' | 'again'> => {
    const { requestId } = request;
    if (underWay.has(requestId)) return 'again';
    underWay.add(requestId);
    try {
      return await carryOut(identity, request);
    } finally {
      underWay.delete(requestId);
    }
  };

  const advance = async (requestId: string, deviceId: string, mayTell: boolean): Promise<'over' | 'again'> => {
    const state = await store.stateOf(requestId);
    if (state !== 'free') return state === 'sent' ? 'over' : 'again';
    const gateway = holders.here(deviceId) === undefined ? await holders.elsewhere(deviceId) : undefined;
    if (gateway === undefined && holders.here(deviceId) === undefined) return 'again';
    const request = await findAgreed(requestId);
    if (request === 'unavailable') return 'again';
    // The approval that completes the agreement is yet to come, and goes on from here.
    if (request === undefined || now() >= endMs(request)) return 'over';
    const identity = holders.here(request.deviceId);
    if (identity !== undefined) return options.isReady() ? carryOutHere(identity, request) : 'again';
    if (gateway !== undefined && mayTell) await wire.tell(gateway, CARRY_OUT, JSON.stringify({ requestId, deviceId }));
    return 'again';
  };

  wire.on(CARRY_OUT, (body) => {
    const { requestId, deviceId } = JSON.parse(body) as { requestId: string; deviceId: string };
    advance(requestId, deviceId, false).catch((error) => log.warn({ err: error, requestId }, 'request put off'));
    return undefined;
  });

  return {
    take: async (text) => {
      const found = read(text);
      if (found instanceof DevsenError) {
        // It may be of an operator whose registration is yet to be heard of.
        if (found.code === 'UNAUTHORISED' && !options.isFresh() && isInTime(text, now())) return 'again';
        onApproval('refused');
        log.warn({ reason: found.message }, 'approval refused');
        return 'over';
      }
      const { approval } = found;
      const { requestId, operator, asOfSec } = approval;
      if (now() >= endMs(approval) || asOfSec * 1000 > now() + AS_OF_AHEAD_SEC * 1000) {
        onApproval('late');
        log.info({ requestId, operator, asOfSec }, 'approval is out of its time');
        return 'over';
      }
      await count(text, found);
      return advance(requestId, approval.deviceId, true);
    },
  };
}

/** What was approved, without the signature. */
function shown(text: string): object {
  const { deviceId, query, params, asOfSec, operator } = JSON.parse(text);
  return { deviceId, query, params, asOfSec, operator };
}

function isInTime(text: string, nowMs: number): boolean {
  const { asOfSec } = JSON.parse(text) as { asOfSec: number };
  return nowMs < (asOfSec + COMMAND_VALID_SEC) * 1000;
}
