import { ADAPTER_SETTINGS } from '../adapter/settings.ts';
import { DevsenError } from '../core/errors.ts';
import { JOB_NODE_SETTINGS } from '../jobs/node/settings.ts';
import { readSettings } from '../runtime/settings.ts';
import { backUpOperator } from './backup.ts';

/** `npm run backup -- <folder>`: copies the databases of the operator whose settings these are. */
const [folder, ...rest] = process.argv.slice(2);
try {
  if (folder === undefined || rest.length > 0) {
    throw new DevsenError('INPUT_INVALID', 'usage: npm run backup -- <folder>');
  }
  const { ADAPTER_DATABASE, JOBS_DATABASE } = readSettings(
    { ADAPTER_DATABASE: ADAPTER_SETTINGS.ADAPTER_DATABASE, JOBS_DATABASE: JOB_NODE_SETTINGS.JOBS_DATABASE },
    process.env,
  );
  for (const copy of await backUpOperator([ADAPTER_DATABASE, JOBS_DATABASE], folder, Date.now())) {
    process.stdout.write(`${copy}\n`);
  }
} catch (error) {
  if (!(error instanceof DevsenError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.code === 'INPUT_INVALID' ? 2 : 1;
}
