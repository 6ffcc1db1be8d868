import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AbiCoder, computeAddress, keccak256, toUtf8Bytes } from 'ethers';
import { SESSION_STATES } from '../../core/abi.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { STOPS } from '../../core/session-answers.ts';
import { call } from '../../network/contracts.ts';
import type { LocalNetwork } from '../../network/local-network.ts';
import { anyPorts } from '../../network/ports.ts';

import { startScenarioNetwork } from '../../network/scenarios/network.ts';
import { type Plays, startPlays } from '../../network/scenarios/play.ts';
import { logsOf, type Paid } from '../../network/scenarios/session.ts';
import type { Stage } from '../../network/scenarios/stage.ts';
import type { Exit } from '../../network/supervisor.ts';
import { startWatchdog, type Watchdog } from '../../network/watchdog.ts';

const MINUTES_MS = 60_000;
const abi = AbiCoder.defaultAbiCoder();

/** All are played at once, as `npm start -- --once` does; each test waits for its own and looks at what the chain holds then. */
describe('on a network as npm start runs it', () => {
  let dir: string;
  let watchdog: Watchdog;
  let network: LocalNetwork;
  let stage: Stage;
  let plays: Plays;
  const deaths: Exit[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'devsen-scenarios-'));
    watchdog = startWatchdog();
    const started = await startScenarioNetwork({
      dir,
      watchdog,
      ports: await anyPorts(4),
      withBuild: false,
      step: (_what, work) => work(),
      onDeath: (exit) => void deaths.push(exit),
    });
    network = started.network;
    stage = await started.openStage();
    plays = await startPlays(stage, (_what, work) => work());
  }, 4 * MINUTES_MS);
  afterAll(async () => {
    await stage?.close();
    await network?.stop();
    await watchdog.close();
    await rm(dir, { recursive: true, force: true });
  }, MINUTES_MS);

  /** A session as its charger's contract holds it. */
  async function onChain({ identity, sessionId }: { identity: string; sessionId: string }) {
    const session = (await call(await stage.device(identity), 'sessionOf', sessionId)) as Record<string, bigint>;
    const { state, stop, energyWh, idleSec } = session as Record<'state' | 'stop' | 'energyWh' | 'idleSec', bigint>;
    return { state: SESSION_STATES[Number(state)], stop: STOPS[Number(stop)], energyWh, idleSec };
  }

  const vault = () => stage.contract('PaymentDEVSEN', stage.network.state.addresses.payment);

  /** Events of the vault about a session, in order. */
  async function inVault({ identity, sessionId }: { identity: string; sessionId: string }): Promise<string[]> {
    const payment = await vault();
    const key = await call(payment, 'keyOf', await (await stage.device(identity)).getAddress(), sessionId);
    const found: string[] = [];
    for (const event of ['Locked', 'Settled', 'Refunded', 'Expired']) {
      for (const _ of await logsOf(payment, event, key)) found.push(event);
    }
    return found;
  }

  async function expectPaid(paid: Paid, stop: string): Promise<void> {
    expect(await onChain(paid)).toMatchObject({ state: 'Settled', stop, energyWh: paid.energyWh });
    expect(await inVault(paid)).toEqual(['Locked', 'Settled']);
    expect(paid.cost).toBeGreaterThan(0n);
  }

  it(
    'a contract asks, and holds what the charger is',
    async () => {
      const { request, held } = await plays.asking;
      expect(request.outcome).toBe('answered');
      const consumer = await stage.contract('ExampleStatusConsumer', stage.network.state.addresses.consumer);
      const latest = (await call(consumer, 'latest', deviceIdOf('CP-ASK'), 1)) as Record<string, unknown>;
      expect([latest.status, latest.online]).toEqual([7n, true]);
      expect(Number(latest.observedAt)).toBe(held?.observedAtSec);
    },
    5 * MINUTES_MS,
  );

  it(
    '1: chargers are set up by command and from a file, moved, handed over and retired',
    async () => {
      const { refused } = await plays.setUp;
      const factory = await stage.contract('FactoryDEVSEN', stage.network.state.addresses.factory);
      const { zurich, lisbon } = stage.people;
      for (const identity of ['CP-NEW', 'CP-CSV-1', 'CP-CSV-2', 'CP-CSV-3']) {
        expect(await call(factory, 'deviceOf', deviceIdOf(identity))).not.toMatch(/^0x0+$/);
      }
      const added = await stage.device('CP-NEW');
      expect(await call(added, 'manager')).toBe(zurich.account);
      expect(await call(added, 'tariffCount')).toBe(1n);
      expect(String(await call(added, 'meterKey')).length).toBeGreaterThan(100);
      expect(await call(await stage.device('CP-CSV-1'), 'location')).toEqual([462_044_000n, 61_432_000n]);
      expect(await call(await stage.device('CP-CSV-2'), 'manager')).toBe(lisbon.account);
      expect(await call(await stage.device('CP-CSV-3'), 'isRetired')).toBe(true);
      expect(refused.twice).toContain('IdentityTaken');
      expect(refused.stranger).toContain('NotManager');
    },
    5 * MINUTES_MS,
  );

  it(
    '2: what is available is found on chain and in every operator’s record alike, with proof',
    async () => {
      const { offer, operators, provenBy } = await plays.finding;
      expect(offer).toMatchObject({ connector: 'CP-FIND/1', powerW: 400_000, perKwh: '0.3' });
      expect(operators).toBe(4);
      expect(provenBy).toMatch(/^[0-9a-f]{64}$/);
      const device = await stage.device('CP-FIND');
      const statuses = await Promise.all([1, 2].map((connector) => call(device, 'statusOf', connector)));
      expect(statuses.map((status) => (status as { status: bigint }).status)).toEqual([1n, 2n]);
    },
    5 * MINUTES_MS,
  );

  it(
    '3: sessions end by the driver, at the charger, at the limit, by a fault and by idling, and are paid to the unit',
    async () => {
      const { byDriver, atCharger, atLimit, byFault, byIdling } = await plays.charging;
      await expectPaid(byDriver, 'Remote');
      await expectPaid(atCharger, 'Local');
      await expectPaid(atLimit, 'EnergyLimit');
      await expectPaid(byFault, 'Other');
      await expectPaid(byIdling, 'Idle');
      expect(atLimit.energyWh).toBeGreaterThanOrEqual(300n);
      expect((await onChain(byIdling)).idleSec).toBeGreaterThan(10n);
    },
    5 * MINUTES_MS,
  );

  it(
    '3: all is back where nobody plugged in, where the charger refuses, and where it is offline',
    async () => {
      const { nobodyPluggedIn, outOfOrder, offline } = await plays.charging;
      const { outOfOrder: outOfOrder21 } = await plays.versions;
      const backs = [nobodyPluggedIn, outOfOrder, offline, outOfOrder21];
      for (const back of backs) {
        expect(await onChain(back)).toMatchObject({ state: 'Rejected', energyWh: 0n });
        expect(await inVault(back)).toEqual(['Locked', 'Refunded']);
      }
      expect(backs.map(({ reason }) => reason)).toEqual(['NotPluggedIn', 'Rejected', 'Offline', 'Rejected']);
    },
    5 * MINUTES_MS,
  );

  it(
    '3: sessions at chargers of OCPP 2.0.1 and 2.1 are paid to the unit, and cost nothing where nobody plugged in',
    async () => {
      const { of201, of21, nobodyPluggedIn } = await plays.versions;
      await expectPaid(of201, 'Remote');
      await expectPaid(of21, 'Local');
      expect(await onChain(nobodyPluggedIn)).toMatchObject({ state: 'Settled', stop: 'Other', energyWh: 0n });
      expect(await inVault(nobodyPluggedIn)).toEqual(['Locked', 'Refunded']);
    },
    5 * MINUTES_MS,
  );

  it(
    '4: a card opens and ends a session that its user’s vault pays for, is stopped at what it may lock; others are refused',
    async () => {
      const { paid, atLimit, remaining, refused } = await plays.cards;
      await expectPaid(paid, 'Local');
      await expectPaid(atLimit, 'EnergyLimit');
      expect(atLimit.energyWh).toBeGreaterThanOrEqual(300n);
      expect(atLimit.cost).toBeLessThanOrEqual(atLimit.most);
      expect(remaining).toBe(50n * 10n ** 18n - paid.cost);
      expect(refused).toEqual({ blocked: 'Blocked', expired: 'Expired', unknown: 'Invalid' });
      expect(await call(await stage.device('CP-CARD'), 'lastSessionAt', 2)).toMatch(/^0x0+$/);
    },
    5 * MINUTES_MS,
  );

  it(
    '5: configuration of 1.6 and 2.x through the chain with the answer on it, commands by signature',
    async () => {
      const { onChain: requests, values, bySignature, refused } = await plays.configuration;
      expect(values).toEqual({ of16: '77', of20: '78' });
      const device = await stage.device('CP-TUNE');
      const done = async (of: typeof device, requestId: string) =>
        ((await call(of, 'controlOf', requestId)) as { verdict: bigint }).verdict;
      expect(await done(device, requests.of16)).toBe(1n);
      expect(await done(await stage.device('CP-TUNE-20'), requests.of20)).toBe(1n);
      const [answered] = await logsOf(device, 'ControlAnswered', requests.command);
      expect(abi.decode(['uint8', 'uint8', 'bytes32'], String(answered?.args.answer))[2]).toBe(
        keccak256(toUtf8Bytes('{"status":"Accepted"}')),
      );
      expect(bySignature).toEqual(expect.arrayContaining(['Reset', 'ReserveNow', 'UpdateFirmware', 'GetDiagnostics']));
      expect(refused.unknownKey).toContain('NotSupported');
      expect(refused.secret).toContain('SecretKey');
      expect(refused.stranger).toContain('NOT_MANAGER');
    },
    5 * MINUTES_MS,
  );

  it(
    '6: sessions that ended at the charger were settled by questions that only operators asked',
    async () => {
      const { atCharger, atLimit, byFault, byIdling } = await plays.charging;
      const { of21, nobodyPluggedIn } = await plays.versions;
      const { paid } = await plays.cards;
      const { provider } = stage.network;
      const nodes = new Set(network.state.operators.map((_, n) => nodeOf(n)));
      for (const place of [atCharger, atLimit, byFault, byIdling, of21, nobodyPluggedIn, paid]) {
        const device = await stage.device(place.identity);
        const asked = await device.queryFilter(device.getEvent('ResultRequested')(null, place.sessionId), 0);
        expect(asked.length).toBeGreaterThan(0);
        for (const { transactionHash } of asked) {
          expect(nodes).toContain((await provider.getTransaction(transactionHash))?.from);
        }
      }
    },
    5 * MINUTES_MS,
  );

  it(
    '6: another operator has an ended session settled where the one whose turn it is is away',
    async () => {
      const { paid, away, askedBy } = await plays.unasked;
      await expectPaid(paid, 'EVDisconnected');
      const others = network.state.operators.flatMap(({ name }, n) => (name === away ? [] : [nodeOf(n)]));
      expect(others).toHaveLength(3);
      expect(others).toContain(askedBy);
    },
    6 * MINUTES_MS,
  );

  it(
    '7: a fault reaches the charger’s contract, and stays in its history',
    async () => {
      const { fault } = await plays.faults;
      const device = await stage.device('CP-FAULT');
      expect(await call(device, 'faults')).toEqual([[1n, 3n, BigInt(fault.observedAtSec)]]);
      expect(((await call(device, 'statusOf', 1)) as { status: bigint }).status).toBe(1n);
    },
    5 * MINUTES_MS,
  );

  it(
    '9: one driver with one vault pays in two regions, in a token of 18 and one of 6 decimals',
    async () => {
      const { zurich, lisbon, withdrawn } = await plays.roaming;
      await expectPaid(zurich, 'Remote');
      await expectPaid(lisbon, 'Remote');
      const payment = await vault();
      const { euro } = stage.tokens;
      expect(await call(payment, 'freeOf', euro.address, stage.people.roamer.account)).toBe(100_000_000n - lisbon.cost);
      expect(await call(payment, 'freeOf', euro.address, stage.people.lisbon.account)).toBe(0n);
      expect(withdrawn).toBe(lisbon.cost - lisbon.fee);
    },
    5 * MINUTES_MS,
  );

  it(
    '8: epochs end, uptime is known of every charger, and owner, driver and builder are paid by the formula',
    async () => {
      const epochs = await plays.epochs;
      const claims = await plays.claims;
      expect(epochs.reduce((sum, { sessions }) => sum + sessions, 0)).toBe(10);
      for (const { uptimes } of epochs) expect(Object.keys(uptimes)).toHaveLength(network.state.chargers.length);
      expect(new Set(claims.map(({ pot }) => pot))).toEqual(new Set(['uptime', 'occupants', 'builders']));
      const token = await stage.contract('TokenDEVSEN', stage.tokens.own.address);
      for (const { earner, amount, txHash } of claims) {
        const paid = await token.queryFilter(
          token.getEvent('Transfer')(stage.network.state.addresses.rewards, earner),
          0,
        );
        expect(paid.map((log) => [log.transactionHash, 'args' in log && log.args.value])).toContainEqual([
          txHash,
          amount,
        ]);
      }
    },
    6 * MINUTES_MS,
  );

  it(
    '3: all is back where the oracles have no quorum, and the ledger of everybody’s tokens is even',
    async () => {
      const place = await plays.withoutQuorum;
      expect(await onChain(place)).toMatchObject({ state: 'Expired', energyWh: 0n });
      expect(await inVault(place)).toEqual(['Locked', 'Refunded']);
      const lines = await plays.ledger;
      for (const token of ['DEVSEN', 'EURL', 'LINK']) {
        const those = lines.filter((line) => line.token === token);
        const changes = those.reduce((sum, { before, after }) => sum + after - before, 0n);
        expect([token, changes]).toEqual([token, 0n]);
      }
      const payment = await vault();
      const token = await stage.contract('TokenDEVSEN', stage.tokens.own.address);
      expect(await call(token, 'balanceOf', await payment.getAddress())).toBe(
        await call(payment, 'heldOf', stage.tokens.own.address),
      );
      expect(deaths).toEqual([]);
    },
    6 * MINUTES_MS,
  );

  /** The account that an operator's job node sends from. */
  function nodeOf(n: number): string {
    return computeAddress(network.keys.operators[n]?.node ?? '');
  }
});
