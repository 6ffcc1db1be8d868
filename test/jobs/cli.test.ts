import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { runCli } from '../../jobs/cli.ts';
import { startJobNode } from '../../jobs/node/start.ts';
import { makeLog } from '../../runtime/log.ts';
import { freePort } from '../support/ports.ts';
import { ANSWER, AS_OF_SEC, DEVICE_ID, listRuns, makeWorld, PATIENCE_MS, type World, waitFor } from './world.ts';

jest.setTimeout(PATIENCE_MS);

const log = makeLog('jobs', process.env.LOG_LEVEL ?? 'silent');

describe('npm run jobs', () => {
  let world: World;
  let env: Record<string, string>;
  let spec: string;
  beforeAll(async () => {
    world = await makeWorld();
    env = world.env({ JOBS_PORT: String(await freePort()) });
    spec = join(world.folder, 'charger-status.toml');
  });
  afterAll(() => world.close());
  const jobs = (...argv: string[]) => runCli(argv, env);
  const file = async (name: string, text: string) => {
    await writeFile(join(world.folder, name), text);
    return join(world.folder, name);
  };

  it('list shows the specs, with both forms of their ids', async () => {
    const { exitCode, out } = await jobs('list', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      jobs: [
        {
          file: 'charger-status.toml',
          contract: world.operatorAddress.toLowerCase(),
          specIds: [expect.stringMatching(/^0x3064/), `0x0de75e00c4a94e578a70000000000001${'0'.repeat(32)}`],
        },
      ],
    });
    expect((await jobs('list')).out).toContain('DEVSEN charger-status');
  });

  it('validate says whether a spec is valid, and where it is not', async () => {
    expect(await jobs('validate', spec)).toMatchObject({ exitCode: 0, out: expect.stringContaining('is valid') });
    const wrong = await file('wrong.txt', 'type = "webhook"');
    expect(await jobs('validate', wrong)).toEqual({
      exitCode: 1,
      out: '',
      errors: 'wrong.txt:1: type: expected "directrequest" or "cron", the types run here\n',
    });
    expect((await jobs('validate', `${wrong}.none`)).errors).toContain('cannot be read: ENOENT');
  });

  it('dry-run asks the bridge, shows what each task gave, and sends nothing', async () => {
    const params = `0x${'2'.padStart(64, '0')}`;
    const request = await file(
      'request.txt',
      JSON.stringify({ data: { deviceId: DEVICE_ID, asOf: AS_OF_SEC, params } }),
    );
    const { exitCode, out } = await jobs('dry-run', spec, request, '--json');
    const result = JSON.parse(out);
    expect(result.tasks.find(({ id }: { id: string }) => id === 'answer')).toEqual({
      id: 'answer',
      type: 'jsonparse',
      value: ANSWER,
      fault: null,
    });
    expect(result.txs).toMatchObject([{ to: world.operatorAddress.toLowerCase(), gasLimit: 600_000 }]);
    expect(exitCode).toBe(0);
    expect(world.bridge.asked.at(-1)).toMatchObject({ data: { deviceId: DEVICE_ID, connector: 2, asOf: AS_OF_SEC } });
    expect(await world.fulfilTxs()).toEqual([]);
  });

  it('dry-run ends with an error where a task fails, or where the request is wrong', async () => {
    const empty = await jobs('dry-run', spec, await file('empty.txt', '{"data": "0x"}'));
    expect(empty).toMatchObject({ exitCode: 1, out: expect.stringContaining('decode_params (ethabidecode): FAILED:') });
    const wrong = await jobs('dry-run', spec, await file('bad.txt', '{"data": "0x", "payment": -1}'));
    expect(wrong).toMatchObject({ exitCode: 1, errors: expect.stringMatching(/^the request: payment: /) });
  });

  it('new-key keeps a new account in an encrypted keystore, and overwrites none', async () => {
    const path = join(world.folder, 'key.json');
    const withPassword = (password: string) => runCli(['new-key', path], { ...env, NODE_KEYSTORE_PASSWORD: password });
    expect((await withPassword('short')).errors).toMatch(/expected a password of 12 characters or more/);
    const { exitCode, out } = await withPassword('long enough for it');
    expect(exitCode).toBe(0);
    expect(JSON.parse(await readFile(path, 'utf8')).address).toBe(out.slice(2, 42).toLowerCase());
    expect((await withPassword('long enough for it')).errors).toBe(`${path} cannot be written: EEXIST\n`);
  });

  it("fill writes the operator's own copies of all specs, each of which is valid", async () => {
    const folder = join(world.folder, 'own');
    const [ledger, sender] = [1, 2].map((n) => `0x${String(n).repeat(40)}`) as [string, string];
    const { exitCode } = await jobs('fill', folder, '31337', world.operatorAddress, ledger, sender);
    expect(exitCode).toBe(0);
    const listed = JSON.parse((await runCli(['list', '--json'], { ...env, JOBS_DIR: folder })).out).jobs;
    expect(listed.map(({ file }: { file: string }) => file)).toEqual(
      expect.arrayContaining(['charger-status.toml', 'settle-ended-sessions.toml']),
    );
    expect((await jobs('fill', folder, '31337', 'x', ledger, sender)).errors).toBe('Operator: expected an address\n');
  });

  it('names a wrong command, a missing argument, and a node that does not run', async () => {
    expect((await jobs('frobnicate')).errors).toMatch(/^no command "frobnicate"/);
    expect((await jobs('validate')).errors).toMatch(/^validate takes 1 arguments/);
    expect((await jobs('--what')).errors).toContain("Unknown option '--what'");
    expect((await jobs('runs')).errors).toMatch(/^no job node answers at 127.0.0.1:/);
    expect((await runCli(['runs'], { ...env, JOBS_TOKEN: '' })).errors).toMatch(/^JOBS_TOKEN is not set/);
  });

  it('runs and replay speak with the running node, which answers nothing twice', async () => {
    const port = Number(env.JOBS_PORT);
    const missed = await world.request(1);
    // Out of reach of the newest blocks, which are read more than once.
    await world.chain.provider.send('hardhat_mine', ['0x40']);
    const node = await startJobNode(world.settings({ ...env, BACKFILL_BLOCKS: '0' }), log);
    try {
      const seen = await world.request(2);
      await waitFor(async () => (await listRuns(port))[0]?.state === 'completed', { what: 'the run seen' });
      expect(JSON.parse((await jobs('runs', '--json')).out).runs).toMatchObject([{ requestId: seen }]);
      expect((await jobs('replay', 'x')).errors).toBe('block: expected a whole number\n');
      expect((await jobs('replay', '0')).exitCode).toBe(0);
      await waitFor(async () => (await world.answered()).length === 2, { what: 'the missed one to be answered' });
      await waitFor(async () => (await listRuns(port))[0]?.state === 'completed', { what: 'the missed run to end' });
      expect(await world.answered()).toEqual([seen, missed]);
      expect((await jobs('runs')).out).toMatch(/^2 {2}completed {2}0x[^\n]*\n1 {2}completed {2}0x/);
      expect((await jobs('runs', 'errored')).out).toBe('no runs\n');
      expect((await jobs('runs', 'broken')).errors).toMatch(/^state: expected unfinished, completed/);
      const run = JSON.parse((await jobs('run', '1', '--json')).out);
      expect(run.tasks.find(({ id }: { id: string }) => id === 'answer')).toMatchObject({
        value: ANSWER,
        isDone: true,
      });
      expect(run.txs).toMatchObject([{ state: 'mined', nonce: 0, attempts: [{ nonce: 0, isEmpty: false }] }]);
      expect((await jobs('run', '1')).out).toMatch(/^1 {2}completed {2}0x[\s\S]*\n {2}tx to 0x[^\n]*: mined\n {4}0x/);
      expect((await jobs('run', '9')).errors).toBe('the job node: no such run\n');
      expect(await jobs('status')).toMatchObject({ exitCode: 0, out: 'ok\n' });
    } finally {
      await node.close();
    }
  });
});
