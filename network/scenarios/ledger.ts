import { type Contract, Interface, type InterfaceAbi, type Log, ZeroAddress } from 'ethers';
import { readArtifact } from '../artifacts.ts';
import { call } from '../contracts.ts';
import { accountOf } from '../local-setup.ts';
import { must, mustEqual } from './check.ts';
import type { Token } from './people.ts';
import type { Stage } from './stage.ts';

/** Who holds tokens beside people. */
const LOCKED = 'locked for sessions';
const UNMINTED = 'not minted yet';

/** What one party holds of one token, base units, wherever it lies: in its account, in the vault, at the ledger. */
export interface Line {
  party: string;
  token: string;
  decimals: number;
  before: bigint;
  after: bigint;
  /** Each tx that changed it, in order; they sum up to the difference. */
  movements: Movement[];
}

/** By how much a tx changed a line, base units. */
export interface Movement {
  txHash: string;
  amount: bigint;
}

/** What everybody holds of every token: by token, then by party. */
export type Balances = Map<string, Map<string, bigint>>;

interface Book {
  stage: Stage;
  tokens: Token[];
  link: Token;
  /** Parties by their address, lower case: people, and contracts that hold something. */
  parties: Map<string, string>;
  treasury: string;
  payment: Contract;
  ledger: Contract;
}

/** A ledger of all tokens of a stage, from now on. @returns makes the lines, once everything has been played */
export async function openLedger(stage: Stage): Promise<{ close: () => Promise<Line[]> }> {
  const book = await openBook(stage);
  const before = await readBalances(book);
  const fromBlock = (await stage.network.provider.getBlockNumber()) + 1;
  return {
    close: async () => {
      const after = await readBalances(book);
      const movements = await readMovements(book, fromBlock);
      const lines = [...book.tokens, book.link].flatMap((token) => linesOf(token, before, after, movements));
      checkLines(lines);
      return lines;
    },
  };
}

async function openBook(stage: Stage): Promise<Book> {
  const { network, people, tokens } = stage;
  const { addresses, operators } = network.state;
  const payment = await stage.contract('PaymentDEVSEN', addresses.payment);
  const ledger = await stage.contract('OracleDEVSEN', addresses.oracle);
  const parties = new Map(Object.values(people).map(({ account, name }) => [account.toLowerCase(), name]));
  for (const [n, { name, oracle }] of operators.entries()) {
    parties.set(oracle, name);
    // Pays for the questions that operators ask by themselves.
    parties.set(accountOf(network.keys.operators[n]?.node ?? ''), `${name}’s node`);
  }
  parties.set(addresses.consumer, 'example contract');
  parties.set(addresses.rewards, 'rewards');
  const link = { symbol: 'LINK', decimals: 18, address: addresses.link };
  const treasury = String(await call(payment, 'treasury')).toLowerCase();
  return { stage, tokens: [tokens.own, tokens.euro], link, parties, treasury, payment, ledger };
}

async function readBalances({ stage, tokens, link, parties, payment, ledger }: Book): Promise<Balances> {
  const balances: Balances = new Map();
  for (const token of [...tokens, link]) {
    const isLink = token === link;
    const contract = await stage.contract(token === tokens[0] ? 'TokenDEVSEN' : 'BurnMintERC677', token.address);
    const held = new Map<string, bigint>();
    let inside = 0n;
    for (const [address, party] of parties) {
      const within = (await (isLink
        ? call(ledger, 'accountJuels', address)
        : call(payment, 'freeOf', token.address, address))) as bigint;
      held.set(party, ((await call(contract, 'balanceOf', address)) as bigint) + within);
      inside += within;
    }
    const holder = isLink ? ledger : payment;
    const atHolder = (await call(contract, 'balanceOf', await holder.getAddress())) as bigint;
    if (isLink) mustEqual('LINK at the ledger is that of its accounts', atHolder, inside);
    else held.set(LOCKED, atHolder - inside);
    if (token === tokens[0]) {
      const [cap, supply] = (await Promise.all([call(contract, 'cap'), call(contract, 'totalSupply')])) as bigint[];
      held.set(UNMINTED, (cap as bigint) - (supply as bigint));
    }
    balances.set(token.symbol, held);
  }
  return balances;
}

/** Arguments of the vault's events, as far as one has them. */
interface VaultEvent extends Record<'amount' | 'toPayee' | 'fee' | 'refunded', bigint> {
  key: string;
  token: string;
  account: string;
  occupant: string;
  payee: string;
}

type Found = { token: string; party: string } & Movement;

