import { DevsenError } from '../../core/errors.ts';
import { STATUS } from '../../core/status.ts';
import { askStatus, type Reply } from '../consumer.ts';
import { signerOf } from '../one-by-one.ts';
import { must, mustDo, mustEqual } from './check.ts';
import { LIMIT_MS, type Stage } from './stage.ts';

/** A contract that is not the charger's asks about it, and is told what the charger is, by all operators alike. */
export async function playAsking(stage: Stage): Promise<Reply> {
  const { network, people } = stage;
  const { state, provider } = network;
  const identity = 'CP-ASK';
  const charger = await stage.charger(identity);
  mustDo(charger.act(1, { kind: 'fault', errorCode: 'OverVoltage' }));
  await charger.settled();
  await stage.nextSecond();
  const reply = await askStatus({
    provider,
    signer: signerOf(people.asker.key, provider),
    consumer: state.addresses.consumer,
    oracle: state.addresses.oracle,
    identity,
    connector: 1,
    answerLimitMs: LIMIT_MS,
    stragglerLimitMs: LIMIT_MS,
    operators: state.operators.length,
  });
  const { request, held } = reply;
  if (held === undefined) throw new DevsenError('CONFLICT', 'the contract holds no status');
  mustEqual('how the question ended', request.outcome, 'answered');
  mustEqual('what the contract was told', [held.status, held.online], [STATUS.Faulted, true]);
  const agreeing = request.observations.filter(({ answer }) => answer === request.answer);
  must('all operators gave the agreed answer', agreeing.length === state.operators.length);
  return reply;
}
