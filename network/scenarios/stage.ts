import { Writable } from 'node:stream';
import type { Contract, TransactionReceipt } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { type Charger, type ChargerSettings, startCharger } from '../../simulator/charger.ts';
import type { ChargerMessage } from '../../simulator/charger-message.ts';
import type { ContractName } from '../artifacts.ts';
import { runCli } from '../cli/cli.ts';
import { call, connectContracts, contractAt } from '../contracts.ts';
import { until } from '../deadline.ts';
import type { LocalNetwork } from '../local-network.ts';
import { writeState } from '../local-state.ts';
import { signerOf } from '../one-by-one.ts';
import { beginRewards, endow, gatherPeople, type People, type Person, type Token } from './people.ts';

/** How long anything may take that others do: generous, for a machine may be busy. */
export const LIMIT_MS = 150_000;

/** What the scenarios are played on: a running network, its people and their chargers. */
export interface Stage {
  network: LocalNetwork;
  people: People;
  tokens: { own: Token; euro: Token };
  /** Block from which on the scenarios' txs stand. */
  fromBlock: number;
  /** The secret with which one operator reads another's record, proofs included. */
  peerToken: string;
  /** A command of `devsen` as somebody. @returns what it shows. @throws DevsenError `CONFLICT` if it did not do it */
  devsen: (who: Person, ...args: string[]) => Promise<Record<string, unknown>>;
  /** A command of `devsen` that must not be done. @returns why not */
  devsenRefuses: (who: Person, ...args: string[]) => Promise<string>;
  /** A contract of the network, to read from. */
  contract: (name: ContractName, address: string) => Promise<Contract>;
  /** A charger's contract, to read from. */
  device: (identity: string) => Promise<Contract>;
  /** Sends a tx as somebody, one after the other, and waits until it is mined. */
  send: (who: Person, contract: Contract, name: string, ...args: unknown[]) => Promise<TransactionReceipt>;
  /** Starts a virtual charger that is online; it is closed with the stage. @param key - hex; the network's if not given */
  charger: (identity: string, more?: Partial<ChargerSettings>, key?: string) => Promise<Charger>;
  /** Waits until the clock's second is another: what was told before it belongs to any question asked then. */
  nextSecond: () => Promise<void>;
  /** What a charger has told and the gateway has acknowledged, in its order. */
  told: (identity: string) => readonly ChargerMessage[];
  close: () => Promise<void>;
}

/** @param dir - folder of the network's state */
export async function openStage(started: LocalNetwork, dir: string, peerToken: string): Promise<Stage> {
  const { keys, provider } = started;
  const people = gatherPeople(started);
  const contracts = await connectContracts({ ...started.state.addresses }, signerOf(people.admin.key, provider));
  const tokens = await endow(started, contracts, people);
  const rewards = await beginRewards(started, contracts);
  const state = { ...started.state, addresses: { ...started.state.addresses, rewards } };
  const network = { ...started, state };
  await writeState(dir, state, keys);
  const reader = contracts.admin;
  const running: Charger[] = [];
  const told = new Map<string, ChargerMessage[]>();
  const turns = new Map<string, Promise<unknown>>();

  /** Whoever acts twice at once would use a nonce twice: one waits for the other. */
  function inTurn<T>({ account }: Person, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(account) ?? Promise.resolve()).then(work, work);
    turns.set(
      account,
      turn.catch(() => {}),
    );
    return turn;
  }

  async function runDevsen(who: Person, args: string[]): Promise<{ code: number; out: string; err: string }> {
    const [out, err] = [sink(), sink()];
    const env = { DEVSEN_KEY: who.key, PEER_TOKEN: peerToken };
    const streams = { out: out.stream, err: err.stream, env };
    const code = await inTurn(who, () => runCli([...args, '--json', '--dir', dir], streams));
    return { code, out: out.text(), err: err.text() };
  }

  return {
    network,
    people,
    tokens,
    fromBlock: (await provider.getBlockNumber()) + 1,
    peerToken,
    devsen: async (who, ...args) => {
      const { code, out, err } = await runDevsen(who, args);
      if (code !== 0)
        throw new DevsenError('CONFLICT', `devsen ${args.slice(0, 3).join(' ')} ended with ${code}: ${err}`);
      return JSON.parse(out) as Record<string, unknown>;
    },
    devsenRefuses: async (who, ...args) => {
      const { code, err } = await runDevsen(who, args);
      if (code === 0)
        throw new DevsenError('CONFLICT', `devsen ${args.slice(0, 3).join(' ')} was done, but must not be`);
      return err;
    },
    contract: (name, address) => contractAt(name, address, reader),
    device: async (identity) => {
      const address = String(await call(contracts.factory, 'deviceOf', deviceIdOf(identity)));
      return contractAt('DeviceDEVSEN', address, reader);
    },
    send: (who, contract, name, ...args) =>
      inTurn(who, async () => {
        const signer = signerOf(who.key, provider);
        const sent = await (contract.connect(signer) as Contract).getFunction(name).send(...args);
        return (await sent.wait()) as TransactionReceipt;
      }),
    charger: async (identity, more = {}, key = keys.chargers[identity] ?? '') => {
      const messages = told.get(identity) ?? [];
      told.set(identity, messages);
      const charger = startCharger({
        url: state.gatewayUrl,
        identity,
        key: Buffer.from(key, 'hex'),
        connectors: 2,
        meterIntervalMs: 1_000,
        watch: (happening) => {
          if (happening.kind === 'acknowledged') messages.push(happening.message);
        },
        ...more,
      });
      running.push(charger);
      await until(`${identity} to be online`, LIMIT_MS, () => charger.isOnline() || undefined);
      await charger.settled();
      return charger;
    },
    nextSecond: () => new Promise((done) => setTimeout(done, 1_000 - (Date.now() % 1_000))),
    told: (identity) => told.get(identity) ?? [],
    close: async () => {
      await Promise.all(running.map((charger) => charger.close()));
    },
  };
}

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
