import type { Command } from 'commander';
import { ZeroAddress } from 'ethers';
import { USER_STATES } from '../../core/abi.ts';
import { DevsenError } from '../../core/errors.ts';
import { call } from '../contracts.ts';
import { ROLES } from '../provision.ts';
import { commitmentOf } from './card.ts';
import { table } from './output.ts';
import { inNetwork, type Session, type Streams } from './session.ts';
import { transact } from './tx.ts';
import { address, timeText, whole } from './values.ts';

const PAGE = 100;
type RoleName = keyof typeof ROLES;

/** `devsen users`: who may act, and their RFID cards. */
export function addUserCommands(program: Command, streams: Streams): void {
  const users = program.command('users').description('who may act in the network, and their RFID cards');

  users
    .command('list')
    .description('users by role')
    .argument('[role]', roleNames(), parseRole)
    .action(async (role: RoleName | undefined, _options, command: Command) => {
      await inNetwork(command, streams, 'reader', (session) => listUsers(session, role));
    });

  users
    .command('show')
    .description('one user')
    .argument('<account>', 'address', address)
    .action(async (account: string, _options, command: Command) => {
      await inNetwork(command, streams, 'reader', async (session) => {
        const user = await readUser(session, account);
        session.output.result(user, () => describe(user));
      });
    });

  users
    .command('set')
    .description('gives a user these roles, and no others (admin or registrar)')
    .argument('<account>', 'address', address)
    .argument('<roles...>', `one or more of ${roleNames()}; or none`)
    .option('--expires <unix seconds>', 'until when; 0 for ever', whole(0, 2 ** 40), 0)
    .option('--block', 'blocked from now on', false)
    .action(async (account: string, roles: string[], options, command: Command) => {
      const bits = roles[0] === 'none' ? 0n : roles.reduce((sum, role) => sum | ROLES[parseRole(role)], 0n);
      await inNetwork(command, streams, 'admin', async (session) => {
        const contract = await session.contract('UserDEVSEN');
        const { expires, block } = options as { expires: number; block: boolean };
        const done = await transact(
          session,
          `set the roles of ${account}`,
          contract,
          'setUser',
          account,
          bits,
          expires,
          block,
        );
        if (done === undefined) return;
        const user = await readUser(session, account);
        session.output.result(user, () => describe(user));
      });
    });

  const cards = users.command('card').description('RFID cards: the chain holds a commitment, never the idTag');
  cards
    .command('add')
    .description(
      'gives a card to a user (admin or registrar); a local network knows its pepper, elsewhere IDTAG_PEPPER',
    )
    .argument('<idTag or commitment>', 'the idTag as the charger reads it, or 0x and 64 hex digits')
    .argument('<account>', 'address', address)
    .action(async (card: string, account: string, _options, command: Command) => {
      await inNetwork(command, streams, 'admin', async (session) => {
        const commitment = commitmentOf(session, streams, card);
        const contract = await session.contract('UserDEVSEN');
        const done = await transact(session, `give the card to ${account}`, contract, 'setIdTag', commitment, account);
        if (done) session.output.result({ commitment, account }, () => `The card ${commitment} is that of ${account}.`);
      });
    });
  cards
    .command('revoke')
    .description('takes a card out of use: whoever has it, or admin or registrar')
    .argument('<idTag or commitment>', 'as for add')
    .action(async (card: string, _options, command: Command) => {
      await inNetwork(command, streams, 'admin', async (session) => {
        const commitment = commitmentOf(session, streams, card);
        const contract = await session.contract('UserDEVSEN');
        const [, user] = (await call(contract, 'idTagState', commitment)) as [bigint, string];
        const done =
          user === session.account
            ? await transact(session, 'revoke your card', contract, 'revokeIdTag', commitment)
            : await transact(session, 'revoke the card', contract, 'setIdTag', commitment, ZeroAddress);
        if (done) session.output.result({ commitment }, () => `The card ${commitment} is in use no longer.`);
      });
    });
  cards
    .command('show')
    .description('whose card it is, and whether it may be used')
    .argument('<idTag or commitment>', 'as for add')
    .action(async (card: string, _options, command: Command) => {
      await inNetwork(command, streams, 'reader', async (session) => {
        const commitment = commitmentOf(session, streams, card);
        const [state, user] = (await call(await session.contract('UserDEVSEN'), 'idTagState', commitment)) as [
          bigint,
          string,
        ];
        if (user === ZeroAddress) throw new DevsenError('NOT_FOUND', 'nobody has this card');
        const shown = { commitment, user, state: stateName(state) };
        session.output.result(shown, () => `The card of ${user}, who is ${shown.state}.`);
      });
    });
}

async function listUsers(session: Session, only: RoleName | undefined): Promise<void> {
  const contract = await session.contract('UserDEVSEN');
  const accounts = new Set<string>();
  for (const role of only === undefined ? (Object.keys(ROLES) as RoleName[]) : [only]) {
    const total = Number(await call(contract, 'countByRole', ROLES[role]));
    for (let offset = 0; offset < total; offset += PAGE) {
      for (const account of (await call(contract, 'usersByRole', ROLES[role], offset, PAGE)) as string[])
        accounts.add(account);
    }
  }
  const users = await Promise.all([...accounts].map((account) => readUser(session, account)));
  session.output.result(users, () => {
    const rows = users.map((user) => [user.account, user.roles.join(', '), user.state, expiryText(user.expiresAtSec)]);
    return table(['account', 'roles', 'state', 'until'], rows, 'No users.');
  });
}

interface User {
  account: string;
  roles: string[];
  state: string;
  /** Unix seconds; 0 for ever. */
  expiresAtSec: number;
}

async function readUser(session: Session, account: string): Promise<User> {
  const contract = await session.contract('UserDEVSEN');
  const [[roles, expiresAt], state] = (await Promise.all([
    call(contract, 'userOf', account),
    call(contract, 'userState', account),
  ])) as [[bigint, bigint, boolean], bigint];
  const names = Object.entries(ROLES).flatMap(([name, bit]) => ((roles & bit) === 0n ? [] : [name]));
  return { account, roles: names, state: stateName(state), expiresAtSec: Number(expiresAt) };
}

function describe({ account, roles, state, expiresAtSec }: User): string {
  if (state === 'unknown') return `${account} is unknown`;
  return `${account} is ${state}${roles.length === 0 ? '' : ` as ${roles.join(', ')}`}, ${expiryText(expiresAtSec)}`;
}

function stateName(state: bigint): string {
  return (USER_STATES[Number(state)] ?? 'Unknown').toLowerCase();
}

function expiryText(atSec: number): string {
  return atSec === 0 ? 'for ever' : `until ${timeText(atSec)}`;
}

function roleNames(): string {
  return Object.keys(ROLES).join(', ');
}

function parseRole(text: string): RoleName {
  if (Object.hasOwn(ROLES, text)) return text as RoleName;
  throw new DevsenError('INPUT_INVALID', `'${text}' is no role: expected ${roleNames()}`);
}
