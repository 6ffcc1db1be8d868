import { Command, CommanderError, Help } from 'commander';
import { DevsenError } from '../../core/errors.ts';
import { LOCAL_DIR } from '../local-state.ts';
import { makePaint } from '../terminal.ts';
import { addChargeCommands } from './charge.ts';
import { addChargerCommands } from './chargers.ts';
import { addCommandCommand } from './command.ts';
import { addConfigCommands } from './config.ts';
import { addDoctorCommand } from './doctor.ts';
import { addFindCommand } from './find.ts';
import { addOperatorCommands } from './operators.ts';
import { addRequestCommands } from './requests.ts';
import { explain } from './reverts.ts';
import { addRewardCommands } from './rewards.ts';
import type { Streams } from './session.ts';
import { addStatusCommand } from './status.ts';
import { addUserCommands } from './users.ts';

/** Exit codes: 0 done, 1 not done and why, 2 called in a wrong way. */
const DONE = 0;
const FAILED = 1;
const MISUSED = 2;

/**
 * Runs one command of `devsen`.
 *
 * @param args - without the program's own name
 * @returns the exit code
 */
export async function runCli(args: readonly string[], streams: Streams): Promise<number> {
  const program = makeProgram(streams);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return DONE;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : MISUSED;
    const paint = makePaint(streams.err as NodeJS.WriteStream);
    streams.err.write(`${paint('bad', 'Failed:')} ${await explain(error)}\n`);
    return error instanceof DevsenError && error.code === 'INPUT_INVALID' ? MISUSED : FAILED;
  }
}

function makeProgram(streams: Streams): Command {
  const program = new Command('devsen')
    .description('The DEVSEN network from the command line: for drivers, managers, operators and admins.')
    .option('--dir <path>', 'folder of the local network (npm start)', LOCAL_DIR)
    .option('--rpc <url>', 'JSON-RPC endpoint of another network; or the variable RPC_URL')
    .option('--oracle <address>', 'its OracleDEVSEN; or ORACLE_ADDRESS')
    .option('--rewards <address>', 'its RewardsDEVSEN, for the commands about rewards; or REWARDS_ADDRESS')
    .option('--gateway <url>', 'where its chargers connect; or GATEWAY_URL')
    .option(
      '--gateway-ca <file>',
      'CAs of its certificate, PEM, for chargers that connect by wss and for commands; or GATEWAY_CA_FILE',
    )
    .option('--adapter <url...>', 'operators to read from; or ADAPTER_URLS, parted by commas')
    .option('--keystore <path>', 'JSON keystore of the account to act as, its password in KEYSTORE_PASSWORD')
    .option('--key-file <path>', 'file with its private key instead; or the key in DEVSEN_KEY')
    .option('--as <who>', 'on a local network: admin, manager, driver, asker or operator-1, operator-2, …')
    .option('--json', 'one line of JSON instead of text', false)
    .option('--dry-run', 'say what a tx would do and cost, and send none', false)
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      sortSubcommands: false,
      optionDescription: (option) => {
        const text = new Help().optionDescription(option);
        return option.mandatory ? `${text} (needed)` : text;
      },
    })
    .configureOutput({
      writeOut: (text) => void streams.out.write(text),
      writeErr: (text) => void streams.err.write(text),
    });
  for (const add of [
    addFindCommand,
    addStatusCommand,
    addChargeCommands,
    addChargerCommands,
    addConfigCommands,
    addCommandCommand,
    addUserCommands,
    addOperatorCommands,
    addRequestCommands,
    addRewardCommands,
    addDoctorCommand,
  ]) {
    add(program, streams);
  }
  return program;
}
