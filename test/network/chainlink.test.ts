import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'smol-toml';
import { apiFile, configToml, readApiFile, secretsToml } from '../../network/chainlink/config-files.ts';
import { loadChainlink } from '../../network/chainlink/load.ts';
import { openChainlinkApi } from '../../network/chainlink/node-api.ts';

const CREDENTIALS = { email: 'operator@devsen.local', password: 'a password of the api' };
const SENDER = `0x${'ab'.repeat(20)}`;
const PATIENCE = { waitMs: 60_000, pauseMs: 10 };
const spec = (name: string, externalJobID: string) =>
  `type = "directrequest"\nschemaVersion = 1\nname = "${name}"\nexternalJobID = "${externalJobID}"\nevmChainID = "31337"`;
const SPECS = [
  spec('one', '0de75e00-c4a9-4e57-8a70-000000000001'),
  spec('two', '0de75e00-c4a9-4e57-8a70-000000000002'),
];

/** A server that speaks the API of a Chainlink node 2.x, as far as it is used here. */
class Node {
  readonly calls: string[] = [];
  readonly bridges = new Map<string, Record<string, unknown>>();
  jobs: { id: string; attributes: Record<string, unknown> }[] = [];
  readonly keys: string[] = [];
  /** What each request gets instead, while it lasts. */
  instead: { status: number; body: unknown }[] = [];
  #server: Server | undefined;
  #nextId = 1;

  async listen(): Promise<string> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += chunk;
    const url = new URL(request.url ?? '', 'http://node');
    const call = `${request.method} ${url.pathname}`;
    const answer = (status: number, body?: unknown, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/vnd.api+json', ...headers })
        .end(body && JSON.stringify(body));
    const refusal = (status: number, detail: string) => answer(status, { errors: [{ detail }] });
    if (call === 'GET /health') return void answer(503, {});
    this.calls.push(call);
    const instead = this.instead.shift();
    if (instead !== undefined) return void answer(instead.status, instead.body);
    if (call === 'POST /sessions') {
      const { email, password } = JSON.parse(text);
      if (email !== CREDENTIALS.email || password !== CREDENTIALS.password) return void refusal(401, 'Invalid email');
      const session = { data: { type: 'session', id: 'sessionID', attributes: { authenticated: true } } };
      return void answer(200, session, { 'set-cookie': 'clsession=of-the-test; Path=/; HttpOnly' });
    }
    if (request.headers.cookie !== 'clsession=of-the-test') return void refusal(401, 'Unauthorized');
    const [, , kind, name = ''] = url.pathname.split('/');
    if (kind === 'keys') return void this.#serveKeys(call, url, text, answer);
    if (kind === 'jobs') return void this.#serveJobs(call, name, text, answer, refusal);
    const known = this.bridges.get(name);
    if (call.startsWith('GET')) {
      return void (known ? answer(200, bridgeOf(known)) : refusal(404, 'bridge not found'));
    }
    const sent = JSON.parse(text);
    const bridge = { ...sent, outgoingToken: known?.outgoingToken ?? `token ${this.#nextId++}` };
    this.bridges.set(sent.name, bridge);
    answer(200, bridgeOf(bridge));
  }

