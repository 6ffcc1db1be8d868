import { spawnSync } from 'node:child_process';

/** Before any test file: a Redis to start. */
export default function needRedis() {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    throw new Error('redis-server is missing: `npm test` installs it or says how');
  }
}
