import type { Command } from 'commander';
import { DevsenError } from '../../core/errors.ts';
import { sendCommand } from '../command.ts';
import { controlEnd, mustBeDone } from './control.ts';
import { inNetwork, type Session, type Streams } from './session.ts';
import { transact } from './tx.ts';
import { whole } from './values.ts';

interface CommandOptions {
  valid: number;
  onChain: boolean;
}

/** `devsen command`: has a charger carry out an OCPP message. */
export function addCommandCommand(program: Command, streams: Streams): void {
  program
    .command('command')
    .description('has a charger of yours carry out any OCPP message that a CSMS sends')
    .argument('<identity>', 'its OCPP identity')
    .argument('<action>', 'as Reset, UnlockConnector, TriggerMessage …; see docs/ocpp.md')
    .argument('[payload]', 'JSON, sent as it is', '{}')
    .option('--valid <seconds>', 'how long the signature counts', whole(1, 3_600), 60)
    .option('--on-chain', 'through the oracles: public, and paid in LINK; else by signature, at once', false)
    .action(async (identity: string, action: string, payload: string, options: CommandOptions, command: Command) => {
      await inNetwork(command, streams, 'manager', (session) =>
        carryOut(session, { identity, action, payload, ...options }),
      );
    });
}

interface ToDo extends CommandOptions {
  identity: string;
  action: string;
  payload: string;
}

async function carryOut(session: Session, { identity, action, payload, valid, onChain }: ToDo): Promise<void> {
  if (onChain) {
    const { contract } = await session.device(identity);
    const receipt = await transact(
      session,
      `have ${identity} carry out ${action}`,
      contract,
      'command',
      action,
      payload,
    );
    if (receipt === undefined) return;
    const end = await controlEnd(contract, receipt);
    mustBeDone(end);
    return session.output.result(end, () => `${identity} has carried out ${action}.`);
  }
  const { wallet, network } = session;
  if (wallet === undefined) throw new DevsenError('INPUT_INVALID', 'who acts? A command is signed by the manager');
  if (session.isDryRun) {
    return session.output.result({ dryRun: true, identity, action, payload }, () => {
      return `Would sign ${action} for ${identity} as ${wallet.address}. Nothing was sent.`;
    });
  }
  const place = { gatewayUrl: session.gatewayUrl(), gatewayCa: (await session.gatewayCa())?.pem, network };
  const { status, body } = await sendCommand(place, wallet, { identity, action, payload, validSec: valid });
  if (status !== 200) throw new DevsenError('CONFLICT', `refused (${status}): ${refusalIn(body)}`);
  session.output.result(JSON.parse(body), () => body);
}

function refusalIn(body: string): string {
  try {
    const { code, message, ...more } = (JSON.parse(body) as { error: Record<string, string> }).error;
    const rest = Object.entries(more).map(([name, value]) => `${name} ${value}`);
    return [`${code}: ${message}`, ...rest].join(', ');
  } catch {
    return body.slice(0, 200);
  }
}
