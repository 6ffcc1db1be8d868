import express, { type Request, type Response, type Router } from 'express';
import { DevsenError } from '../core/errors.ts';
import { sha256Hex } from '../core/identity.ts';
import { BRIDGE_PATHS, BRIDGE_SECURITY } from './bridge-openapi.ts';
import type { CardIndex } from './card-index.ts';
import type { Changes } from './changes.ts';
import type { EventPlace, EventReader } from './event-reader.ts';
import { OPENAPI } from './openapi.ts';
import type { PublicRecord } from './public-record.ts';
import { commitmentOf, cursorOf, limitOf, sessionIdOf, stateOf, textOf, variableAfter } from './read-query.ts';
import type { SessionRecord } from './session-record.ts';
import type { StationRecord } from './station-record.ts';
import type { TransactionRecord } from './transaction-record.ts';

/** Everybody may keep an answer for so long: the record grows about once in a second. */
const CACHE_CONTROL = 'public, max-age=1';
/** Each session of a page is worked out anew from its events. */
const MOST_SESSIONS = 20;

const LATEST_EVENT: EventPlace = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
const LATEST = [Number.MAX_SAFE_INTEGER, 0, 0] as const;

/** The record's parts that anybody may read. */
export interface ReadApiMeans {
  record: PublicRecord;
  transactions: TransactionRecord;
  sessions: SessionRecord;
  station: StationRecord;
  cards: Pick<CardIndex, 'tagHashOf'>;
  events: Pick<EventReader, 'ofCharger'>;
  changes: Pick<Changes, 'serve'>;
}

/** The public reading side over HTTP: `GET /v1/…` and `GET /openapi.json`. No token, nothing secret, no idTag. */
export function makeReadApi(means: ReadApiMeans): Router {
  const { record, transactions, sessions, station, cards, events, changes } = means;
  const router = express.Router();
  const serve = (path: string, read: (request: Request) => unknown) =>
    router.get(path, async (request: Request, response: Response) => {
      const body = JSON.stringify(await read(request));
      const etag = `"${sha256Hex(body).slice(0, 32)}"`;
      response.set({ 'cache-control': CACHE_CONTROL, 'access-control-allow-origin': '*', etag });
      if (request.fresh) response.status(304).end();
      else response.type('json').send(body);
    });
  /** A list about one charger. */
  const serveOf = (name: string, read: (charger: { identity: string; id: string }, request: Request) => unknown) =>
    serve(`/v1/chargers/:identity${name}`, (request) =>
      read(known(record.charger(String(request.params.identity))), request),
    );

  router.get('/v1/changes', changes.serve);
  serve('/openapi.json', () => ({
    ...OPENAPI,
    paths: { ...BRIDGE_PATHS, ...OPENAPI.paths },
    components: { securitySchemes: BRIDGE_SECURITY },
  }));
  serve('/v1/gateways', () => ({ items: record.gateways() }));
  serve('/v1/chargers', ({ query }) => {
    const limit = limitOf(query.limit);
    const items = record.chargers(textOf(query.after, 'after'), limit + 1);
    return page(items, limit, ({ identity }) => identity);
  });
  serveOf('', (charger) => ({ ...charger, connectors: record.connectors(charger.identity) }));
  serveOf('/events', ({ identity }, { query }) => {
    const limit = limitOf(query.limit);
    const { events: items, place } = events.ofCharger(identity, cursorOf(query.before, LATEST_EVENT), limit);
    return { items, next: place === undefined ? null : place.join('-') };
  });
  serveOf('/transactions', ({ id }, { query }) =>
    transactions.ofCharger(id, cursorOf(query.before, LATEST), limitOf(query.limit), stateOf(query.state)),
  );
  serve('/v1/cards/:commitment/transactions', ({ params, query }) => {
    const tagHash = cards.tagHashOf(commitmentOf(params.commitment));
    return transactions.ofCard(tagHash, cursorOf(query.before, LATEST), limitOf(query.limit), stateOf(query.state));
  });
  serveOf('/sessions', ({ id }, { query }) =>
    sessions.sessions(id, cursorOf(query.before, LATEST), limitOf(query.limit, MOST_SESSIONS)),
  );
  serveOf('/sessions/:session', ({ id }, { params }) => sessions.session(id, sessionIdOf(params.session)));
  serveOf('/reservations', ({ identity }, { query }) => {
    const limit = limitOf(query.limit);
    const [before] = cursorOf(query.before === undefined ? undefined : `${query.before}-0-0`, LATEST);
    const nowSec = Math.floor(record.toldUpToMs(identity) / 1000);
    const items = station.reservations(identity, before, limit + 1, nowSec);
    return page(items, limit, ({ reservationId }) => String(reservationId));
  });
  serveOf('/configuration', ({ identity }, { query }) => {
    const limit = limitOf(query.limit);
    const items = station.configuration(identity, variableAfter(query.after), limit + 1);
    return page(items, limit, ({ key, attribute }) => `${attribute}:${key}`);
  });
  serveOf('/maintenance', ({ identity }) => station.maintenance(identity));
  serveOf('/security-events', ({ identity }, { query }) => {
    const limit = limitOf(query.limit);
    const items = station.securityEvents(identity, cursorOf(query.before, LATEST), limit + 1);
    return page(items, limit, ({ cursor }) => cursor);
  });
  return router;
}

/** A page out of one row more than it holds. */
function page<Item>(items: readonly Item[], limit: number, cursor: (last: Item) => string) {
  const last = items[limit - 1];
  return { items: items.slice(0, limit), next: items.length > limit && last !== undefined ? cursor(last) : null };
}

function known<Found>(found: Found | undefined): Found {
  if (found === undefined) throw new DevsenError('NOT_FOUND', 'no such charger on record');
  return found;
}
