import type { Command } from 'commander';
import { formatEther, type Signer } from 'ethers';
import { call } from '../contracts.ts';
import { deployContract } from '../provision.ts';
import { facts } from './output.ts';
import { inNetwork, type Streams } from './session.ts';
import { transact } from './tx.ts';
import { address, amountOf, whole } from './values.ts';

/** `devsen operators …`: how somebody becomes an operator, is asked, and is paid. */
export function addOperatorSetupCommands(operators: Command, streams: Streams): void {
  operators
    .command('set-up')
    .description("deploys an Operator contract of yours, at which your job node's accounts may answer (the operator)")
    .argument('<sender...>', 'accounts of the job node, or its forwarder', address)
    .option('--operator <address>', 'your Operator contract, if you have one: sets who may answer there', address)
    .action(async (_senders, options: { operator?: string }, command: Command) => {
      const senders = command.args.map((text) => address(text));
      await inNetwork(command, streams, 'driver', async (session) => {
        const { signer, account, output, isDryRun } = session;
        const link = await (await session.contract('LinkToken')).getAddress();
        if (isDryRun && options.operator === undefined) {
          output.result(
            { dryRun: true, account, senders },
            () => 'Would deploy an Operator contract. Nothing was sent.',
          );
          return;
        }
        output.progress(options.operator === undefined ? 'deploy an Operator contract …' : '');
        const operator = options.operator ?? (await deployContract('Operator', signer as Signer, link, account));
        const contract = await session.contractAt('Operator', operator);
        const done = await transact(session, 'say who may answer', contract, 'setAuthorizedSenders', senders);
        if (done === undefined) return;
        output.result({ account, operator, senders }, () =>
          facts([
            ['account', account],
            ['Operator contract', operator],
            ['may answer there', senders.join(', ')],
          ]),
        );
      });
    });

  operators
    .command('admit')
    .description('makes an account an operator of the network (admin)')
    .argument('<account>', "the operator's account", address)
    .argument('<operator>', 'its Operator contract', address)
    .argument('<signing key>', "address of the key that signs its adapter's approvals", address)
    .action(async (account: string, operator: string, signingKey: string, _options, command: Command) => {
      await inNetwork(command, streams, 'admin', async (session) => {
        const users = await session.contract('UserDEVSEN');
        const done = await transact(session, `admit ${account}`, users, 'setOperator', account, operator, signingKey);
        if (done) session.output.result({ account, operator, signingKey }, () => `${account} is an operator now.`);
      });
    });

  operators
    .command('choose')
    .description('sets which operators requests go to from now on (admin)')
    .argument('<faults>', 'how many of them may be wrong or silent: a third at most', whole(1, 85))
    .argument('<account...>', 'their accounts, 3 × faults + 1 or more', address)
    .action(async (faults: number, _accounts, _options, command: Command) => {
      const accounts = command.args.slice(1).map((text) => address(text));
      await inNetwork(command, streams, 'admin', async (session) => {
        const ledger = await session.contract('OracleDEVSEN');
        const done = await transact(session, 'choose operators', ledger, 'setOperatorSet', accounts, faults);
        if (done) {
          session.output.result(
            { accounts, faults },
            () => `${accounts.length} are asked, of which ${faults} may be wrong.`,
          );
        }
      });
    });

  operators
    .command('withdraw')
    .description('takes the LINK that your Operator contract has earned (the operator)')
    .argument('<operator>', 'your Operator contract', address)
    .argument('[amount]', 'in LINK; all of it if not given')
    .option('--to <account>', 'yours if not given', address)
    .action(async (operator: string, amount: string | undefined, options: { to?: string }, command: Command) => {
      await inNetwork(command, streams, 'driver', async (session) => {
        const contract = await session.contractAt('Operator', operator);
        const juels = amount === undefined ? ((await call(contract, 'withdrawable')) as bigint) : amountOf(amount, 18);
        const to = options.to ?? session.account;
        const shown = `${formatEther(juels)} LINK`;
        const done = await transact(session, `withdraw ${shown}`, contract, 'withdraw', to, juels);
        if (done) session.output.result({ operator, to, juels }, () => `${shown} went to ${to}.`);
      });
    });
}
