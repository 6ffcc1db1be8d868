import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Wallet } from 'ethers';
import { COMMAND_HEADERS } from '../../core/manager-command.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { compiledChecks } from '../../ocpp-gateway/payload-checks.ts';
import { speakAll } from '../../ocpp-gateway/spoken.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { inAMinute, postCommand, type SentCommand } from './manager-commands.ts';
import { connectCharger, MANAGER, memorySources, otherSources, type RawCharger, startTestGateway } from './support.ts';

const STRANGER = new Wallet(`0x${'44'.repeat(32)}`);
const NETWORK = memorySources().registry.network;

type Sent = SentCommand & { network?: string };

const SETTINGS = { MAX_MESSAGE_BYTES: '4096', TRUST_FORWARDED_FOR: 'true' };

describe('a command of a manager', () => {
  let redis: TestRedis;
  let gateway: RunningGateway;
  let charger: RawCharger;

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startTestGateway(redis.url, SETTINGS);
    charger = await connectCharger(gateway.port, 'CP1');
  });
  afterAll(async () => {
    await charger.close();
    await gateway.close();
    await redis.close();
  });

  const command = ({ network = NETWORK, ...sent }: Sent = {}, port = gateway.port) => postCommand(port, network, sent);
  const refusal = async (sent: Sent, port?: number) => {
    const { status, body } = await command(sent, port);
    const { error } = JSON.parse(body) as { error: { code: string; path?: string } };
    return error.path === undefined ? `${status} ${error.code}` : `${status} ${error.code} ${error.path}`;
  };
  /** Answers the next call that reaches the charger with the rest of a frame; returns the call. */
  const answerNext = async (type: number, rest: string, to = charger) => {
    const before = to.received.length;
    const call = await waitFor(() => to.received.slice(before).find((text) => text.startsWith('[2,')), {
      what: 'a call to reach the charger',
    });
    to.send(`[${type},${JSON.stringify(JSON.parse(call)[1])},${rest}]`);
    return call;
  };

  it('reaches the charger as it was signed, and is answered with what the charger answered', async () => {
    const call = answerNext(3, '{ "status":"Accepted" }');
    expect(await command()).toEqual({ status: 200, body: '{ "status":"Accepted" }' });
    expect(await call).toMatch(/^\[2,"[^"]+","Reset",\{ "type": "Soft" \}\]$/);
  });

  it('counts once, also after a restart of the gateway', async () => {
    const nonce = `0x${'ab'.repeat(32)}`;
    void answerNext(3, '{"status":"Accepted"}');
    expect((await command({ nonce })).status).toBe(200);
    expect(await refusal({ nonce })).toBe('409 NONCE_USED');
    expect(await refusal({ nonce: nonce.toUpperCase().replace('X', 'x') })).toBe('409 NONCE_USED');
    await charger.close();
    await gateway.close();
    gateway = await startTestGateway(redis.url, SETTINGS);
    charger = await connectCharger(gateway.port, 'CP1');
    expect(await refusal({ nonce })).toBe('409 NONCE_USED');
  });

  it('is sent once if it comes many times at once', async () => {
    const nonce = `0x${randomBytes(32).toString('hex')}`;
    void answerNext(3, '{"status":"Accepted"}');
    const replies = await Promise.all(Array.from({ length: 8 }, () => command({ nonce })));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409, 409, 409]);
  });

  it('is refused to whoever is not the manager, whatever was changed of what was signed', async () => {
    const before = charger.received.length;
    expect(await refusal({ signer: STRANGER as Wallet })).toBe('403 NOT_MANAGER');
    expect(await refusal({ network: `1:${NETWORK.split(':')[1]}` })).toBe('403 NOT_MANAGER');
    expect(await refusal({ network: `31337:0x${'12'.repeat(20)}` })).toBe('403 NOT_MANAGER');
    expect(await refusal({ instead: { identity: 'CP2' } })).toBe('403 NOT_MANAGER');
    expect(await refusal({ instead: { action: 'ClearCache' } })).toBe('403 NOT_MANAGER');
    expect(await refusal({ instead: { body: '{ "type": "Hard" }' } })).toBe('403 NOT_MANAGER');
    expect(await refusal({ instead: { body: '{ "type": "Soft"}' } })).toBe('403 NOT_MANAGER');
    const { nonce, deadline, signature } = COMMAND_HEADERS;
    expect(await refusal({ instead: { headers: { [nonce]: `0x${'01'.repeat(32)}` } } })).toBe('403 NOT_MANAGER');
    expect(await refusal({ instead: { headers: { [deadline]: String(inAMinute() + 1) } } })).toBe('403 NOT_MANAGER');
    expect(await refusal({ instead: { headers: { [signature]: `0x${'00'.repeat(65)}` } } })).toBe('401 UNAUTHORISED');
    expect(await refusal({ deadlineSec: inAMinute() - 61 })).toBe('401 EXPIRED');
    expect(charger.received).toHaveLength(before);
  });

  it('is refused unheard from an address that has failed too often with it, and from no other', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    const signed = { charger: 'CP-guessed', instead: { headers } };
    for (let n = 0; n < 10; n++) expect(await refusal({ ...signed, signer: STRANGER })).toBe('403 NOT_MANAGER');
    expect(await refusal(signed)).toBe('429 TOO_OFTEN');
    expect(await refusal({ charger: 'CP-guessed' })).toBe('404 NOT_CONNECTED');
    // The charger may stand behind the same address.
    const guessed = await connectCharger(gateway.port, 'CP-guessed', { headers });
    await guessed.close();
  });

  it('is refused to a manager who is blocked or has expired', async () => {
    const account = MANAGER.address.toLowerCase();
    const sources = { ...otherSources(), managers: { managerOf: async () => ({ account, isActive: false }) } };
    const other = await startTestGateway(redis.url, {}, { sources });
    expect(await refusal({ network: sources.registry.network }, other.port)).toBe('403 NOT_MANAGER');
    await other.close();
  });

  it('is refused if a header or the body is missing or malformed', async () => {
    const { nonce, deadline, signature } = COMMAND_HEADERS;
    expect(await refusal({ instead: { headers: { [nonce]: '0x01' } } })).toBe('400 MALFORMED');
    expect(await refusal({ instead: { headers: { [signature]: 'x' } } })).toBe('400 MALFORMED');
    expect(await refusal({ instead: { headers: { [deadline]: 'soon' } } })).toBe('400 MALFORMED');
    expect(await refusal({ deadlineSec: inAMinute() + 3_600 })).toBe('400 MALFORMED');
    expect(await refusal({ instead: { body: '[]' } })).toBe('400 MALFORMED');
    expect(await refusal({ instead: { body: '{' } })).toBe('400 MALFORMED');
    expect(await refusal({ instead: { body: Buffer.from('{"type":"\xff"}', 'latin1') } })).toBe('400 MALFORMED');
    expect(await refusal({ instead: { body: `{"type":"${'x'.repeat(4_096)}"}` } })).toBe('413 MALFORMED');
    expect(await refusal({ instead: { identity: '%zz' } })).toBe('400 MALFORMED');
    const url = `http://127.0.0.1:${gateway.port}/v1/chargers/CP1/commands/Reset`;
    expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401);
    expect((await fetch(url)).status).toBe(405);
    expect((await fetch(`${url}/more`)).status).toBe(426);
  });

  it('is refused if the charger or the action is unknown, or the charger not connected', async () => {
    expect(await refusal({ charger: 'XX1' })).toBe('404 UNKNOWN_CHARGER');
    expect(await refusal({ charger: 'CP-away' })).toBe('404 NOT_CONNECTED');
    expect(await refusal({ action: 'Heartbeat', payload: '{}' })).toBe('404 UNKNOWN_ACTION');
    expect(await refusal({ action: 'constructor', payload: '{}' })).toBe('404 UNKNOWN_ACTION');
  });

  it('is checked against what the version of the charger has', async () => {
    const newer = await connectCharger(gateway.port, 'CP-newer', { subprotocols: ['ocpp2.0.1'] });
    const reset = { charger: 'CP-newer', action: 'Reset' };
    expect(await refusal({ ...reset, payload: '{"type":"Soft"}' })).toBe('422 SCHEMA /type');
    expect(await refusal({ charger: 'CP-newer', action: 'GetConfiguration', payload: '{}' })).toBe(
      '404 UNKNOWN_ACTION',
    );
    expect(await refusal({ action: 'GetVariables', payload: '{}' })).toBe('404 UNKNOWN_ACTION');
    const call = answerNext(3, '{"status":"Accepted"}', newer);
    await command({ ...reset, payload: '{"type":"Immediate","evseId":1}' });
    expect(await call).toMatch(/"Reset",\{"type":"Immediate","evseId":1\}\]$/);
    await newer.close();
  });

  it('that breaks the schema is refused with the place, and its nonce is not used up', async () => {
    const nonce = `0x${randomBytes(32).toString('hex')}`;
    expect(await refusal({ nonce, payload: '{"type":"Weird"}' })).toBe('422 SCHEMA /type');
    expect(await refusal({ nonce, payload: '{}' })).toBe('422 SCHEMA ');
    const list = '{"listVersion":1,"updateType":"Full","localAuthorizationList":[{"idTag":7}]}';
    expect(await refusal({ nonce, action: 'SendLocalList', payload: list })).toBe(
      '422 SCHEMA /localAuthorizationList/0/idTag',
    );
    void answerNext(3, '{"status":"Accepted"}');
    expect((await command({ nonce })).status).toBe(200);
  });

  it('whose payload nests deeper than any of OCPP is refused, also where the schema lets anything stand', async () => {
    const newer = await connectCharger(gateway.port, 'CP-deep', { subprotocols: ['ocpp2.0.1'] });
    const transfer = (depth: number) => ({
      charger: 'CP-deep',
      action: 'DataTransfer',
      payload: `{"vendorId":"x","data":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`,
    });
    expect(await refusal(transfer(65))).toBe('422 SCHEMA ');
    expect(await refusal(transfer(1_500))).toBe('422 SCHEMA ');
    void answerNext(3, '{"status":"Accepted"}', newer);
    expect((await command(transfer(64))).status).toBe(200);
    await newer.close();
  });

  it('that the charger refuses, or does not answer, says so', async () => {
    void answerNext(4, '"NotSupported","not here",{}');
    const refused = await command();
    expect([refused.status, JSON.parse(refused.body)]).toEqual([
      502,
      {
        error: {
          code: 'CALLERROR',
          message: 'the charger answered with a CALLERROR',
          callErrorCode: 'NotSupported',
          callErrorDescription: 'not here',
        },
      },
    ]);
    const sources = otherSources();
    const impatient = await startTestGateway(redis.url, { CALL_TIMEOUT_MS: '100' }, { sources });
    const silent = await connectCharger(impatient.port, 'CP1');
    expect(await refusal({ network: sources.registry.network }, impatient.port)).toBe('504 SILENT');
    await silent.close();
    await impatient.close();
  });

  it('and a message find their checks compiled, whichever they are, where the gateway is warmed up', async () => {
    const messages = Object.entries(speakAll()).flatMap(([version, { checks, commandChecks }]) =>
      [...checks.keys(), ...commandChecks.keys()].map((action) => `${version} ${action}`),
    );
    const all = new Set(messages).size;
    expect(compiledChecks()).toBeLessThan(all);
    const sources = otherSources();
    const warm = await startTestGateway(redis.url, {}, { sources, isWarmedUp: true });
    await waitFor(() => compiledChecks() === all, { what: 'all checks to be compiled', timeoutMs: 60_000 });
    const newer = await connectCharger(warm.port, 'CP1', { subprotocols: ['ocpp2.1'] });
    expect((await newer.call('1', 'Heartbeat', {}))[0]).toBe(3);
    const call = answerNext(3, '{"status":"Accepted"}', newer);
    await command({ action: 'ClearCache', payload: '{}', network: sources.registry.network }, warm.port);
    expect(await call).toContain('"ClearCache"');
    expect(compiledChecks()).toBe(all);
    await newer.close();
    await warm.close();
  });

  it('is counted by action and end', async () => {
    const page = await (await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`)).text();
    expect(page).toMatch(/devsen_gateway_commands_total\{action="Reset",end="result"\} \d+/);
    expect(page).toMatch(/devsen_gateway_commands_total\{action="unknown",end="refused"\} \d+/);
  });
});
