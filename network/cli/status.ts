import type { Command } from 'commander';
import type { Contract, ContractTransactionReceipt } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { ERROR_CLASSES, STATUS_NAMES } from '../../core/status.ts';
import { until } from '../deadline.ts';
import { agreementOnStatus } from './agreement.ts';
import { facts } from './output.ts';
import { inNetwork, type Session, type Streams } from './session.ts';
import { transact } from './tx.ts';
import { timeText, whole } from './values.ts';

/** A request lives five minutes. */
const ANSWER_LIMIT_MS = 330_000;

/** `devsen status`: how a connector is, asked of the operators now, for everybody to see on chain. */
export function addStatusCommand(program: Command, streams: Streams): void {
  program
    .command('status')
    .description(
      'asks the operators how a connector is, and waits; what they agree on is what find finds. Paid in LINK',
    )
    .argument('<identity>', "the charger's OCPP identity")
    .argument('[connector]', 'from 1; 0 is the charger as a whole', whole(0, 65_535), 1)
    .action(async (identity: string, connector: number, _options, command: Command) => {
      await inNetwork(command, streams, 'driver', (session) => askStatus(session, identity, connector));
    });
}

/** @throws DevsenError `CONFLICT` if the operators do not agree, or too few of them answer in time */
async function askStatus(session: Session, identity: string, connector: number): Promise<void> {
  const { contract } = await session.device(identity);
  const what = `ask how ${identity}/${connector} is`;
  const receipt = await transact(session, what, contract, 'requestStatus', connector);
  if (receipt === undefined) return;
  const end = await statusEnd(contract, receipt);
  if (end === undefined) throw new DevsenError('CONFLICT', 'the operators did not agree on it in time');
  const agreement = await agreementOnStatus(session, contract, connector);
  const shown = {
    identity,
    connector,
    status: STATUS_NAMES[Number(end.status)] ?? 'Unknown',
    error: ERROR_CLASSES[Number(end.errorClass)] ?? 'NoError',
    isOnline: end.online,
    observedAtSec: Number(end.observedAt),
    askedAtSec: Number(end.askedAt),
    ...agreement,
  };
  session.output.result(shown, () =>
    facts([
      ['connector', `${identity}/${connector}`],
      ['status', shown.error === 'NoError' ? shown.status : `${shown.status} (${shown.error})`],
      ['online', shown.isOnline ? 'yes' : 'no'],
      ['last known', timeText(shown.observedAtSec)],
      ['as of', timeText(shown.askedAtSec)],
      ['say so', `${agreement?.agreeing ?? 0} of ${agreement?.asked ?? 0} operators so far`],
    ]),
  );
}

interface AgreedStatus {
  status: bigint;
  errorClass: bigint;
  online: boolean;
  observedAt: bigint;
  askedAt: bigint;
}

/** What the operators agree on about the request of a tx; undefined if they do not. */
async function statusEnd(device: Contract, receipt: ContractTransactionReceipt): Promise<AgreedStatus | undefined> {
  const asked = receipt.logs
    .flatMap((log) => device.interface.parseLog(log) ?? [])
    .find(({ name }) => name === 'StatusRequested');
  if (asked === undefined) throw new DevsenError('INTERNAL', 'the charger logged no request');
  const { requestId } = asked.args as unknown as { requestId: string };
  const logOf = async (event: string) => {
    const [log] = await device.queryFilter(device.getEvent(event)(requestId), receipt.blockNumber);
    return log as unknown as { args: { status: AgreedStatus } } | undefined;
  };
  const end = await until('the operators to agree', ANSWER_LIMIT_MS, async () => {
    const agreed = await logOf('StatusAgreed');
    if (agreed !== undefined) return { agreed: agreed.args.status };
    return (await logOf('StatusNotAgreed')) === undefined ? undefined : { agreed: undefined };
  });
  return end.agreed;
}
