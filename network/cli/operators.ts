import type { Command } from 'commander';
import { AbiCoder, formatEther } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { call } from '../contracts.ts';
import { dropOperatorQueue } from '../operator-queue.ts';
import { addOperatorSetupCommands } from './operator-setup.ts';
import { facts, table } from './output.ts';
import { inNetwork, type Session, type Streams } from './session.ts';
import { transact } from './tx.ts';
import { address, amountOf } from './values.ts';

const PAGE = 100;

/** `devsen operators` and `devsen link`: who answers, how well, and what answers are paid with. */
export function addOperatorCommands(program: Command, streams: Streams): void {
  const operators = program.command('operators').description('who answers, and how well');
  operators
    .command('list', { isDefault: true })
    .description('all operators with their records: answers that were agreed on, other answers, and none in time')
    .action(async (_options, command: Command) => {
      await inNetwork(command, streams, 'reader', list);
    });

  operators
    .command('drop-queue')
    .description("takes the queue of an operator that is gone for good out of a gateway's Redis")
    .argument('<account>', 'of the operator, which UserDEVSEN no longer has as active', address)
    .requiredOption('--redis <url>', "the gateway's Redis")
    .action(async (account: string, { redis }: { redis: string }, command: Command) => {
      await inNetwork(command, streams, 'reader', (session) => dropQueue(session, account, redis));
    });

  addOperatorSetupCommands(operators, streams);

  const link = program.command('link').description('LINK accounts, from which questions to the oracles are paid');
  link
    .command('show')
    .description('what an account holds')
    .argument('[account]', 'yours if not given', address)
    .action(async (account: string | undefined, _options, command: Command) => {
      await inNetwork(command, streams, account === undefined ? 'driver' : 'reader', (session) =>
        showAccount(session, account ?? session.account),
      );
    });
  link
    .command('fund')
    .description('brings LINK of yours into an account at the ledger')
    .argument('<amount>', 'in LINK')
    .argument('[account]', 'yours if not given: a user, or a consumer contract', address)
    .action(async (amount: string, account: string | undefined, _options, command: Command) => {
      await inNetwork(command, streams, 'driver', async (session) => {
        const [token, ledger] = await Promise.all([session.contract('LinkToken'), session.contract('OracleDEVSEN')]);
        const owner = account ?? session.account;
        const data = AbiCoder.defaultAbiCoder().encode(['address'], [owner]);
        const to = await ledger.getAddress();
        const done = await transact(
          session,
          `fund ${owner} with ${amount} LINK`,
          token,
          'transferAndCall',
          to,
          amountOf(amount, 18),
          data,
        );
        if (done) await showAccount(session, owner);
      });
    });
  link
    .command('withdraw')
    .description('takes LINK out of your account at the ledger')
    .argument('<amount>', 'in LINK')
    .option('--to <account>', 'yours if not given', address)
    .action(async (amount: string, { to }: { to?: string }, command: Command) => {
      await inNetwork(command, streams, 'driver', async (session) => {
        const ledger = await session.contract('OracleDEVSEN');
        const done = await transact(
          session,
          `withdraw ${amount} LINK`,
          ledger,
          'withdraw',
          to ?? session.account,
          amountOf(amount, 18),
        );
        if (done) await showAccount(session, session.account);
      });
    });
  link
    .command('allow')
    .description('lets a contract ask at the cost of your account; the factory stands for all chargers')
    .argument('<spender>', 'address of a contract; or chargers', (text: string) =>
      text === 'chargers' ? text : address(text),
    )
    .argument('<amount>', 'in LINK, in all')
    .action(async (spender: string, amount: string, _options, command: Command) => {
      await inNetwork(command, streams, 'driver', async (session) => {
        const ledger = await session.contract('OracleDEVSEN');
        const who = spender === 'chargers' ? await (await session.contract('FactoryDEVSEN')).getAddress() : spender;
        const done = await transact(
          session,
          `let ${spender} spend ${amount} LINK`,
          ledger,
          'allow',
          who,
          amountOf(amount, 18),
        );
        if (done)
          session.output.result({ spender: who, amount }, () => `${spender} may spend ${amount} LINK of your account.`);
      });
    });
}

