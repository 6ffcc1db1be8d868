import type { Command } from 'commander';
import type { Contract } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { REASONS, STOPS } from '../../core/session-answers.ts';
import { call } from '../contracts.ts';
import { until } from '../deadline.ts';
import { facts, table } from './output.ts';
import { inNetwork, type Session, type Streams } from './session.ts';
import { allowedTokens, findToken, tokenAt } from './tokens.ts';
import { transact } from './tx.ts';
import { address, amountOf, amountText, bytes32, decimal, timeText, whole } from './values.ts';

const STATES = ['None', 'Requested', 'Active', 'Ended', 'Settled', 'Rejected', 'Expired', 'Suspect'];
const OPEN = ['Requested', 'Active', 'Ended'];
/** The operators answer within five minutes or not at all. */
const ANSWER_LIMIT_MS = 330_000;
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
        if (
          (await transact(session, `stop the session at ${identity}`, contract, 'stopCharge', sessionId, payer)) ===
          undefined
        )
          return;
        await waitWhile(session, contract, sessionId, ['Requested', 'Active']);
        await show(session, identity, contract, sessionId);
      });
    });

  ofSession('show', 'a session: where it is, what it took, what it cost').action(
    async (identity: string, id: string | undefined, _options, command: Command) => {
      await inNetwork(command, streams, 'reader', async (session) => {
        const { contract } = await session.device(identity);
        await show(session, identity, contract, id ?? (await lastSession(contract)));
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
        if (done) await show(session, identity, contract, sessionId);
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

async function balance(session: Session, account: string): Promise<void> {
  const payment = await session.contract('PaymentDEVSEN');
  const rows = await Promise.all(
    (await allowedTokens(session)).map(async ({ address: token, symbol, decimals, contract }) => ({
      token,
      symbol,
      decimals,
      vault: (await call(payment, 'freeOf', token, account)) as bigint,
      wallet: (await call(contract, 'balanceOf', account)) as bigint,
    })),
  );
  session.output.result({ account, tokens: rows }, () => {
    const cells = rows.map(({ symbol, vault, wallet, decimals }) => [
      symbol,
      amountText(vault, decimals),
      amountText(wallet, decimals),
    ]);
    return table(['token', 'in the vault', 'in the account'], cells, 'The network takes no token.');
  });
}

async function deposit(session: Session, text: string, name: string | undefined): Promise<void> {
  const token = await findToken(session, name);
  const amount = amountOf(text, token.decimals);
  const payment = await session.contract('PaymentDEVSEN');
  const vault = await payment.getAddress();
  const allowed = (await call(token.contract, 'allowance', session.account, vault)) as bigint;
  if (allowed < amount) {
    const done = await transact(
      session,
      `allow the vault ${text} ${token.symbol}`,
      token.contract,
      'approve',
      vault,
      amount,
    );
    if (done === undefined) return;
  }
  const done = await transact(
    session,
    `deposit ${text} ${token.symbol}`,
    payment,
    'deposit',
    token.address,
    amount,
    session.account,
  );
  if (done) await balance(session, session.account);
}

async function withdraw(
  session: Session,
  text: string,
  { token: name, to }: { token?: string; to?: string },
): Promise<void> {
  const token = await findToken(session, name);
  const payment = await session.contract('PaymentDEVSEN');
  const free = (await call(payment, 'freeOf', token.address, session.account)) as bigint;
  const amount = text === 'all' ? free : amountOf(text, token.decimals);
  const what = `withdraw ${amountText(amount, token.decimals)} ${token.symbol}`;
  const done = await transact(session, what, payment, 'withdraw', token.address, amount, to ?? session.account);
  if (done) await balance(session, session.account);
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
  const requested = receipt.logs
    .flatMap((log) => contract.interface.parseLog(log) ?? [])
    .find(({ name }) => name === 'SessionRequested');
  const sessionId = String(requested?.args.sessionId);
  session.output.progress(`session ${sessionId}: waiting for the charger, plug the car in …`);
  await waitWhile(session, contract, sessionId, ['Requested']);
  await show(session, identity, contract, sessionId);
}

async function payerOf(session: Session, device: Contract, { managerPays }: StartOptions): Promise<string> {
  return managerPays ? String(await call(device, 'manager')) : session.account;
}

async function lastSession(device: Contract): Promise<string> {
  const id = String(await call(device, 'lastSessionAt', 1));
  if (BigInt(id) === 0n) throw new DevsenError('NOT_FOUND', 'there was no session at connector 1: give the id of one');
  return id;
}

/** Waits until a session is in none of these states any more. */
async function waitWhile(
  session: Session,
  device: Contract,
  sessionId: string,
  states: readonly string[],
): Promise<void> {
  let shown = '';
  await until('the session to go on', ANSWER_LIMIT_MS, async () => {
    const { state } = (await call(device, 'sessionOf', sessionId)) as { state: bigint };
    const name = STATES[Number(state)] ?? '';
    if (name !== shown) session.output.progress(`session is ${name}`);
    shown = name;
    return states.includes(name) ? undefined : true;
  });
}

interface SessionRow {
  state: bigint;
  occupant: string;
  connector: bigint;
  startedAt: bigint;
  endedAt: bigint;
  idleSec: bigint;
  energyWh: bigint;
  stop: bigint;
  conflicts: bigint;
}

interface Escrow {
  token: string;
  amount: bigint;
  fee: bigint;
  timestamp: bigint;
}

async function show(session: Session, identity: string, device: Contract, sessionId: string): Promise<void> {
  const row = (await call(device, 'sessionOf', sessionId)) as SessionRow;
  const state = STATES[Number(row.state)] ?? '';
  if (state === 'None') throw new DevsenError('NOT_FOUND', `${identity} has no session ${sessionId}`);
  const payment = await session.contract('PaymentDEVSEN');
  const key = await call(payment, 'keyOf', await device.getAddress(), sessionId);
  const escrow = (await call(payment, 'sessionOf', key)) as Escrow;
  const token = BigInt(escrow.token) === 0n ? undefined : await tokenAt(session, escrow.token);
  const reason = await reasonOf(device, sessionId);
  const shown = {
    identity,
    sessionId,
    state,
    reason,
    occupant: row.occupant,
    connector: Number(row.connector),
    startedAtSec: Number(row.startedAt),
    endedAtSec: Number(row.endedAt),
    idleSec: Number(row.idleSec),
    energyWh: Number(row.energyWh),
    stop: STOPS[Number(row.stop)] ?? 'None',
    conflicts: Number(row.conflicts),
    token: token?.address ?? null,
    amount: escrow.amount,
    fee: escrow.fee,
  };
  session.output.result(shown, () =>
    facts([
      ['session', `${identity}/${shown.connector} ${sessionId}`],
      ['state', reason === 'None' ? state : `${state} (${reason})`],
      ['occupant', row.occupant],
      ['started', timeText(row.startedAt)],
      ['ended', shown.endedAtSec === 0 ? 'not yet' : `${timeText(row.endedAt)} (${shown.stop})`],
      ['energy', `${shown.energyWh / 1_000} kWh`],
      ...(token === undefined
        ? []
        : ([
            [
              OPEN.includes(state) || state === 'Suspect' ? 'locked' : 'paid',
              `${amountText(escrow.amount, token.decimals)} ${token.symbol}`,
            ],
          ] as const)),
    ]),
  );
}

/** Why a session is over, as its last log says. */
async function reasonOf(device: Contract, sessionId: string): Promise<string> {
  const filter = device.filters.SessionClosed?.(sessionId);
  const logs = filter === undefined ? [] : await device.queryFilter(filter, 0);
  const last = logs.at(-1) as { args?: { reason?: bigint } } | undefined;
  return REASONS[Number(last?.args?.reason ?? 0n)] ?? 'None';
}
