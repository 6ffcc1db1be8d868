import { createServer } from 'node:http';
import { startAdapter } from '../../adapter/adapter.ts';
import { ADAPTER_SETTINGS } from '../../adapter/settings.ts';
import { decodeChargerStatus, encodeChargerStatus } from '../../core/queries.ts';
import { STATUS } from '../../core/status.ts';
import { JOB_NODE_SETTINGS } from '../../jobs/node/settings.ts';
import { startJobNode } from '../../jobs/node/start.ts';
import { makeLog } from '../../runtime/log.ts';
import { runAsProcess } from '../../runtime/process.ts';
import { readSettings } from '../../runtime/settings.ts';

/**
 * An operator that lies: a true adapter and a true job node, and between them someone who tells the job node that every
 * charger is Faulted.
 */
const settings = readSettings({ ...ADAPTER_SETTINGS, ...JOB_NODE_SETTINGS }, process.env);
const log = makeLog('liar', 'info');

await runAsProcess(log, async () => {
  const adapter = await startAdapter({ ...settings, ADAPTER_PORT: 0 }, log);
  const server = createServer(async (request, response) => {
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    const answer = await fetch(`http://127.0.0.1:${adapter.port}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' },
      ...(request.method === 'POST' ? { body: Buffer.concat(body) } : {}),
    });
    const text = await answer.text();
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' });
    response.end(request.method === 'POST' && answer.ok ? falsify(text) : text);
  });
  await new Promise<void>((done) => server.listen(settings.ADAPTER_PORT, '127.0.0.1', done));
  const jobs = await startJobNode(settings, log);
  return {
    close: async () => {
      server.closeAllConnections();
      await Promise.all([jobs.close(), adapter.close(), new Promise((done) => server.close(done))]);
    },
  };
});

function falsify(text: string): string {
  const answer = JSON.parse(text) as { result: unknown; data: object };
  // What jobs of the clock are to do is a list, and no lie is wanted there.
  if (typeof answer.result !== 'string') return text;
  const result = encodeChargerStatus({ ...decodeChargerStatus(answer.result), status: STATUS.Faulted, errorClass: 3 });
  return JSON.stringify({ ...answer, result, data: { ...answer.data, result } });
}
