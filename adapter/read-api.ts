import express, { type Request, type Response, type Router } from 'express';
import { DevsenError } from '../core/errors.ts';
import { sha256Hex } from '../core/identity.ts';
import type { Changes } from './changes.ts';
import type { EventPlace, EventReader } from './event-reader.ts';
import { OPENAPI } from './openapi.ts';
import type { PublicRecord } from './public-record.ts';

const DEFAULT_LIMIT = 50;
const MOST_LIMIT = 200;
/** Everybody may keep an answer for so long: the record grows about once in a second. */
const CACHE_CONTROL = 'public, max-age=1';

/** The public reading side over HTTP: `GET /v1/…` and `GET /openapi.json`. No token, nothing secret, no idTag. */
export function makeReadApi(
  record: PublicRecord,
  events: Pick<EventReader, 'ofCharger'>,
  changes: Pick<Changes, 'serve'>,
): Router {
  const router = express.Router();
  const serve = (path: string, read: (request: Request) => unknown) =>
    router.get(path, (request: Request, response: Response) => {
      const body = JSON.stringify(read(request));
      const etag = `"${sha256Hex(body).slice(0, 32)}"`;
      response.set({ 'cache-control': CACHE_CONTROL, 'access-control-allow-origin': '*', etag });
      if (request.fresh) response.status(304).end();
      else response.type('json').send(body);
    });
  router.get('/v1/changes', changes.serve);
  serve('/v1/gateways', () => ({ items: record.gateways() }));
  serve('/v1/chargers/:identity/events', (request) => {
    const identity = String(request.params.identity);
    known(record.charger(identity));
    const limit = limitOf(request.query.limit);
    const { events: items, place } = events.ofCharger(identity, cursorOf(request.query.before, LATEST), limit);
    return { items, next: place === undefined ? null : place.join('-') };
  });
  serve('/openapi.json', () => OPENAPI);
  serve('/v1/chargers', ({ query }) => {
    const limit = limitOf(query.limit);
    const items = record.chargers(textOf(query.after, 'after'), limit + 1);
    const page = items.slice(0, limit);
    return { items: page, next: items.length > limit ? (page.at(-1)?.identity ?? null) : null };
  });
  serve('/v1/chargers/:identity', (request) => {
    const identity = String(request.params.identity);
    return { ...known(record.charger(identity)), connectors: record.connectors(identity) };
  });
  serve('/v1/chargers/:identity/transactions', (request) => {
    const limit = limitOf(request.query.limit);
    const { id } = known(record.charger(String(request.params.identity)));
    const items = record.transactions(id, cursorOf(request.query.before, [Number.MAX_SAFE_INTEGER, 0, 0]), limit + 1);
    const page = items.slice(0, limit);
    return { items: page, next: items.length > limit ? (page.at(-1)?.cursor ?? null) : null };
  });
  return router;
}

function known<Found>(found: Found | undefined): Found {
  if (found === undefined) throw new DevsenError('NOT_FOUND', 'no such charger on record');
  return found;
}

function limitOf(value: unknown): number {
  if (value === undefined) return DEFAULT_LIMIT;
  if (typeof value !== 'string' || !/^\d{1,3}$/.test(value) || Number(value) < 1 || Number(value) > MOST_LIMIT) {
    throw new DevsenError('INPUT_INVALID', `limit must be a whole number from 1 to ${MOST_LIMIT}`);
  }
  return Number(value);
}

function textOf(value: unknown, name: string): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') throw new DevsenError('INPUT_INVALID', `${name} must be given once`);
  return value;
}

const LATEST: EventPlace = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];

/** A place in a charger's record: epoch, time or connection, seq. */
function cursorOf(value: unknown, preset: EventPlace): EventPlace {
  if (value === undefined) return preset;
  const match = typeof value === 'string' ? /^(\d{1,15})-(\d{1,15})-(\d{1,15})$/.exec(value) : null;
  if (match === null) throw new DevsenError('INPUT_INVALID', 'before must be the next of a page');
  return [Number(match[1]), Number(match[2]), Number(match[3])];
}
