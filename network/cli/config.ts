import type { Command } from 'commander';
import { controlEnd, mustBeDone, valuesIn } from './control.ts';
import { facts } from './output.ts';
import { inNetwork, type Streams } from './session.ts';
import { transact } from './tx.ts';

/** `devsen config`: a charger's configuration through the chain, for everybody to see. */
export function addConfigCommands(program: Command, streams: Streams): void {
  const config = program
    .command('config')
    .description("a charger's configuration, read and changed through the oracles: public, and paid in LINK");

  config
    .command('get')
    .description('values of configuration keys; of OCPP 2.x as Component.Variable')
    .argument('<identity>', "the charger's OCPP identity")
    .argument('<keys...>', 'one or more')
    .action(async (identity: string, keys: string[], _options, command: Command) => {
      await inNetwork(command, streams, 'manager', async (session) => {
        const { contract } = await session.device(identity);
        const receipt = await transact(
          session,
          `ask ${identity} for its configuration`,
          contract,
          'getConfiguration',
          keys,
        );
        if (receipt === undefined) return;
        const end = await controlEnd(contract, receipt);
        mustBeDone(end);
        const values = valuesIn(end.answer);
        const rows = keys.map((key, i) => [key, values[i] ?? ''] as const);
        session.output.result({ ...end, values: Object.fromEntries(rows) }, () => facts(rows));
      });
    });

  config
    .command('set')
    .description('changes one configuration key; never a secret, for the chain is public')
    .argument('<identity>', "the charger's OCPP identity")
    .argument('<key>', 'of OCPP 2.x as Component.Variable')
    .argument('<value>', 'its new value')
    .action(async (identity: string, key: string, value: string, _options, command: Command) => {
      await inNetwork(command, streams, 'manager', async (session) => {
        const { contract } = await session.device(identity);
        const receipt = await transact(session, `set ${key} of ${identity}`, contract, 'setConfiguration', key, value);
        if (receipt === undefined) return;
        const end = await controlEnd(contract, receipt);
        mustBeDone(end);
        session.output.result(end, () => `${identity} has ${key} = ${value}.`);
      });
    });
}
