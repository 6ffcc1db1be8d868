import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Contract, encryptKeystoreJsonSync, parseEther, type TransactionReceipt, Wallet } from 'ethers';
import { OPERATOR_ABI } from '../../core/abi.ts';
import { deviceIdOf, idTagCommitment } from '../../core/identity.ts';
import { encodeChargerStatus } from '../../core/queries.ts';
import { runCli } from '../../network/cli/cli.ts';
import { call, contractAt, send } from '../../network/contracts.ts';
import { accountOf, deployLocal, type LocalChain, makeKeys, provisionLocal } from '../../network/local-setup.ts';
import { type NetworkKeys, type NetworkState, writeState } from '../../network/local-state.ts';
import { signerOf } from '../../network/one-by-one.ts';
import { ensureTerms } from '../../network/provision.ts';
import { makeAnswering, requestsIn } from '../contracts/support/oracles.ts';
import { makeCertificate } from '../support/certificates.ts';
import { startChain, type TestChain } from '../support/chain.ts';
import { startRecord, type ToldRecord } from './told-record.ts';

const CHARGERS = [{ identity: 'CP-1', connectors: 2 }];

let chain: TestChain;
let local: LocalChain;
let dir: string;
let keys: NetworkKeys;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'devsen-cli-'));
  chain = await startChain();
  keys = makeKeys(4, CHARGERS);
  local = await deployLocal(chain.provider, dir, keys);
  await provisionLocal(local, keys, CHARGERS);
  await ensureTerms(local.contracts, ['start-charge'], 10n ** 17n);
  await writeState(
    dir,
    {
      pid: process.pid,
      startedAt: '',
      rpcUrl: chain.rpcUrl,
      gatewayUrl: 'ws://127.0.0.1:1',
      gatewayAdminUrl: 'http://127.0.0.1:1',
      addresses: local.addresses,
      operators: [],
      chargers: CHARGERS,
    } satisfies NetworkState,
    keys,
  );
});
afterAll(async () => {
  await chain.close();
  await rm(dir, { recursive: true });
});

function sink(): { stream: Writable; text: () => string } {
  let text = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += chunk;
      done();
    },
  });
  return { stream, text: () => text.trimEnd() };
}

async function devsen(args: string[], env: Record<string, string> = {}) {
  const [out, err] = [sink(), sink()];
  const code = await runCli(args, { out: out.stream, err: err.stream, env });
  return { code, out: out.text(), err: err.text() };
}

/** In the local network; the value of one line of JSON. */
async function json(...args: string[]): Promise<unknown> {
  const { code, out, err } = await devsen([...args, '--json', '--dir', dir]);
  expect({ args, code, err }).toEqual({ args, code: 0, err: '' });
  return JSON.parse(out);
}

async function text(...args: string[]) {
  return devsen([...args, '--dir', dir]);
}

