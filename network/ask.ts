import { parseArgs } from 'node:util';
import { DevsenError } from '../core/errors.ts';
import { openProvider } from '../runtime/chain.ts';
import { describeStatus } from './account.ts';
import { askStatus, type Reply } from './consumer.ts';
import { failWith } from './failing.ts';
import { LOCAL_DIR, type NetworkState, readRunningNetwork } from './local-state.ts';
import { signerOf } from './one-by-one.ts';
import { readAnswer } from './request-account.ts';
import { makeTerminal, type Terminal } from './terminal.ts';

const USAGE = `Asks on chain for the status of a charger's connector and prints the agreed answer with each operator's.

  npm run ask -- <identity> [connector]     connector 1 if not given; 0 is the charger as a whole

  --dir <path>    where the network was started from (${LOCAL_DIR})
  --json          one line of JSON instead of text
`;

const ANSWER_LIMIT_MS = 90_000;
const STRAGGLER_LIMIT_MS = 8_000;

async function ask(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      dir: { type: 'string', default: LOCAL_DIR },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [identity, connectorText = '1'] = positionals;
  if (values.help) return void process.stdout.write(USAGE);
  if (identity === undefined) throw new DevsenError('INPUT_INVALID', `which charger?\n\n${USAGE}`);
  const connector = Number(connectorText);
  if (!/^\d{1,5}$/.test(connectorText) || connector > 65_535) {
    throw new DevsenError('INPUT_INVALID', 'a connector is a whole number from 0 to 65535');
  }
  const { state, keys } = await readRunningNetwork(values.dir);
  const provider = await openProvider({ rpcUrl: state.rpcUrl, pollingIntervalMs: 100 });
  const terminal = makeTerminal(process.stdout);
  try {
    const reply = await askStatus({
      provider,
      signer: signerOf(keys.asker, provider),
      consumer: state.addresses.consumer,
      oracle: state.addresses.oracle,
      identity,
      connector,
      answerLimitMs: ANSWER_LIMIT_MS,
      stragglerLimitMs: STRAGGLER_LIMIT_MS,
      operators: state.operators.length,
      onAsked: (requestId) => {
        if (!values.json) terminal.print(`Asked ${state.operators.length} operators, request ${requestId}`);
      },
    });
    if (values.json) terminal.print(JSON.stringify(asJson(reply, state, identity, connector)));
    else printReply(reply, state, `${identity}/${connector}`, terminal);
    process.exitCode = reply.request.outcome === 'answered' ? 0 : 1;
  } finally {
    provider.destroy();
  }
}

function printReply(reply: Reply, state: NetworkState, place: string, { print, paint }: Terminal): void {
  const { request } = reply;
  for (const { name, oracle } of state.operators) {
    const given = request.observations.find((observation) => observation.oracle === oracle);
    const isOther = given !== undefined && request.answer !== undefined && given.answer !== request.answer;
    if (!given) print(`  ${name}  ${paint('warn', 'has not answered')}`);
    else print(`  ${name}  ${readAnswer(given.answer)}${isOther ? paint('bad', '  (not what was agreed)') : ''}`);
  }
  if (!reply.status) {
    print(`${paint('bad', 'Not agreed')}: the request is ${request.outcome}`);
    return;
  }
  const took = paint('faint', `${(reply.tookMs / 1000).toFixed(1)} s`);
  print(`${paint('good', 'Agreed')}: ${place} is ${paint('strong', describeStatus(reply.status))} ${took}`);
}

function asJson(reply: Reply, state: NetworkState, identity: string, connector: number) {
  const { request } = reply;
  return {
    identity,
    connector,
    requestId: request.requestId,
    outcome: request.outcome,
    asOfSec: request.asOfSec,
    agreed: reply.status ? { ...reply.status, text: describeStatus(reply.status) } : null,
    held: reply.held ?? null,
    tookMs: Math.round(reply.tookMs),
    operators: state.operators.map(({ name, account, oracle }) => {
      const given = request.observations.find((observation) => observation.oracle === oracle);
      return {
        name,
        account,
        answer: given?.answer ?? null,
        text: given ? readAnswer(given.answer) : null,
        isAgreed: given !== undefined && given.answer === request.answer,
      };
    }),
  };
}

await ask().catch(failWith);
