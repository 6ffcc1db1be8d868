import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { AbiCoder, ContractFactory, concat, toBeHex, ZeroAddress, zeroPadValue } from 'ethers';
import { specIdOf } from '../../core/queries.ts';
import { REQUEST_TOPIC } from '../../jobs/node/requests.ts';
import { startJobNode } from '../../jobs/node/start.ts';
import { makeLog } from '../../runtime/log.ts';
import { listRuns, makeWorld, PATIENCE_MS, type World, waitFor } from './world.ts';

jest.setTimeout(PATIENCE_MS);

const REQUESTS = 1_000;
const JOB = '0de75e00-c4a9-4e57-8a70-0000000000ff';
/** Where in the log's data the request's id stands: its second word. */
const ID_AT = 32;

/**
 * Code of a contract that, when called, emits the log it is called with as often as there are requests, each with
 * another id: a loop around CALLDATACOPY, MSTORE and LOG2.
 */
function emitterCode(specId: string): string {
  const push32 = (word: string) => concat(['0x7f', word]);
  const loop = concat([
    // copy the calldata to memory 0
    '0x3660006000',
    '0x37',
    // counter = REQUESTS
    concat(['0x61', toBeHex(REQUESTS, 2)]),
    '0x5b',
    // mstore(ID_AT, counter)
    concat(['0x80', '0x60', toBeHex(ID_AT, 1), '0x52']),
    push32(specId),
    push32(REQUEST_TOPIC),
    // log2(0, calldatasize, topic, specId)
    '0x366000a2',
    // counter - 1, again unless it is zero; the loop begins at byte 9
    '0x6001900380600957',
    '0x00',
  ]);
  const size = (loop.length - 2) / 2;
  return concat([concat(['0x61', toBeHex(size, 2), '0x80', '0x600c', '0x6000', '0x39', '0x6000', '0xf3']), loop]);
}

let world: World;
beforeAll(async () => {
  world = await makeWorld({ queries: [] });
});
afterAll(() => world.close());

it('a thousand requests in one block are all run, each once', async () => {
  const admin = world.chain.wallet(0);
  const emitter = await new ContractFactory([], emitterCode(specIdOf(JOB)), admin).deploy();
  await emitter.waitForDeployment();
  const types = ['address', 'bytes32', 'uint256', 'address', 'bytes4', 'uint256', 'uint256', 'bytes'];
  const values = [ZeroAddress, zeroPadValue('0x', 32), 1, ZeroAddress, '0x00000000', 0, 2, '0x'];
  await writeFile(
    join(world.folder, 'thousand.toml'),
    `type = "directrequest"
schemaVersion = 1
externalJobID = "${JOB}"
contractAddress = "${await emitter.getAddress()}"
observationSource = 'id [type="memo" value="$(jobRun.meta.oracleRequest.requestId)"]'`,
  );
  const node = await startJobNode(
    world.settings({ MAX_RUNS: '64' }),
    makeLog('jobs', process.env.LOG_LEVEL ?? 'silent'),
  );
  try {
    const data = AbiCoder.defaultAbiCoder().encode(types, values);
    await (await admin.sendTransaction({ to: await emitter.getAddress(), data, gasLimit: 16_000_000 })).wait();
    await waitFor(
      async () => (await listRuns(node.port)).length > 0 && (await listRuns(node.port, 'unfinished')).length === 0,
      { what: 'all runs to end' },
    );
    const metrics = await (await fetch(`http://127.0.0.1:${node.port}/metrics`)).text();
    expect(metrics).toContain(`devsen_jobs_runs_total{job="thousand.toml",state="completed"} ${REQUESTS}\n`);
    // The newest of the listed runs is the thousandth, and a request has one run at most.
    expect((await listRuns(node.port))[0]).toMatchObject({ id: REQUESTS, requestId: toBeHex(1, 32) });
  } finally {
    await node.close();
  }
});
