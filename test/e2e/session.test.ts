import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AbiCoder, type Contract, keccak256, parseEther, type TransactionReceipt, toUtf8Bytes, Wallet } from 'ethers';
import { SESSION_STATES } from '../../core/abi.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { STOPS } from '../../core/session-answers.ts';
import { settlingTurn } from '../../core/settling-turn.ts';
import { call, contractAt } from '../../network/contracts.ts';
import { LOCAL_TARIFF } from '../../network/local-economy.ts';
import { signerOf } from '../../network/one-by-one.ts';
import type { Charger } from '../../simulator/charger.ts';
import { waitFor } from '../support/wait.ts';
import { startTestNetwork, type TestNetwork } from './test-network.ts';

const MINUTES_MS = 60_000;
const DEPOSIT = parseEther('20');
/** The most that the charger has on chain: what is paid for flows within two seconds. */
const POWER_W = 400_000;
const abi = AbiCoder.defaultAbiCoder();

describe('a session and commands through the chain, on a network of real processes', () => {
  let network: TestNetwork;
  let charger: Charger;
  /** The charger's contract, as the driver and as the manager. */
  let device: Contract;
  let managed: Contract;
  let payment: Contract;
  let driver: string;

  beforeAll(async () => {
    network = await startTestNetwork({ chargers: 1, maxPowerW: POWER_W });
    charger = await network.charger('CP-1', { meterIntervalMs: 1_000 });
    const { keys, chain, provider, state } = network;
    const address = String(await call(chain.contracts.factory, 'deviceOf', deviceIdOf('CP-1')));
    device = await contractAt('DeviceDEVSEN', address, signerOf(keys.driver, provider));
    managed = await contractAt('DeviceDEVSEN', address, chain.manager);
    payment = await contractAt('PaymentDEVSEN', state.addresses.payment, chain.contracts.admin);
    driver = new Wallet(keys.driver).address;
  }, 3 * MINUTES_MS);
  afterAll(() => network?.close(), MINUTES_MS);

  async function transact(contract: Contract, name: string, ...args: unknown[]): Promise<TransactionReceipt> {
    const receipt = await (await contract.getFunction(name).send(...args)).wait();
    return receipt as TransactionReceipt;
  }

  /** The first argument of an event of the charger's contract in a tx. */
  function idIn(receipt: TransactionReceipt, event: string): string {
    const parsed = receipt.logs.map((log) => device.interface.parseLog(log)).find((log) => log?.name === event);
    return String(parsed?.args[0]);
  }

  /** The answer to a manager's question, as the contract was told it. */
  async function answered(requestId: string): Promise<{ verdict: bigint; reason: bigint; answer: string }> {
    const filter = device.getEvent('ControlAnswered')(requestId);
    const log = await waitFor(async () => (await device.queryFilter(filter))[0], {
      what: 'the operators to agree on an answer',
      timeoutMs: MINUTES_MS,
    });
    const { verdict, reason, answer } = (log as unknown as { args: Record<string, unknown> }).args;
    return { verdict, reason, answer } as Awaited<ReturnType<typeof answered>>;
  }

  const freeTokens = async () => BigInt(String(await call(payment, 'freeOf', network.state.addresses.token, driver)));

  async function sessionIn(state: string, sessionId: string) {
    return waitFor(
      async () => {
        const session = (await call(device, 'sessionOf', sessionId)) as Record<string, bigint>;
        const name = SESSION_STATES[Number(session.state)];
        if (name === state) return session;
        throw new Error(`the session is ${name}`);
      },
      { what: `the session to be ${state}`, timeoutMs: MINUTES_MS },
    );
  }

  it(
    'reads and changes configuration, and the answers stand on chain',
    async () => {
      const set = await transact(managed, 'setConfiguration', 'HeartbeatInterval', '77');
      const said = await answered(idIn(set, 'ControlRequested'));
      expect([said.verdict, said.reason]).toEqual([1n, 0n]);

      const get = await transact(managed, 'getConfiguration', ['HeartbeatInterval', 'NoSuchKey']);
      const { verdict, answer } = await answered(idIn(get, 'ControlRequested'));
      expect(verdict).toBe(1n);
      expect(abi.decode(['uint8', 'uint8', 'string[]'], answer)[2]).toEqual(['77', '']);

      const unlock = await transact(managed, 'command', 'UnlockConnector', '{"connectorId":1}');
      const reply = await answered(idIn(unlock, 'ControlRequested'));
      expect(abi.decode(['uint8', 'uint8', 'bytes32'], reply.answer)[2]).toBe(
        keccak256(toUtf8Bytes('{"status":"Unlocked"}')),
      );
    },
    2 * MINUTES_MS,
  );

  it(
    'gives all back where the charger refuses to start',
    async () => {
      const before = await freeTokens();
      const asked = await transact(device, 'startCharge', 1, DEPOSIT, 1, driver);
      expect(await freeTokens()).toBe(before - DEPOSIT);
      await sessionIn('Rejected', idIn(asked, 'SessionRequested'));
      expect(await freeTokens()).toBe(before);
    },
    2 * MINUTES_MS,
  );

  it(
    'charges, stops and settles to the token unit',
    async () => {
      const before = await freeTokens();
      charger.plug(1, { battery: { capacityWh: 77_000, levelWh: 10_000 }, maxPowerW: POWER_W });
      await charger.settled();
      const asked = await transact(device, 'startCharge', 1, DEPOSIT, 1, driver);
      const sessionId = idIn(asked, 'SessionRequested');
      await sessionIn('Active', sessionId);
      expect(await call(device, 'occupantOf', 1)).toBe(driver);
      const startWh = charger.connector(1).transaction?.startWh ?? Number.NaN;
      // A hundred Wh are the least that is paid for.
      await waitFor(() => charger.connector(1).meterWh - startWh > 110, {
        what: 'energy to flow',
        timeoutMs: MINUTES_MS,
      });
      await transact(device, 'stopCharge', sessionId, driver);
      const session = await sessionIn('Settled', sessionId);

      expect(STOPS[Number(session.stop)]).toBe('Remote');
      expect(session.energyWh).toBeGreaterThan(100n);
      const { startedAt, endedAt, idleSec, energyWh } = session as Record<string, bigint>;
      const idle = idleSec as bigint;
      const chargingSec = (endedAt as bigint) - (startedAt as bigint) - idle;
      const energyCost = LOCAL_TARIFF.perKwh * (energyWh as bigint) * 60n;
      const timeCost = (LOCAL_TARIFF.perMinute * chargingSec + LOCAL_TARIFF.perIdleMinute * idle) * 1_000n;
      expect(before - (await freeTokens())).toBe(LOCAL_TARIFF.flat + (energyCost + timeCost) / 60_000n);
      expect(network.deaths).toEqual([]);
    },
    3 * MINUTES_MS,
  );

  it(
    'settles a session that ended at the charger, without anybody’s call, though the operator whose turn it is is away',
    async () => {
      const ledger = network.chain.contracts.oracle;
      charger.unplug(1);
      charger.plug(1, { battery: { capacityWh: 77_000, levelWh: 10_000 }, maxPowerW: POWER_W });
      await charger.settled();
      const asked = await transact(device, 'startCharge', 1, DEPOSIT, 1, driver);
      const sessionId = idIn(asked, 'SessionRequested');
      await sessionIn('Active', sessionId);
      const startWh = charger.connector(1).transaction?.startWh ?? Number.NaN;
      await waitFor(() => charger.connector(1).meterWh - startWh > 110, {
        what: 'energy to flow',
        timeoutMs: MINUTES_MS,
      });
      const away = settlingTurn(sessionId, 0, network.state.operators.length);
      await network.fleet.kill(network.state.operators[away]?.name ?? '', 'SIGKILL');
      charger.unplug(1);
      const session = await sessionIn('Settled', sessionId);

      expect(STOPS[Number(session.stop)]).toBe('EVDisconnected');
      const [log] = await device.queryFilter(device.getEvent('ResultRequested')(null, sessionId));
      const { payer } = (await call(ledger, 'requestOf', log?.topics[1])) as { payer: string };
      const nodes = network.keys.operators.map(({ node }) => new Wallet(node).address);
      expect(nodes.filter((_, n) => n !== away)).toContain(payer);
      expect(network.deaths).toEqual([]);
    },
    3 * MINUTES_MS,
  );
});
