import express, { type Request, type Router } from 'express';
import { DevsenError } from '../core/errors.ts';
import type { BatchExport } from './batch-export.ts';
import { makeTokenCheck } from './bridge.ts';

const MOST_BATCHES = 1_000;

/**
 * `GET /v1/peer/…`: the record as gateways signed it, for other operators who show the token. Without a token set it is
 * not served.
 */
export function makePeerApi(record: () => BatchExport | undefined, peerToken: string): Router {
  const router = express.Router();
  const isToken = makeTokenCheck(peerToken);
  const serve = (path: string, read: (record: BatchExport, request: Request) => unknown) =>
    router.get(path, (request, response) => {
      if (peerToken === '' || !isToken(request.get('authorization'))) {
        throw new DevsenError('UNAUTHORISED', 'wrong or missing peer token');
      }
      const known = record();
      if (known === undefined) throw new DevsenError('CHAIN_UNAVAILABLE', 'the chain has not told the network');
      response.set('cache-control', 'no-store').json(read(known, request));
    });
  serve('/v1/peer/beginning', (known, { query }) => {
    const beginning = known.beginning(gatewayOf(query.gateway));
    if (beginning === undefined) throw new DevsenError('NOT_FOUND', 'this record has no beginning of that gateway');
    return beginning;
  });
  serve('/v1/peer/batches', (known, { query }) => {
    const gateway = gatewayOf(query.gateway);
    const generation = countOf(query.generation, 'generation', 0);
    // Without a number: from the first of the generation on.
    const number = query.after === undefined ? -1 : countOf(query.after, 'after', 0);
    return { batches: known.batches(gateway, generation, number, MOST_BATCHES) };
  });
  serve('/v1/peer/convictions', (known) => ({ convictions: known.convictions() }));
  serve('/v1/peer/chargers/:identity/events/:epoch/:seq/proof', (known, { params }) => {
    const [epoch, seq] = [countOf(params.epoch, 'epoch'), countOf(params.seq, 'seq')];
    const proof = known.proof(String(params.identity), epoch, seq);
    if (proof === undefined) throw new DevsenError('NOT_FOUND', 'no such event on record');
    return proof;
  });
  return router;
}

function gatewayOf(value: unknown): string {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{40}$/.test(value)) {
    throw new DevsenError('INPUT_INVALID', 'gateway must be an address in lower case');
  }
  return value;
}

function countOf(value: unknown, name: string, preset?: number): number {
  if (value === undefined && preset !== undefined) return preset;
  if (typeof value !== 'string' || !/^\d{1,15}$/.test(value)) {
    throw new DevsenError('INPUT_INVALID', `${name} must be a whole number`);
  }
  return Number(value);
}
