import type { Command } from 'commander';
import type { Contract, ContractTransactionReceipt } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { call } from '../contracts.ts';
import { type CardLimitOptions, cardLimit, commitmentOf } from './card.ts';
import { inNetwork, type Session, type Streams } from './session.ts';
import { lastSession, type SessionEnd, showSession, waitWhile } from './session-view.ts';
import { tokenAt } from './tokens.ts';
import { transact } from './tx.ts';
import { address, amountOf, amountText, bytes32, decimal, whole } from './values.ts';
import { balance, deposit, withdraw } from './vault.ts';

const MOST_WH = 10_000_000;

/** `devsen charge`: a driver's tokens and sessions. */
export function addChargeCommands(program: Command, streams: Streams): void {
  const charge = program.command('charge').description("a driver's tokens in the vault, and sessions at chargers");

  charge
    .command('balance')
    .description('tokens in the vault and in the account')
    .argument('[account]', 'yours if not given', address)
    .action(async (account: string | undefined, _options, command: Command) => {
      await inNetwork(command, streams, account === undefined ? 'driver' : 'reader', (session) =>
        balance(session, account ?? session.account),
      );
    });

  charge
    .command('deposit')
    .description('brings tokens into the vault, from which sessions are paid')
    .argument('<amount>', 'in tokens')
    .option('--token <address or symbol>', 'needed if the network takes several')
    .action(async (text: string, options: { token?: string }, command: Command) => {
      await inNetwork(command, streams, 'driver', (session) => deposit(session, text, options.token));
    });

  charge
    .command('withdraw')
    .description('takes tokens out of the vault')
    .argument('<amount>', 'in tokens; or all')
    .option('--token <address or symbol>', 'needed if the network takes several')
    .option('--to <account>', 'yours if not given', address)
    .action(async (text: string, options: { token?: string; to?: string }, command: Command) => {
      await inNetwork(command, streams, 'driver', (session) => withdraw(session, text, options));
    });

  charge
    .command('card')
    .description('what an RFID card may spend of your tokens in the vault; sets it if amounts are given')
    .argument('<idTag or commitment>', 'the idTag needs the pepper of the network, IDTAG_PEPPER')
    .option('--per-session <amount>', 'most that one session may take, in tokens')
    .option('--in-all <amount>', 'most that all sessions from now on may take, in tokens; 0 ends it')
    .option('--token <address or symbol>', 'needed if the network takes several')
    .action(async (card: string, options: CardLimitOptions, command: Command) => {
      await inNetwork(command, streams, 'driver', (session) =>
        cardLimit(session, commitmentOf(session, streams, card), options),
      );
    });

  charge
    .command('start')
    .description('locks tokens and has a charger start')
    .argument('<identity>', "the charger's OCPP identity")
    .argument('[connector]', 'from 1', whole(1, 65_535), 1)
    .option('--kwh <energy>', 'how much at most; the deposit follows from it', decimal(0.001, MOST_WH / 1_000))
    .option('--deposit <amount>', 'in tokens; the energy follows from it')
    .option('--manager-pays', 'the oracles are paid by the manager, if it allows that', false)
    .action(async (identity: string, connector: number, options: StartOptions, command: Command) => {
      await inNetwork(command, streams, 'driver', (session) => start(session, identity, connector, options));
    });

  const ofSession = (name: string, about: string) =>
    charge
      .command(name)
      .description(about)
      .argument('<identity>', "the charger's OCPP identity")
      .argument('[session]', 'its id; the last one at connector 1 if not given', bytes32);

  ofSession('stop', 'has a charger stop, and waits until the session is settled')
    .option('--manager-pays', 'the oracles are paid by the manager, if it allows that', false)
    .action(async (identity: string, id: string | undefined, options: StartOptions, command: Command) => {
      await inNetwork(command, streams, 'driver', async (session) => {
        const { contract } = await session.device(identity);
        const sessionId = id ?? (await lastSession(contract));
        const payer = await payerOf(session, contract, options);
        const what = `stop the session at ${identity}`;
        const receipt = await transact(session, what, contract, 'stopCharge', sessionId, payer);
        if (receipt === undefined) return;
        const requestId = idIn(contract, receipt, 'ResultRequested');
        await waitWhile(session, contract, { sessionId, requestId }, ['Requested', 'Active']);
        mustBe(await showSession(session, identity, contract, sessionId), ['Ended', 'Settled']);
      });
    });

  ofSession('show', 'a session: where it is, what it took, what it cost').action(
    async (identity: string, id: string | undefined, _options, command: Command) => {
      await inNetwork(command, streams, 'reader', async (session) => {
        const { contract } = await session.device(identity);
        await showSession(session, identity, contract, id ?? (await lastSession(contract)));
      });
    },
  );

  const act = (
    name: string,
    about: string,
    does: string,
    method: string,
    args: (payer: string, id: string) => unknown[],
  ) => {
    ofSession(name, about).action(async (identity: string, id: string | undefined, _options, command: Command) => {
      await inNetwork(command, streams, 'driver', async (session) => {
        const { contract } = await session.device(identity);
        const sessionId = id ?? (await lastSession(contract));
        const done = await transact(session, does, contract, method, ...args(session.account, sessionId));
        if (done) await showSession(session, identity, contract, sessionId);
      });
    });
  };
  act(
    'ask',
    'asks the operators what became of a session',
    'ask the operators',
    'requestSessionResult',
    (payer, id) => [id, payer],
  );
  act('settle', 'settles a session of a card that has ended', 'settle the session', 'settleSession', (_payer, id) => [
    id,
  ]);
  act('accept', 'pays a suspect session by the figures it has', 'accept the figures', 'acceptSuspect', (_payer, id) => [
    id,
  ]);
  act(
    'expire',
    'from its deadline on, takes the tokens of a session back',
    'take the tokens back',
    'expireSession',
    (_payer, id) => [id],
  );
}

