import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { AbiCoder, Interface } from 'ethers';
import { OPERATOR_ABI } from '../../core/abi.ts';
import { specIdOf } from '../../core/queries.ts';
import { encodeDietCbor } from '../../jobs/node/diet-cbor.ts';
import { parseJobSpec } from '../../jobs/node/spec.ts';
import { type RunningJobNode, startJobNode } from '../../jobs/node/start.ts';
import { makeLog } from '../../runtime/log.ts';
import { makeWorld, PATIENCE_MS, type World, waitFor } from './world.ts';

jest.setTimeout(PATIENCE_MS);

const SOURCES: Record<string, string> = {
  '/eth': '{"RAW": {"ETH": {"USD": {"VOLUME24HOUR": 123456.789012345678}}}}',
  '/change': '{"change": -3.25}',
  '/open': '{"data": [{"open": false}, {"open": true}]}',
  '/chain': '[{"id": "bitcoin"}, {"id": "ethereum"}]',
  '/image': '{"image": "0x68747470733a2f2f697066732e696f2f"}',
  '/btc': '{"BTC": 0.05297}',
  '/usd': '{"USD": 3050.93}',
  '/eur': '{"EUR": 2674.07}',
};
const SAMPLES = 'get-uint256 get-int256 get-bool get-string get-bytes multi-word existing-job task-examples'.split(' ');

describe("Chainlink's published sample specs, at a real Operator", () => {
  let world: World;
  let source: Server;
  let node: RunningJobNode;
  let base: string;
  const specIds = new Map<string, string>();
  beforeAll(async () => {
    world = await makeWorld();
    source = createServer((request, response) => response.end(SOURCES[request.url ?? ''] ?? '{}'));
    await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(source.address() as AddressInfo).port}`;
    const prices: Record<string, number> = { fast: 41, medium: 40, safe: 39 };
    world.bridge.answer = (ask) => {
      const { speed } = (world.bridge.asked[ask - 1] as { data: { speed: string } }).data;
      return { status: 200, body: { jobRunID: '1', statusCode: 200, data: { result: prices[speed] } } };
    };
    for (const name of SAMPLES) {
      const published = await readFile(`test/jobs/samples/${name}.toml`, 'utf8');
      const text = published.replaceAll('YOUR_OPERATOR_CONTRACT_ADDRESS', world.operatorAddress);
      await writeFile(join(world.folder, `${name}.toml`), text);
      specIds.set(name, specIdOf(parseJobSpec(text, name).externalJobId));
    }
    const bridges = { BRIDGES: JSON.stringify({ etherscan: { url: world.bridge.url } }) };
    node = await startJobNode(world.settings(bridges), makeLog('jobs', process.env.LOG_LEVEL ?? 'silent'));
  });
  afterAll(async () => {
    await node.close();
    await world.close();
    await new Promise((resolve) => source.close(resolve));
  });

  /** Asks a sample's job and gives what it would hand to the callback, behind the request's id. */
  async function answerOf(sample: string, nonce: number, asked: Record<string, unknown>, types: string[]) {
    const requestId = await world.request(nonce, specIds.get(sample), undefined, encodeDietCbor(asked));
    await waitFor(async () => (await world.answered()).includes(requestId), { what: `an answer of ${sample}` });
    const logs = await world.chain.provider.getLogs({ address: world.operatorAddress, fromBlock: 0 });
    const response = logs.findLast((log) => log.topics[1] === requestId && log.data === '0x');
    const tx = await world.chain.provider.getTransaction(response?.transactionHash ?? '');
    const { data } = new Interface(OPERATOR_ABI).decodeFunctionData('fulfillOracleRequest2', tx?.data ?? '0x');
    const [answered, ...values] = AbiCoder.defaultAbiCoder()
      .decode(['bytes32', ...types], data)
      .toArray(true);
    expect(answered).toBe(requestId);
    return values;
  }

  it('get a number times what the request asks for, exactly', async () => {
    const asked = { get: `${base}/eth`, path: 'RAW,ETH,USD,VOLUME24HOUR', times: 10n ** 18n };
    expect(await answerOf('get-uint256', 1, asked, ['uint256'])).toEqual([123456789012345678000000n]);
    const change = { get: `${base}/change`, path: 'change', times: 100 };
    expect(await answerOf('get-int256', 2, change, ['int256'])).toEqual([-325n]);
  });

  it('get a truth, a text and bytes', async () => {
    expect(await answerOf('get-bool', 3, { get: `${base}/open`, path: 'data,1,open' }, ['bool'])).toEqual([true]);
    expect(await answerOf('get-string', 4, { get: `${base}/chain`, path: '0,id' }, ['string'])).toEqual(['bitcoin']);
    expect(await answerOf('get-bytes', 5, { get: `${base}/image`, path: 'image' }, ['bytes'])).toEqual([
      '0x68747470733a2f2f697066732e696f2f',
    ]);
  });

  it('get several numbers from several sources at once', async () => {
    const asked = Object.fromEntries(
      ['BTC', 'USD', 'EUR'].flatMap((unit) => [
        [`url${unit}`, `${base}/${unit.toLowerCase()}`],
        [`path${unit}`, unit],
      ]),
    );
    expect(await answerOf('multi-word', 6, asked, ['uint256', 'uint256', 'uint256'])).toEqual([
      5297n,
      305093000n,
      267407000n,
    ]);
  });

  it('ask an existing job’s adapter three times', async () => {
    expect(await answerOf('existing-job', 7, {}, ['uint256', 'uint256', 'uint256'])).toEqual([41n, 40n, 39n]);
  });

  it("work out the examples of the tasks' documentation", async () => {
    const types = 'uint256 uint256 uint256 uint64 uint256[] uint256 uint256 bool uint256 bytes string string string';
    expect(await answerOf('task-examples', 8, {}, types.split(' '))).toEqual([
      27n,
      9n,
      5n,
      2n,
      [2n, 1n],
      30n,
      333n,
      true,
      3n,
      '0x78797a',
      'Hello, playground',
      'HELLO WORLD!',
      'xyz',
    ]);
  });
});
