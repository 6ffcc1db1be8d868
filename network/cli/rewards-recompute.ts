import type { Command } from 'commander';
import { DevsenError } from '../../core/errors.ts';
import { type Difference, findDifferences } from '../rewards/epoch-check.ts';
import { type EpochHistory, POTS } from '../rewards/epoch-history.ts';
import { type EpochSums, sumEpoch } from '../rewards/epoch-sums.ts';
import { type EpochPlace, readFigures, readHistory, readTerms } from '../rewards/read-epoch.ts';
import { table } from './output.ts';
import { inNetwork, type Session, type Streams } from './session.ts';
import { tokenAt } from './tokens.ts';
import { amountText, whole } from './values.ts';

const MOST_EPOCHS = 2 ** 40;

/** `devsen rewards recompute`: an epoch worked out anew from the chain's logs. */
export function addRecomputeCommand(rewards: Command, streams: Streams): void {
  rewards
    .command('recompute')
    .description("works an epoch out anew from the chain's logs, and compares what the contract says and paid")
    .argument('<epoch>', 'its number', whole(0, MOST_EPOCHS))
    .action(async (epoch: number, _options, command: Command) => {
      await inNetwork(command, streams, 'reader', (session) => recompute(session, epoch));
    });
}

/** @throws DevsenError `CONFLICT` if a figure is not what follows from the logs */
async function recompute(session: Session, epoch: number): Promise<void> {
  const { provider, output } = session;
  const [rewards, payment, oracle] = await Promise.all([
    session.contract('RewardsDEVSEN'),
    session.contract('PaymentDEVSEN'),
    session.contract('OracleDEVSEN'),
  ]);
  const { address, symbol, decimals } = await tokenAt(session, String(await rewards.getFunction('token').staticCall()));
  const token = await session.contractAt('TokenDEVSEN', address);
  const head = await provider.getBlockNumber();
  const place: EpochPlace = { provider, contracts: { rewards, payment, oracle, token }, epoch, head };
  output.progress(`reading the logs up to block ${head} …`);
  const terms = await readTerms(place);
  const history = await readHistory(place, terms);
  const sums = sumEpoch(history, terms);
  const differences = findDifferences(history, sums, await readFigures(place, sums, history));
  const { budgets, weights, granted, counted, uncounted, ...earners } = sums;
  const shown = {
    epoch,
    block: head,
    token: address,
    isClosed: history.closed !== undefined,
    counted: counted.length,
    uncounted: uncounted.map(({ key, device, fee }) => ({ key, device, fee })),
    pots: POTS.map((name, pot) => ({ name, budget: budgets[pot], weight: weights[pot], granted: granted[pot] })),
    ...earners,
    claims: history.claims,
    differences,
  };
  output.result(shown, () =>
    asText(history, sums, differences, (amount) => `${amountText(amount, decimals)} ${symbol}`),
  );
  if (differences.length > 0) {
    const many = differences.length === 1 ? '1 figure is' : `${differences.length} figures are`;
    throw new DevsenError('CONFLICT', `${many} not what the logs say`);
  }
}

function asText(
  history: EpochHistory,
  sums: EpochSums,
  differences: readonly Difference[],
  text: (amount: bigint) => string,
): string {
  const { counted, uncounted, budgets, weights, granted, occupants, owners, chargers } = sums;
  const late = uncounted.length === 0 ? '' : `, ${uncounted.length} more that nobody has brought in`;
  const state = history.closed === undefined ? 'not fixed yet' : 'fixed';
  const account = (role: string) => (one: EpochSums['owners'][number]) => [
    role,
    one.account,
    text(one.fees),
    text(one.earned),
  ];
  return [
    `Epoch ${history.epoch}: ${counted.length} sessions count${late}; its sums are ${state}.`,
    table(
      ['pot', 'budget', 'weights in all', 'pays'],
      POTS.map((name, pot) => [name, ...[budgets, weights, granted].map((each) => text(each[pot as 0]))]),
      '',
    ),
    table(
      ['as', 'who', 'fees', 'earns'],
      [
        ...chargers.map((one) => ['charger', `${one.device} of ${one.owner}`, text(one.fees), text(one.earned)]),
        ...occupants.map(account('occupant')),
        ...owners.map(account('builder')),
      ],
      'Nobody earns anything.',
    ),
    table(
      ['differs', 'by the logs', 'by the contract'],
      differences.map(({ figure, recomputed, contract }) => [figure, recomputed, contract]),
      'Every figure is what the logs say.',
    ),
  ].join('\n');
}
