import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { keepUntilExit } from '../support/children.ts';

const RUNTIME = pathToFileURL(join(import.meta.dirname, '../../runtime')).href;

/** Seen: ethers puts the endpoint's URL into the errors it throws, and with it the key that many endpoints take there. */
describe('the log of a part that an error of the chain has stopped', () => {
  it('does not show the URL of the endpoint, neither of the error nor of a cause', async () => {
    const endpoint = createServer((_request, response) => {
      response.statusCode = 401;
      response.end('{}');
    });
    endpoint.listen(0, '127.0.0.1');
    await once(endpoint, 'listening');
    const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/v2/the-key`;
    const source = `
      import { makeLog } from '${RUNTIME}/log.ts';
      import { runAsProcess } from '${RUNTIME}/process.ts';
      import { openProvider } from '${RUNTIME}/chain.ts';
      const log = makeLog('part', 'info');
      await runAsProcess(log, async () => {
        const provider = await openProvider({ rpcUrl: '${url}', chainId: 1n });
        await provider.getBlockNumber().catch((cause) => {
          log.warn({ err: new Error('not read', { cause }) }, 'first');
          throw cause;
        });
      });`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    keepUntilExit(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    expect(await once(child, 'close')).toEqual([1, null]);
    endpoint.close();
    const entries = output.split('\n').filter((line) => line.startsWith('{'));
    expect(entries.map((line) => JSON.parse(line).msg)).toEqual(['first', 'stopped by an error']);
    expect(output).toContain('server response 401 Unauthorized');
    expect(output).toContain('http://[cut]');
    expect(output).not.toContain('the-key');
  });
});
