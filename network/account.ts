import { type ChargerStatus, ERROR_CLASSES, STATUS_NAMES } from '../core/status.ts';
import { describeExit, type Exit } from './supervisor.ts';
import type { Paint } from './terminal.ts';

/** Something that happened in the network, in the words of whoever watches it. */
export type Entry =
  | { kind: 'connected'; charger: string }
  | { kind: 'disconnected'; charger: string }
  | { kind: 'refused'; charger: string; why: string }
  | { kind: 'status'; charger: string; connector: number; status: string; errorCode: string }
  | { kind: 'asked'; requestId: string; charger: string; connector: number; consumer: string; operators: number }
  | { kind: 'observed'; requestId: string; operator: string; answer: string; tookMs: number }
  | { kind: 'agreed'; requestId: string; charger: string; connector: number; answer: string; by: number; of: number }
  | { kind: 'disputed'; requestId: string }
  | { kind: 'expired'; requestId: string }
  | { kind: 'callbackFailed'; requestId: string }
  | { kind: 'died'; exit: Exit }
  | { kind: 'restarted'; name: string };

/** One entry as a line of the account. Pure. */
export function describe(entry: Entry, paint: Paint): string {
  switch (entry.kind) {
    case 'connected':
      return `${paint('name', entry.charger)} connected`;
    case 'disconnected':
      return `${paint('name', entry.charger)} ${paint('warn', 'disconnected')}`;
    case 'refused':
      return `${paint('name', entry.charger)} ${paint('bad', 'refused')}: ${entry.why}`;
    case 'status': {
      const error = entry.errorCode === 'NoError' ? '' : ` ${paint('warn', entry.errorCode)}`;
      return `${paint('name', place(entry))} is ${entry.status}${error}`;
    }
    case 'asked': {
      const { consumer, operators } = entry;
      return `${tag(entry, paint)} ${shortAddress(consumer)} asks ${operators} operators for the status of ${paint('name', place(entry))}`;
    }
    case 'observed':
      return `${tag(entry, paint)} ${entry.operator} answers ${entry.answer} ${paint('faint', seconds(entry.tookMs))}`;
    case 'agreed':
      return `${tag(entry, paint)} ${paint('good', 'agreed')}: ${paint('name', place(entry))} is ${paint('strong', entry.answer)} (${entry.by} of ${entry.of} say so)`;
    case 'disputed':
      return `${tag(entry, paint)} ${paint('bad', 'no agreement')}: all have answered, too few the same`;
    case 'expired':
      return `${tag(entry, paint)} ${paint('bad', 'expired')}: too few have answered in time`;
    case 'callbackFailed':
      return `${tag(entry, paint)} ${paint('warn', 'the consumer refused the answer')}`;
    case 'died':
      return `${paint('bad', 'Died:')} ${describeExit(entry.exit)}`;
    case 'restarted':
      return `${entry.name} started again`;
  }
}

/** A status as people read it: `Charging`, `Faulted (GroundFailure)`, `Unknown, last known 12:03:10`. */
export function describeStatus(status: ChargerStatus): string {
  const name = STATUS_NAMES[status.status] ?? `status ${status.status}`;
  const error = status.errorClass === 0 ? '' : ` (${ERROR_CLASSES[status.errorClass] ?? `error ${status.errorClass}`})`;
  const at = status.observedAtSec === 0 ? 'never seen' : `since ${utcTime(status.observedAtSec)}`;
  return status.online ? `${name}${error}, ${at}` : `${name}${error}, offline, ${at.replace('since', 'last known')}`;
}

/** The beginning of a request's id, enough to tell requests of one hour apart. */
export function shortId(requestId: string): string {
  return requestId.slice(2, 8);
}

function tag(entry: { requestId: string }, paint: Paint): string {
  return paint('faint', `[${shortId(entry.requestId)}]`);
}

function place(entry: { charger: string; connector: number }): string {
  return `${entry.charger}/${entry.connector}`;
}

function shortAddress(address: string): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}

function seconds(durationMs: number): string {
  return `after ${(durationMs / 1000).toFixed(1)} s`;
}

function utcTime(atSec: number): string {
  return `${new Date(atSec * 1000).toISOString().slice(11, 19)}Z`;
}