/** Every change of every line since a block, from the logs of the tokens, the vault and the ledger. */
async function readMovements(book: Book, fromBlock: number): Promise<Found[]> {
  const { stage, tokens, link, parties } = book;
  const { provider, state } = stage.network;
  const { payment: vault, oracle } = state.addresses;
  const [ofToken, ofVault, ofLedger] = await Promise.all(
    (['TokenDEVSEN', 'PaymentDEVSEN', 'OracleDEVSEN'] as const).map(
      async (name) => new Interface((await readArtifact(name)).abi as InterfaceAbi),
    ),
  );
  const symbols = new Map([...tokens, link].map(({ address, symbol }) => [address.toLowerCase(), symbol]));
  const logs = await provider.getLogs({ address: [...symbols.keys(), vault, oracle], fromBlock, toBlock: 'latest' });
  const found: Found[] = [];
  const move = (log: Log, token: string, party: string | undefined, amount: bigint) => {
    if (party !== undefined && amount !== 0n) found.push({ token, party, amount, txHash: log.transactionHash });
  };
  const who = (address: unknown) => parties.get(String(address).toLowerCase());
  const sessions = new Map<string, { token: string; occupant: string }>();
  const payers = await readPayers(book, logs, ofLedger as Interface);

  for (const log of logs) {
    const symbol = symbols.get(log.address.toLowerCase());
    if (symbol !== undefined) {
      const parsed = ofToken?.parseLog(log);
      if (parsed?.name !== 'Transfer') continue;
      const [from, to, amount] = parsed.args as unknown as [string, string, bigint];
      move(log, symbol, from === ZeroAddress ? UNMINTED : who(from), -amount);
      move(log, symbol, who(to), amount);
      // What leaves or reaches the ledger is that of whoever paid for the request; what funds an account, its owner's.
      if (symbol === link.symbol && from.toLowerCase() === oracle)
        move(log, symbol, payers.get(log.transactionHash), -amount);
      if (symbol === link.symbol && to.toLowerCase() === oracle)
        move(log, symbol, payers.get(log.transactionHash), amount);
      continue;
    }
    if (log.address.toLowerCase() !== vault) continue;
    const parsed = ofVault?.parseLog(log);
    if (parsed === null || parsed === undefined) continue;
    const args = parsed.args as unknown as VaultEvent;
    const symbolOf = (token: unknown) => symbols.get(String(token).toLowerCase()) ?? '';
    if (parsed.name === 'Deposited') move(log, symbolOf(args.token), who(args.account), args.amount);
    if (parsed.name === 'Withdrawn') move(log, symbolOf(args.token), who(args.account), -args.amount);
    if (parsed.name === 'Locked') {
      const session = { token: symbolOf(args.token), occupant: String(args.occupant) };
      sessions.set(args.key, session);
      move(log, session.token, who(session.occupant), -args.amount);
      move(log, session.token, LOCKED, args.amount);
    }
    const session = sessions.get(args.key);
    if (session === undefined) continue;
    if (parsed.name === 'Settled') {
      move(log, session.token, who(args.payee), args.toPayee);
      move(log, session.token, who(book.treasury), args.fee);
      move(log, session.token, who(session.occupant), args.refunded);
      move(log, session.token, LOCKED, -(args.toPayee + args.fee + args.refunded));
    }
    if (parsed.name === 'Refunded' || parsed.name === 'Expired') {
      move(log, session.token, who(session.occupant), args.amount);
      move(log, session.token, LOCKED, -args.amount);
    }
  }
  return found;
}

/** Whose LINK a tx of the ledger moves, by the tx: who pays for the request, or whose account is funded or drawn from. */
async function readPayers(
  { ledger, parties }: Book,
  logs: readonly Log[],
  abi: Interface,
): Promise<Map<string, string>> {
  const payers = new Map<string, string>();
  const address = (await ledger.getAddress()).toLowerCase();
  for (const log of logs) {
    if (log.address.toLowerCase() !== address) continue;
    const parsed = abi.parseLog(log);
    if (parsed === null) continue;
    const isOfRequest = ['Requested', 'Expired', 'Reclaimed'].includes(parsed.name);
    if (!isOfRequest && parsed.name !== 'Funded' && parsed.name !== 'Withdrawn') continue;
    const owner = isOfRequest
      ? ((await call(ledger, 'requestOf', parsed.args.requestId)) as { payer: string }).payer
      : parsed.args.owner;
    const party = parties.get(String(owner).toLowerCase());
    if (party !== undefined) payers.set(log.transactionHash, party);
  }
  return payers;
}

function linesOf(token: Token, before: Balances, after: Balances, movements: readonly Found[]): Line[] {
  const [then, now] = [before.get(token.symbol), after.get(token.symbol)];
  return [...(now ?? new Map<string, bigint>())].map(([party, held]) => ({
    party,
    token: token.symbol,
    decimals: token.decimals,
    before: then?.get(party) ?? 0n,
    after: held,
    movements: movements
      .filter((one) => one.token === token.symbol && one.party === party)
      .map(({ txHash, amount }) => ({ txHash, amount })),
  }));
}

/** @throws DevsenError `CONFLICT` if a line is not the sum of its txs, a token's sum changed, or something is still locked */
function checkLines(lines: readonly Line[]): void {
  for (const { party, token, before, after, movements } of lines) {
    const moved = movements.reduce((sum, { amount }) => sum + amount, 0n);
    mustEqual(`txs that moved the ${token} of ${party}`, moved, after - before);
    if (party === LOCKED) mustEqual(`${token} that is still locked`, after, 0n);
  }
  for (const { token, before, after } of sums(lines)) {
    must(`all ${token} is still there`, before === after);
  }
}

/** What everybody together holds, by token. */
export function sums(lines: readonly Line[]): { token: string; decimals: number; before: bigint; after: bigint }[] {
  return [...new Set(lines.map(({ token }) => token))].map((token) => {
    const those = lines.filter((line) => line.token === token);
    const sum = (side: 'before' | 'after') => those.reduce((total, line) => total + line[side], 0n);
    return { token, decimals: those[0]?.decimals ?? 0, before: sum('before'), after: sum('after') };
  });
}
