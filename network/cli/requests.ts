import type { Command } from 'commander';
import { formatEther } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { QUERIES } from '../../core/queries.ts';
import { call } from '../contracts.ts';
import { REQUEST_TOPICS, type RequestView, takeIn } from '../requests.ts';
import { facts, table } from './output.ts';
import { inNetwork, type Session, type Streams } from './session.ts';
import { transact } from './tx.ts';
import { bytes32, timeText, whole } from './values.ts';

/** Endpoints refuse longer ranges of blocks. */
const RANGE_BLOCKS = 2_000;

/** `devsen requests`: what contracts asked, and what came of it. */
export function addRequestCommands(program: Command, streams: Streams): void {
  const requests = program.command('requests').description('what contracts asked the oracles, and what came of it');

  requests
    .command('list')
    .description('the latest requests')
    .option('--blocks <n>', 'how far back', whole(1, 1_000_000), 5_000)
    .option('--limit <n>', 'how many at most', whole(1, 1_000), 20)
    .action(async ({ blocks, limit }: { blocks: number; limit: number }, command: Command) => {
      await inNetwork(command, streams, 'reader', async (session) => {
        const all = await readRequests(session, blocks);
        const rows = all.slice(-limit).reverse();
        session.output.result(rows, () =>
          table(
            ['request', 'query', 'as of', 'answers', 'outcome'],
            rows.map((row) => [
              row.requestId,
              queryName(row.query),
              timeText(row.asOfSec),
              String(row.observations.length),
              row.outcome,
            ]),
            'No requests.',
          ),
        );
      });
    });

  requests
    .command('show')
    .description('one request, with every answer')
    .argument('<request>', 'its id', bytes32)
    .action(async (requestId: string, _options, command: Command) => {
      await inNetwork(command, streams, 'reader', (session) => show(session, requestId));
    });

  requests
    .command('expire')
    .description('ends a request that too few answered in time: what the silent were offered goes back')
    .argument('<request>', 'its id', bytes32)
    .action(async (requestId: string, _options, command: Command) => {
      await inNetwork(command, streams, 'asker', async (session) => {
        const ledger = await session.contract('OracleDEVSEN');
        const done = await transact(session, 'expire the request', ledger, 'expire', requestId);
        if (done) await show(session, requestId);
      });
    });
}

async function readRequests(session: Session, blocks: number): Promise<RequestView[]> {
  const ledger = await (await session.contract('OracleDEVSEN')).getAddress();
  const head = await session.provider.getBlockNumber();
  const found = new Map<string, RequestView>();
  for (let from = Math.max(0, head - blocks + 1); from <= head; from += RANGE_BLOCKS) {
    const toBlock = Math.min(from + RANGE_BLOCKS - 1, head);
    const logs = await session.provider.getLogs({
      address: ledger,
      topics: [REQUEST_TOPICS],
      fromBlock: from,
      toBlock,
    });
    for (const log of logs) takeIn(found, log, 0);
  }
  return [...found.values()];
}

/** `IOracleConsumer.Outcome`, by its number. */
const OUTCOMES = ['Open', 'Agreed', 'Disputed', 'Expired'];

async function show(session: Session, requestId: string): Promise<void> {
  const ledger = await session.contract('OracleDEVSEN');
  const row = (await call(ledger, 'requestOf', requestId)) as {
    consumer: string;
    operatorSetId: bigint;
    askedAt: bigint;
    outcome: bigint;
    payer: string;
    feeJuels: bigint;
  };
  if (row.askedAt === 0n) throw new DevsenError('NOT_FOUND', 'the ledger has no such request');
  const filter = ledger.filters.Observed?.(requestId);
  const logs = filter === undefined ? [] : await ledger.queryFilter(filter, 0);
  const answers = logs.map((log) => {
    const { args } = log as unknown as { args: { oracle: string; answer: string } };
    return { oracle: args.oracle, answer: args.answer, txHash: log.transactionHash };
  });
  const shown = {
    requestId,
    consumer: row.consumer,
    askedAtSec: Number(row.askedAt),
    operatorSetId: Number(row.operatorSetId),
    outcome: OUTCOMES[Number(row.outcome)] ?? '',
    payer: row.payer,
    feeJuels: row.feeJuels,
    answers,
  };
  session.output.result(shown, () =>
    [
      facts([
        ['request', requestId],
        ['asked by', row.consumer],
        ['asked', timeText(row.askedAt)],
        ['outcome', shown.outcome],
        ['paid by', row.payer],
        ['for each answer', `${formatEther(row.feeJuels)} LINK`],
      ]),
      table(
        ['operator contract', 'tx', 'answer'],
        answers.map((one) => [one.oracle, one.txHash, one.answer]),
        'No answers.',
      ),
    ].join('\n'),
  );
}

function queryName(number: number): string {
  return QUERIES.find((query) => query.number === number)?.name ?? `query ${number}`;
}
