import { runCli } from './cli.ts';

/** The commands of `npm run jobs`. */
const { exitCode, out, errors } = await runCli(process.argv.slice(2), process.env);
process.stdout.write(out);
process.stderr.write(errors);
process.exitCode = exitCode;
