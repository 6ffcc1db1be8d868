import type { Request, Response } from 'express';
import { DevsenError } from '../core/errors.ts';
import type { EventReader } from './event-reader.ts';

/** Listeners at once; each holds a socket. */
const MOST_LISTENERS = 200;
const PAGE = 200;
/** Proxies close a connection on which nothing is said. */
const KEEP_ALIVE_MS = 15_000;

/** Live events over HTTP, by server-sent events. */
export interface Changes {
  /** Answers with a stream that begins after the event the caller has seen last, or with the next one. */
  serve: (request: Request, response: Response) => void;
  /** To be called after each commit. */
  committed: () => void;
  close: () => void;
}

interface Listener {
  response: Response;
  charger: string | undefined;
  cursor: number;
  /** Whether the socket takes no more for now. */
  isFull: boolean;
}

/** A listener that reads slowly holds nothing here: what it has not read yet stays in the record. */
export function makeChanges(events: Pick<EventReader, 'after' | 'last'>): Changes {
  const listeners = new Set<Listener>();

  const pump = (listener: Listener) => {
    const { response, charger } = listener;
    while (!listener.isFull) {
      const page = events.after(listener.cursor, PAGE);
      if (page.length === 0) return;
      for (const event of page) {
        listener.cursor = event.cursor;
        if (charger !== undefined && event.charger !== charger) continue;
        listener.isFull = !response.write(`id: ${event.cursor}\ndata: ${JSON.stringify(event)}\n\n`);
        if (listener.isFull) break;
      }
    }
  };
  const keepAlive = setInterval(() => {
    for (const { response, isFull } of listeners) if (!isFull) response.write(':\n\n');
  }, KEEP_ALIVE_MS);

  return {
    serve: (request, response) => {
      if (listeners.size >= MOST_LISTENERS) throw new DevsenError('OVERLOADED', 'too many listen already');
      const seen = request.get('last-event-id') ?? request.query.after;
      if (seen !== undefined && (typeof seen !== 'string' || !/^\d{1,15}$/.test(seen))) {
        throw new DevsenError('INPUT_INVALID', 'after must be the id of an event');
      }
      const { charger } = request.query;
      if (charger !== undefined && typeof charger !== 'string') {
        throw new DevsenError('INPUT_INVALID', 'charger must be given once');
      }
      const cursor = seen === undefined ? events.last() : Number(seen);
      const listener: Listener = { response, charger, cursor, isFull: false };
      response
        .set({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'access-control-allow-origin': '*' })
        .flushHeaders();
      listeners.add(listener);
      response.once('close', () => listeners.delete(listener));
      response.on('drain', () => {
        listener.isFull = false;
        pump(listener);
      });
      pump(listener);
    },
    committed: () => {
      for (const listener of listeners) pump(listener);
    },
    close: () => {
      clearInterval(keepAlive);
      for (const { response } of listeners) response.end();
      listeners.clear();
    },
  };
}