describe('devsen', () => {
  it('explains itself, and what was called in a wrong way', async () => {
    expect(await devsen(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('Usage: devsen') });
    expect(await devsen(['charge', 'start', '--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('--dry-run'),
    });
    expect((await devsen(['find', '--help'])).out).toMatch(/--near <north,east> .*\(needed\)/);
    expect(await devsen(['fly'])).toEqual({ code: 2, out: '', err: "error: unknown command 'fly'" });
    expect((await text('find', '--near', 'here')).err).toContain('expected degrees north and east: 47.3769,8.5417');
    expect(await devsen(['operators', '--rpc', chain.rpcUrl])).toEqual({
      code: 2,
      out: '',
      err: 'Failed: --oracle expects the address of OracleDEVSEN',
    });
  });

  it('finds a network that is not local by the ledger alone, and acts with a key or a keystore', async () => {
    const elsewhere = ['--rpc', chain.rpcUrl, '--oracle', local.addresses.oracle];
    const shown = await devsen(['chargers', 'list', '--json', ...elsewhere]);
    expect(JSON.parse(shown.out)).toHaveLength(1);
    expect(await devsen(['charge', 'deposit', '1', ...elsewhere])).toMatchObject({
      code: 2,
      err: 'Failed: who acts? Give --keystore or --key-file, or set DEVSEN_KEY',
    });
    const keystore = join(dir, 'driver.json');
    const { address, privateKey } = new Wallet(keys.driver);
    await writeFile(keystore, encryptKeystoreJsonSync({ address, privateKey }, 'secret', { scrypt: { N: 2 } }));
    for (const [args, env] of [
      [[], { DEVSEN_KEY: keys.driver }],
      [['--keystore', keystore], { KEYSTORE_PASSWORD: 'secret' }],
    ] as [string[], Record<string, string>][]) {
      const own = await devsen(['charge', 'balance', '--json', ...elsewhere, ...args], env);
      expect(JSON.parse(own.out).account).toBe(new Wallet(keys.driver).address);
    }
    const locked = await devsen(['charge', 'balance', ...elsewhere, '--keystore', keystore], {
      KEYSTORE_PASSWORD: 'x',
    });
    expect(locked.err).toBe('Failed: the keystore does not open: wrong password, or no JSON keystore');
  });

  it('shows, sets and blocks users, and their cards', async () => {
    const account = new Wallet(`0x${'77'.repeat(32)}`).address;
    expect(await json('users', 'show', account)).toEqual({ account, roles: [], state: 'unknown', expiresAtSec: 0 });
    expect((await text('users', 'show', account)).out).toBe(`${account} is unknown`);
    expect(await json('users', 'set', account, 'occupant', 'manager')).toEqual({
      account,
      roles: ['occupant', 'manager'],
      state: 'active',
      expiresAtSec: 0,
    });
    expect(await json('users', 'card', 'add', 'CARD-7', account)).toEqual({
      commitment: idTagCommitment('CARD-7', Buffer.from(keys.idTagPepper, 'hex')),
      account,
    });
    expect(await json('users', 'card', 'show', 'card-7')).toMatchObject({ user: account, state: 'active' });
    await json('users', 'card', 'revoke', 'CARD-7');
    expect(await text('users', 'card', 'show', 'CARD-7')).toMatchObject({
      code: 1,
      err: 'Failed: nobody has this card',
    });
    expect(await json('users', 'set', account, 'occupant', '--block')).toMatchObject({ state: 'blocked' });
    expect(await json('users', 'list', 'manager')).toEqual([
      { account: new Wallet(keys.manager).address, roles: ['manager'], state: 'active', expiresAtSec: 0 },
    ]);
    expect((await text('users', 'set', account, 'pilot')).err).toBe(
      "Failed: 'pilot' is no role: expected occupant, manager, operator, gateway, registrar",
    );
  });

  it('names what a contract refuses, with its parameters, and sends nothing', async () => {
    const account = new Wallet(keys.driver).address;
    const before = await chain.provider.getTransactionCount(account);
    expect(await text('users', 'set', account, 'manager', '--as', 'driver')).toEqual({
      code: 1,
      out: '',
      err: `Failed: the contract refuses: NotAllowed (caller: ${account})`,
    });
    expect(await chain.provider.getTransactionCount(account)).toBe(before);
  });

  it('registers a charger with all it needs, moves it, gives it away and retires it', async () => {
    const added = (await json(
      ...['chargers', 'add', 'CP-2', '--at', '46.948,7.4474', '--connector', 'IEC_62196_T2:22'],
      ...['--connector', 'IEC_62196_T2_COMBO:150:DC:cable', '--per-kwh', '0.45', '--flat', '1'],
    )) as { password: string };
    expect(added).toEqual({
      identity: 'CP-2',
      url: 'ws://127.0.0.1:1/CP-2',
      user: 'CP-2',
      password: expect.stringMatching(/^[0-9a-f]{40}$/),
      securityProfile: 1,
      ca: null,
    });
    const again = (await json('chargers', 'password', 'CP-2')) as { password: string };
    expect(again.password).not.toBe(added.password);
    await json('chargers', 'move', 'CP-2', '46.95,7.45');
    expect(await json('chargers', 'show', 'CP-2')).toMatchObject({
      manager: new Wallet(keys.manager).address,
      latitudeDeg: 46.95,
      longitudeDeg: 7.45,
      connectors: [{ maxPowerW: 22_000 }, { maxPowerW: 150_000, powerType: 5, format: 2 }],
      hasPassword: true,
      hasMeterKey: false,
    });
    const other = new Wallet(`0x${'88'.repeat(32)}`).address;
    expect((await text('chargers', 'transfer', 'CP-2', other)).err).toContain(
      `the contract refuses: NotAManager (caller: ${other})`,
    );
    await json('users', 'set', other, 'manager');
    await json('chargers', 'transfer', 'CP-2', other);
    expect(await json('chargers', 'list', '--owner', other)).toMatchObject([{ identity: 'CP-2', manager: other }]);
    expect((await text('chargers', 'retire', 'CP-1')).err).toContain('--for-ever');
    expect((await text('chargers', 'retire', 'CP-2', '--for-ever')).err).toContain('NotOwner');
  });

  it('registers all chargers of a file, and loses no password', async () => {
    const [file, out] = [join(dir, 'chargers.csv'), join(dir, 'passwords.csv')];
    const lines = ['identity,latitude,longitude,connectors'];
    for (let n = 1; n <= 3; n++) lines.push(`ROW-${n},48.1${n},11.5,IEC_62196_T2:11`);
    await writeFile(file, lines.join('\n'));
    expect(await json('chargers', 'import', file, '--out', out)).toEqual({
      registered: 3,
      passwords: out,
      ca: null,
    });
    const written = (await readFile(out, 'utf8')).trim().split('\n');
    expect(written).toHaveLength(4);
    expect(written[3]).toMatch(/^ROW-3,ws:\/\/127\.0\.0\.1:1\/ROW-3,[0-9a-f]{40}$/);
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    expect((await text('chargers', 'import', file, '--out', out)).err).toBe(`Failed: ${out} is there already`);
    expect(await json('chargers', 'show', 'ROW-2')).toMatchObject({ latitudeDeg: 48.12 });
    const dry = (await json('chargers', 'retire', 'ROW-3', '--for-ever', '--dry-run')) as object;
    expect(dry).toMatchObject({ dryRun: true, method: 'retireDevice', what: 'retire ROW-3' });
    expect(await json('chargers', 'retire', 'ROW-3', '--for-ever')).toEqual({ identity: 'ROW-3', isRetired: true });
    expect(await json('chargers', 'show', 'ROW-3')).toMatchObject({ isRetired: true });
  });

  it('tells what a charger must trust to connect over TLS, and refuses what is of no use before anything is sent', async () => {
    const [ca, leaf] = [join(dir, 'ca.pem'), join(dir, 'leaf.pem')];
    const { cert } = makeCertificate({ commonName: 'Charging CA', purpose: 'ca' });
    await writeFile(ca, cert);
    await writeFile(leaf, makeCertificate({ commonName: 'gw.example', purpose: 'client' }).cert);
    const sha256 = createHash('sha256').update(new X509Certificate(cert).raw).digest('hex');
    const tls = ['--gateway', 'wss://gw.example/ocpp', '--gateway-ca', ca];
    expect(await json('chargers', 'password', 'CP-1', ...tls)).toMatchObject({
      url: 'wss://gw.example/ocpp/CP-1',
      securityProfile: 2,
      ca: { file: ca, pem: cert.trim().concat('\n'), certificates: [{ subject: 'CN=Charging CA', sha256 }] },
    });
    const shown = await text('chargers', 'password', 'CP-1', ...tls);
    expect(shown.out).toContain(`${ca}\n  SHA-256          ${sha256} (CN=Charging CA)`);
    const known = await text('chargers', 'password', 'CP-1', '--gateway', 'wss://gw.example');
    expect(known.out).toContain('one that the charger trusts already');
    const [file, out] = [join(dir, 'tls.csv'), join(dir, 'tls-out.csv')];
    await writeFile(file, 'identity,latitude,longitude,connectors\nTLS-1,48,11,IEC_62196_T2:11\n');
    await json('chargers', 'import', file, '--out', out, ...tls);
    const [head, row] = (await readFile(out, 'utf8')).split('\n');
    expect(head).toBe('identity,url,password,ca_sha256');
    expect(row).toMatch(new RegExp(`^TLS-1,wss://gw.example/ocpp/TLS-1,[0-9a-f]{40},${sha256}$`));

    const before = await chain.provider.getBlockNumber();
    const add = ['chargers', 'add', 'TLS-2', '--at', '48,11', '--connector', 'IEC_62196_T2:11'];
    const wss = ['--gateway', 'wss://gw.example', '--gateway-ca'];
    expect(await text(...add, ...wss, leaf)).toMatchObject({
      code: 2,
      err: `Failed: ${leaf}: CN=gw.example is no CA`,
    });
    expect((await text(...add, ...wss, file)).err).toBe(`Failed: ${file} holds no certificate as PEM`);
    // A password that was registered and not shown would be lost.
    const nowhere = ['--rpc', chain.rpcUrl, '--oracle', local.addresses.oracle];
    expect(await devsen([...add, ...nowhere], { DEVSEN_KEY: keys.manager })).toMatchObject({
      code: 2,
      err: 'Failed: which gateway? Give --gateway or GATEWAY_URL',
    });
    expect(await chain.provider.getBlockNumber()).toBe(before);
  });

  it('brings tokens into the vault and out again', async () => {
    const [token] = ((await json('charge', 'balance')) as { tokens: { vault: string; wallet: string }[] }).tokens;
    expect(token).toMatchObject({ vault: parseEther('500').toString(), wallet: parseEther('500').toString() });
    await json('charge', 'deposit', '0.5');
    expect(await json('charge', 'withdraw', '100.25')).toMatchObject({
      tokens: [{ vault: parseEther('400.25').toString(), wallet: parseEther('599.75').toString() }],
    });
    expect((await text('charge', 'withdraw', '1000')).err).toContain('the contract refuses: FreeTooLow');
    expect((await text('charge', 'deposit', 'much')).err).toContain("'much' is no amount with at most 18 decimals");
  });

  it('says what a card may spend', async () => {
    const commitment = idTagCommitment('MY-CARD', Buffer.from(keys.idTagPepper, 'hex'));
    const limits = ['--per-session', '12.5', '--in-all', '100'];
    expect(await json('charge', 'card', 'MY-CARD', ...limits)).toMatchObject({
      commitment,
      mostPerSession: parseEther('12.5').toString(),
      remaining: parseEther('100').toString(),
      isYours: false,
    });
    await json('users', 'card', 'add', 'MY-CARD', new Wallet(keys.driver).address);
    expect((await text('charge', 'card', commitment)).out).toBe(
      'The card may spend 12.5 DEVSEN a session and 100 DEVSEN in all.',
    );
    await json('charge', 'card', commitment, '--per-session', '12.5', '--in-all', '0');
    expect(await json('charge', 'card', commitment)).toMatchObject({ remaining: '0', isYours: true });
    expect((await text('charge', 'card', 'MY-CARD', '--in-all', '5')).err).toBe(
      'Failed: how much? Give both --per-session and --in-all',
    );
  });

  it('says what a start would cost, and sends none with --dry-run', async () => {
    const before = await chain.provider.getBlockNumber();
    const dry = (await json('charge', 'start', 'CP-1', '1', '--kwh', '10', '--dry-run')) as {
      what: string;
      method: string;
    };
    // 10 kWh at 0.30, 10/22 of an hour at 0.01 a minute, 0.50 flat.
    expect(dry).toMatchObject({
      dryRun: true,
      method: 'startCharge',
      what: expect.stringMatching(/^lock 3\.7727\d+ DEVSEN and start CP-1\/1$/),
    });
    expect(await chain.provider.getBlockNumber()).toBe(before);
    expect((await text('charge', 'start', 'CP-1')).err).toBe('Failed: how much? Give --kwh or --deposit');
    expect((await text('charge', 'start', 'CP-9', '1', '--kwh', '1')).err).toBe(
      'Failed: no charger is registered as CP-9',
    );
  });

  it('changes tariffs', async () => {
    await json('chargers', 'tariff', 'CP-1', '--per-kwh', '0.6');
    const dry = await json('charge', 'start', 'CP-1', '1', '--kwh', '10', '--dry-run');
    expect(dry).toMatchObject({ what: 'lock 6 DEVSEN and start CP-1/1' });
    expect((await text('chargers', 'tariff', 'CP-1')).err).toContain('which price?');
  });

  it('shows operators, LINK accounts and requests', async () => {
    const shown = (await json('operators')) as { faults: number; operators: { account: string; isAsked: boolean }[] };
    expect(shown.faults).toBe(1);
    const accounts = keys.operators.map(({ account }) => accountOf(account));
    expect(shown.operators.map(({ account }) => account.toLowerCase()).sort()).toEqual(accounts.sort());
    expect(shown.operators.every(({ isAsked }) => isAsked)).toBe(true);
    const [active = ''] = accounts;
    const dropped = await text('operators', 'drop-queue', active, '--redis', 'redis://127.0.0.1:1');
    expect(dropped.err).toMatch(/^Failed: operator 0x[0-9a-f]{40} is active: block it first/i);
    expect(await json('link', 'show')).toMatchObject({ accountJuels: parseEther('10000').toString() });
    expect(await json('link', 'withdraw', '10')).toMatchObject({
      accountJuels: parseEther('9990').toString(),
      walletJuels: parseEther('10').toString(),
    });
    expect(await json('link', 'fund', '4')).toMatchObject({ accountJuels: parseEther('9994').toString() });
    expect(await json('requests', 'list')).toEqual([]);
    expect((await text('requests', 'show', `0x${'00'.repeat(32)}`)).err).toBe('Failed: the ledger has no such request');
  });

  it('says how a request stands', async () => {
    const address = String(await call(local.contracts.factory, 'deviceOf', deviceIdOf('CP-1')));
    const device = await contractAt('DeviceDEVSEN', address, signerOf(keys.driver, chain.provider));
    await send(device, 'requestStatus', 1);
    const [open] = (await json('requests', 'list')) as { requestId: string; outcome: string }[];
    expect(open?.outcome).toBe('open');
    expect(await json('requests', 'show', open?.requestId ?? '')).toMatchObject({ outcome: 'Open' });
    expect((await text('requests', 'expire', open?.requestId ?? '')).err).toContain('NotYetExpired');
  });

  it('finds nothing where the oracles have not agreed that anything is free', async () => {
    expect(await text('find', '--near', '47.3769,8.5417')).toEqual({
      code: 0,
      out: 'None is known to be available there.',
      err: '',
    });
  });

  it('compares what is available with operators’ records, with proof, and says which record does not say the same', async () => {
    const device = await contractAt(
      'DeviceDEVSEN',
      String(await call(local.contracts.factory, 'deviceOf', deviceIdOf('CP-1'))),
      signerOf(keys.driver, chain.provider),
    );
    const sent = await device.getFunction('requestStatus').send(2);
    const asked = (await sent.wait()) as TransactionReceipt;
    const observedAtSec = (await chain.provider.getBlock(asked.blockNumber))?.timestamp ?? 0;
    const answer = encodeChargerStatus({ status: 1, errorClass: 0, observedAtSec: observedAtSec - 3, online: true });
    const sendersOf = ['function getAuthorizedSenders() view returns (address[])'];
    for (const request of requestsIn(asked).slice(0, 2)) {
      const [sender] = await new Contract(request.oracle, sendersOf, chain.provider).getFunction(
        'getAuthorizedSenders',
      )();
      const node = keys.operators.map((one) => one.node).find((key) => new Wallet(key).address === sender) ?? '';
      await makeAnswering(new Contract(request.oracle, OPERATOR_ABI, signerOf(node, chain.provider))).answer(
        request,
        answer,
      );
    }
    const told = { identity: 'CP-1', connector: 2, status: 'Available' as const, observedAtSec: observedAtSec - 3 };
    const honest = await startRecord(told);
    const records: ToldRecord[] = [honest];
    const find = (...urls: string[]) =>
      devsen(
        [
          ...['find', '--near', '47.3769,8.5417', '--within', '50', '--verify', '--json', '--dir', dir],
          '--adapter',
          ...urls,
        ],
        { PEER_TOKEN: 'secret' },
      );
    try {
      const users = local.contracts.users.connect(new Wallet(keys.admin, chain.provider)) as Contract;
      await send(users, 'setGateway', honest.gateway, honest.gateway);
      const same = await find(honest.url, 'http://127.0.0.1:1');
      expect(same).toMatchObject({ code: 0, err: '' });
      const says = { status: 'Available', observedAtSec: observedAtSec - 3, online: true };
      expect(JSON.parse(same.out)).toMatchObject([
        {
          identity: 'CP-1',
          connector: 2,
          agreeing: 2,
          records: [
            { adapter: honest.url, comparison: 'agrees', says, proof: 'proven' },
            { comparison: 'silent', says: null, proof: 'none' },
          ],
        },
      ]);
      // One tells another status; one signs, with a key that is no gateway's, what is so on chain.
      records.push(await startRecord({ ...told, status: 'Faulted', observedAtSec: observedAtSec - 60 }));
      records.push(await startRecord(told));
      const [, liar, forger] = records as [ToldRecord, ToldRecord, ToldRecord];
      const since = new Date((observedAtSec - 60) * 1_000).toISOString();
      expect(await find(honest.url, liar.url, forger.url)).toMatchObject({
        code: 1,
        err: [
          'Failed: chain and records do not say the same',
          `CP-1/2: ${liar.url} says Faulted since ${since}`,
          `CP-1/2: ${forger.url} shows an event that does not prove what it says`,
        ].join('\n'),
      });
    } finally {
      await Promise.all(records.map(({ close }) => close()));
    }
    expect(await find()).toMatchObject({ code: 2 });
  });

  it('shows the epochs of rewards', async () => {
    expect(await json('rewards', 'show', '0')).toMatchObject({
      epoch: 0,
      pots: [{ name: 'uptime' }, { name: 'occupants' }, { name: 'builders' }],
    });
    expect(await json('rewards', 'count')).toEqual({ counted: '0' });
    expect(await json('rewards', 'recompute', '0')).toMatchObject({ counted: 0, isClosed: false, differences: [] });
    expect(await text('rewards', 'recompute', '9')).toMatchObject({
      code: 1,
      err: expect.stringContaining('epoch 9 has not begun'),
    });
    expect((await text('rewards', 'claim', 'occupant', '0')).err).toContain('the contract refuses: NotYetClaimable');
  });

  it('says what is not well', async () => {
    const { code, out, err } = await text('doctor');
    expect(code).toBe(1);
    expect(out).toContain('✓ OracleDEVSEN');
    expect(out).toContain('✗ gateway');
    expect(err).toBe('Failed: not well: gateway');
  });
});
