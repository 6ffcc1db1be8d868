import type { Wallet } from 'ethers';
import { DevsenError } from '../core/errors.ts';
import {
  approvalJobId,
  approvalTypedData,
  COMMAND_VALID_SEC,
  type RequestApproval,
  type SignedApproval,
  sessionTag,
} from '../core/request-approval.ts';
import type { Logger } from '../runtime/log.ts';
import type { ApprovalQueue } from './approval-queue.ts';
import type { AskedRequests } from './asked-requests.ts';
import type { Database } from './database.ts';
import { tagHash } from './projections.ts';

/** What an operator approves of: what the chain asked, each request once. */
export interface Approvals {
  /**
   * Finds on chain what was asked under this id, and approves it: once, in whatever process, and not when it is too late for the
   * gateways to act on it.
   *
   * @returns what the chain asked
   * @throws DevsenError `NOT_YET` if the chain does not show the request (yet); `CONFLICT` if it shows another than it did before
   * under the same id; `CHAIN_UNAVAILABLE`; `REDIS_UNAVAILABLE`
   */
  approve: (network: string, requestId: string, asOfSec: number) => Promise<RequestApproval>;
  /**
   * Approves again what did not come into the queue, because Redis or the chain was away, as long as gateways can act on it.
   *
   * @throws DevsenError `DATABASE_UNAVAILABLE`
   */
  sendAgain: (network: string) => Promise<void>;
}

export interface ApprovalsOptions {
  db: Database;
  asked: AskedRequests;
  queue: Pick<ApprovalQueue, 'add'>;
  /** undefined: approves nothing. */
  signingKey: Pick<Wallet, 'signTypedData'> | undefined;
  /** The operator's account in UserDEVSEN. */
  operator: string;
  log: Logger;
  now: () => number;
}

interface ApprovalRow {
  asked: string;
  is_queued: number;
}

export function makeApprovals({ db, asked, queue, signingKey, operator, log, now }: ApprovalsOptions): Approvals {
  const select = db.prepare<ApprovalRow>('SELECT asked, is_queued FROM approvals WHERE request_id = ?');
  const insert = db.prepare(
    `INSERT INTO approvals (request_id, asked, is_queued, asked_at_sec, tag_hash) VALUES (?, ?, 0, ?, ?)
     ON CONFLICT DO NOTHING`,
  );
  const selectUnsent = db.prepare<{ request_id: string; asked_at_sec: number }>(
    'SELECT request_id, asked_at_sec FROM approvals WHERE is_queued = 0 AND asked_at_sec >= ? ORDER BY asked_at_sec',
  );
  const setQueued = db.prepare('UPDATE approvals SET is_queued = 1 WHERE request_id = ?');

  const send = async (network: string, request: RequestApproval) => {
    if (signingKey === undefined) return log.warn({ requestId: request.requestId }, 'not approved: no signing key');
    const { domain, types, message } = approvalTypedData(network, request);
    const signature = (await signingKey.signTypedData(domain, types, message)).toLowerCase();
    const signed: SignedApproval = { ...request, operator: operator.toLowerCase(), signature };
    await queue.add(approvalJobId(signed), JSON.stringify(signed));
    setQueued.run(request.requestId);
    log.info({ requestId: request.requestId, deviceId: request.deviceId, query: request.query }, 'approved');
  };

  const approve: Approvals['approve'] = async (network, requestId, asOfSec) => {
    const known = select.get(requestId);
    const isLate = now() > (asOfSec + COMMAND_VALID_SEC) * 1_000;
    if (known !== undefined && (known.is_queued === 1 || isLate)) return JSON.parse(known.asked) as RequestApproval;
    const request = await asked.find(requestId, asOfSec);
    if (request === undefined) throw new DevsenError('NOT_YET', 'the chain does not show this request');
    const text = JSON.stringify(request);
    if (known !== undefined && known.asked !== text) {
      throw new DevsenError('CONFLICT', 'the chain showed another request under this id before');
    }
    if (known === undefined) {
      const tag = request.query === 'start-charge' ? tagHash(sessionTag(requestId)) : null;
      insert.run(requestId, text, request.asOfSec, tag);
    }
    if (now() <= (request.asOfSec + COMMAND_VALID_SEC) * 1_000) await send(network, request);
    return request;
  };
  let isSending = false;

  return {
    approve,
    sendAgain: async (network) => {
      if (isSending || signingKey === undefined) return;
      isSending = true;
      try {
        for (const row of selectUnsent.all(Math.ceil(now() / 1_000) - COMMAND_VALID_SEC)) {
          await approve(network, row.request_id, row.asked_at_sec).catch((error) => {
            // It is tried again, or too late soon.
            if (!(error instanceof DevsenError) || error.code === 'DATABASE_UNAVAILABLE') throw error;
          });
        }
      } finally {
        isSending = false;
      }
    },
  };
}