  #serveKeys(call: string, url: URL, text: string, answer: (status: number, body?: unknown) => unknown): void {
    if (call.startsWith('POST')) {
      expect([url.searchParams.get('oldpassword'), url.searchParams.get('evmChainID')]).toEqual([
        'of the key',
        '31337',
      ]);
      this.keys.push(`0x${JSON.parse(text).address}`);
      answer(201, { data: keyOf(this.keys.at(-1) ?? '') });
    } else answer(200, { data: this.keys.map(keyOf) });
  }

  #serveJobs(
    call: string,
    id: string,
    text: string,
    answer: (status: number, body?: unknown) => unknown,
    refusal: (status: number, detail: string) => unknown,
  ): void {
    if (call.startsWith('GET')) return void answer(200, { data: this.jobs });
    if (call.startsWith('DELETE')) {
      this.jobs = this.jobs.filter((job) => job.id !== id);
      return void answer(204);
    }
    const { externalJobID, name } = parse(JSON.parse(text).toml);
    if (this.jobs.some(({ attributes }) => attributes.externalJobID === externalJobID)) {
      return void refusal(500, 'a job with this external id is there');
    }
    const job = { id: String(this.#nextId++), type: 'jobs', attributes: { externalJobID, name } };
    this.jobs.push(job);
    answer(200, { data: job });
  }
}

const bridgeOf = (attributes: Record<string, unknown>) => ({
  data: { type: 'bridges', id: String(attributes.name), attributes },
});
const keyOf = (address: string) => ({ type: 'eTHKeys', id: address, attributes: { address, evmChainID: '31337' } });

describe('a Chainlink node that stands in for the job node', () => {
  let node: Node;
  let url: string;
  beforeEach(async () => {
    node = new Node();
    url = await node.listen();
  });
  afterEach(() => node.close());

  const key = { keystore: JSON.stringify({ address: SENDER.slice(2) }), password: 'of the key', address: SENDER };
  const load = async (changes: Partial<Parameters<typeof loadChainlink>[1]> = {}) =>
    loadChainlink(await openChainlinkApi(url, CREDENTIALS, PATIENCE), {
      ...{ bridge: { name: 'devsen', url: 'http://adapter:8080/' }, specs: SPECS, key, chainId: '31337' },
      ...{ isReplacing: false, ...changes },
    });

  it('gets the bridge, every job and the sender, and tells by which token it shows itself', async () => {
    expect(await load()).toEqual({ bridgeToken: 'token 1', added: ['one', 'two'], kept: [], senders: [SENDER] });
    expect(node.bridges.get('devsen')).toMatchObject({
      ...{ url: 'http://adapter:8080/', confirmations: 0, minimumContractPayment: '0' },
    });
    expect(node.jobs.map(({ attributes }) => attributes.name)).toEqual(['one', 'two']);
  });

  it('gets nothing twice when that is done again, and jobs anew only where that is asked for', async () => {
    await load();
    node.calls.length = 0;
    expect(await load()).toEqual({ bridgeToken: 'token 1', added: [], kept: ['one', 'two'], senders: [SENDER] });
    expect(node.calls).toEqual([
      ...['POST /sessions', 'GET /v2/keys/evm', 'GET /v2/bridge_types/devsen', 'GET /v2/jobs'],
    ]);
    const ids = node.jobs.map(({ id }) => id);
    expect(await load({ isReplacing: true })).toMatchObject({ added: ['one', 'two'], kept: [] });
    expect(node.jobs).toHaveLength(2);
    expect(node.jobs.some(({ id }) => ids.includes(id))).toBe(false);
  });

  it('gets the rest when the first time broke off in the middle', async () => {
    node.instead = [];
    const breaking = load({ specs: [SPECS[0] as string, 'no TOML at all'] });
    await expect(breaking).rejects.toThrow();
    expect(await load()).toMatchObject({ added: ['two'], kept: ['one'] });
  });

  it('has its bridge led elsewhere where the adapter has moved, under the same token', async () => {
    await load();
    const moved = await load({ bridge: { name: 'devsen', url: 'http://elsewhere:8080/' } });
    expect([moved.bridgeToken, node.bridges.get('devsen')?.url]).toEqual(['token 1', 'http://elsewhere:8080/']);
  });

  it('is not spoken to with a wrong password, and the error shows none', async () => {
    const wrong = openChainlinkApi(url, { ...CREDENTIALS, password: 'a wrong one' }, PATIENCE);
    await expect(wrong).rejects.toMatchObject({
      code: 'UNAUTHORISED',
      message: 'the Chainlink node refuses e-mail or password',
    });
  });

  it('says what it refuses, without the password of a key', async () => {
    const api = await openChainlinkApi(url, CREDENTIALS, PATIENCE);
    node.instead = [{ status: 500, body: { errors: [{ detail: 'could not decrypt key' }] } }];
    const refused = api.importKey('{}', 'of the key', '31337');
    await expect(refused).rejects.toMatchObject({
      message: 'the Chainlink node refuses POST /v2/keys/evm/import with status 500: could not decrypt key',
    });
  });

  it('is waited for, and given up after a time', async () => {
    await node.close();
    const gone = openChainlinkApi(url, CREDENTIALS, { waitMs: 20, pauseMs: 5 });
    await expect(gone).rejects.toMatchObject({ code: 'NOT_YET', message: 'no Chainlink node answers after 20 ms' });
    node = new Node();
    url = await node.listen();
  });

  it('is told its chain, its database and its passwords in files that it can read', () => {
    const places = {
      ...{ chainId: '31337', rpcUrl: 'http://chain:8545', wsUrl: 'ws://chain:8545' },
      ...{ linkAddress: SENDER, databaseHost: 'database', nodeUrl: 'http://node:6688' },
    };
    const secrets = { databasePassword: 'd1', keystorePassword: 'k1', apiPassword: 'a1' };
    expect(parse(configToml(places))).toMatchObject({
      WebServer: { HTTPPort: 6688, BridgeResponseURL: 'http://node:6688', TLS: { HTTPSPort: 0 } },
      EVM: [
        {
          ...{ ChainID: '31337', AutoCreateKey: false, LinkContractAddress: SENDER },
          Nodes: [{ WSURL: 'ws://chain:8545', HTTPURL: 'http://chain:8545' }],
        },
      ],
    });
    expect(parse(secretsToml(places, secrets))).toEqual({
      Database: { URL: 'postgresql://chainlink:d1@database:5432/chainlink?sslmode=disable' },
      Password: { Keystore: 'k1' },
    });
    expect(readApiFile(apiFile(secrets))).toEqual({ email: 'operator@devsen.local', password: 'a1' });
    expect(readApiFile('nobody')).toBeUndefined();
  });
});