interface OperatorRow {
  account: string;
  oracle: string;
  isActive: boolean;
  /** Whether it is in the set that requests go to now. */
  isAsked: boolean;
  agreed: number;
  disagreed: number;
  missed: number;
}

async function dropQueue(session: Session, account: string, redisUrl: string): Promise<void> {
  const isSame = (row: OperatorRow) => row.account.toLowerCase() === account.toLowerCase();
  if ((await read(session)).rows.some((row) => isSame(row) && row.isActive)) {
    throw new DevsenError(
      'CONFLICT',
      `operator ${account} is active: block it first, or its queue is there again at once`,
    );
  }
  const batches = await dropOperatorQueue(redisUrl, account);
  session.output.result(
    { account, batches },
    () => `The queue of ${account} is gone; ${batches} batches waited for it.`,
  );
}

async function list(session: Session): Promise<void> {
  const { rows, set } = await read(session);
  session.output.result({ faults: Number(set.faults), operators: rows }, () => {
    const cells = rows.map((row) => [
      row.account,
      row.isAsked ? 'asked' : 'not asked',
      row.isActive ? 'active' : 'not active',
      String(row.agreed),
      String(row.disagreed),
      String(row.missed),
    ]);
    const shown = table(['account', 'now', 'user', 'agreed', 'disagreed', 'missed'], cells, 'No operators.');
    return `${shown}\n${set.oracles.length} are asked, of which ${set.faults} may be wrong.`;
  });
}

async function read(session: Session): Promise<{ rows: OperatorRow[]; set: { oracles: string[]; faults: bigint } }> {
  const [users, ledger] = await Promise.all([session.contract('UserDEVSEN'), session.contract('OracleDEVSEN')]);
  const setId = (await call(ledger, 'operatorSetId')) as bigint;
  const set = (await call(ledger, 'operatorSet', setId)) as { oracles: string[]; faults: bigint };
  const total = Number(await call(users, 'operatorCount'));
  const rows: OperatorRow[] = [];
  for (let offset = 0; offset < total; offset += PAGE) {
    for (const one of (await call(users, 'operators', offset, PAGE)) as {
      account: string;
      oracle: string;
      active: boolean;
    }[]) {
      const [agreed, disagreed, missed] = (await call(ledger, 'operatorRecord', one.oracle)) as [
        bigint,
        bigint,
        bigint,
      ];
      const isAsked = set.oracles.includes(one.oracle);
      const record = { agreed: Number(agreed), disagreed: Number(disagreed), missed: Number(missed) };
      rows.push({ account: one.account, oracle: one.oracle, isActive: one.active, isAsked, ...record });
    }
  }
  return { rows, set };
}

async function showAccount(session: Session, account: string): Promise<void> {
  const [token, ledger, factory] = await Promise.all([
    session.contract('LinkToken'),
    session.contract('OracleDEVSEN'),
    session.contract('FactoryDEVSEN'),
  ]);
  const [atLedger, inWallet, forChargers] = (await Promise.all([
    call(ledger, 'accountJuels', account),
    call(token, 'balanceOf', account),
    call(ledger, 'allowanceJuels', account, await factory.getAddress()),
  ])) as [bigint, bigint, bigint];
  session.output.result({ account, accountJuels: atLedger, walletJuels: inWallet, allowanceJuels: forChargers }, () =>
    facts([
      ['account', account],
      ['at the ledger', `${formatEther(atLedger)} LINK`],
      ['in the wallet', `${formatEther(inWallet)} LINK`],
      ['chargers may spend', forChargers > 10n ** 30n ? 'all of it' : `${formatEther(forChargers)} LINK`],
    ]),
  );
}