interface StartOptions {
  kwh?: number;
  deposit?: string;
  managerPays: boolean;
}

async function start(session: Session, identity: string, connector: number, options: StartOptions): Promise<void> {
  const { contract } = await session.device(identity);
  const [tariffId, tariff] = (await call(contract, 'tariffNow')) as [bigint, { token: string }];
  const token = await tokenAt(session, tariff.token);
  if ((options.kwh === undefined) === (options.deposit === undefined)) {
    throw new DevsenError('INPUT_INVALID', 'how much? Give --kwh or --deposit');
  }
  const locked =
    options.deposit === undefined
      ? ((await call(contract, 'depositFor', connector, Math.round((options.kwh ?? 0) * 1_000))) as bigint)
      : amountOf(options.deposit, token.decimals);
  const payer = await payerOf(session, contract, options);
  const what = `lock ${amountText(locked, token.decimals)} ${token.symbol} and start ${identity}/${connector}`;
  const receipt = await transact(session, what, contract, 'startCharge', connector, locked, tariffId, payer);
  if (receipt === undefined) return;
  // A session has the id of the question that has it started.
  const sessionId = idIn(contract, receipt, 'SessionRequested');
  session.output.progress(`session ${sessionId}: waiting for the charger, plug the car in …`);
  await waitWhile(session, contract, { sessionId, requestId: sessionId }, ['Requested']);
  // It may have ended by itself as soon as it began.
  mustBe(await showSession(session, identity, contract, sessionId), ['Active', 'Ended', 'Settled']);
}

/** The first argument of an event of the charger's contract in a tx. */
function idIn(contract: Contract, { logs }: ContractTransactionReceipt, event: string): string {
  const found = logs.flatMap((log) => contract.interface.parseLog(log) ?? []).find(({ name }) => name === event);
  if (found === undefined) throw new DevsenError('INTERNAL', `the charger logged no ${event}`);
  return String(found.args[0]);
}

/** @throws DevsenError `CONFLICT` with the reason if a session is in another state than was wanted */
function mustBe({ state, reason }: SessionEnd, wanted: readonly string[]): void {
  if (wanted.includes(state)) return;
  const why = reason === 'None' ? '' : ` (${reason})`;
  const tokens = state === 'Suspect' ? 'its tokens stay locked until accepted or expired' : 'all tokens are given back';
  throw new DevsenError('CONFLICT', `the session is ${state}${why}: ${tokens}`);
}

async function payerOf(session: Session, device: Contract, { managerPays }: StartOptions): Promise<string> {
  return managerPays ? String(await call(device, 'manager')) : session.account;
}
