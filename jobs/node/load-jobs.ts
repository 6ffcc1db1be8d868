import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DevsenError } from '../../core/errors.ts';
import { type JobSpec, parseJobSpec } from './spec.ts';

/**
 * Reads every `*.toml` of a folder.
 *
 * @throws DevsenError `JOB_SPEC_INVALID`: one line for each wrong file, with file, line and what was expected
 */
export async function loadJobs(folder: string): Promise<JobSpec[]> {
  let files: string[];
  try {
    files = (await readdir(folder)).filter((name) => name.endsWith('.toml')).sort();
  } catch (error) {
    throw new DevsenError('JOB_SPEC_INVALID', `JOBS_DIR cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  if (files.length === 0) throw new DevsenError('JOB_SPEC_INVALID', 'JOBS_DIR holds no *.toml file');
  const jobs: JobSpec[] = [];
  const wrong: string[] = [];
  for (const file of files) {
    try {
      const job = parseJobSpec(await readFile(join(folder, file), 'utf8'), file);
      const twin = jobs.find((other) => other.id === job.id);
      if (twin) wrong.push(`${file}:1: the same externalJobID and contractAddress as ${twin.file}`);
      jobs.push(job);
    } catch (error) {
      if (!(error instanceof DevsenError)) throw error;
      wrong.push(error.message);
    }
  }
  if (wrong.length > 0) throw new DevsenError('JOB_SPEC_INVALID', wrong.join('\n'));
  return jobs;
}
