import { CHAIN_READY_BLOCK, hasReachedBlock, isHealthy } from './health.ts';

/**
 * A container's check of its own health: exit code 0 if everything its arguments name is at work, else 1 and which is
 * not. `chain:<url>` is the local chain's JSON-RPC, another URL a part's `/health`; `job-node:<url>` is none of ours where a
 * Chainlink node does that work.
 */
async function isWell(place: string): Promise<boolean> {
  const url = place.replace(/^chain:/, '');
  const look = url === place ? isHealthy(url) : hasReachedBlock(url, CHAIN_READY_BLOCK);
  return (await look.catch(() => undefined)) === true;
}

const isOurs = (place: string) => process.env.JOB_NODE !== 'chainlink' || !place.startsWith('job-node:');
const places = process.argv
  .slice(2)
  .filter(isOurs)
  .map((place) => place.replace(/^job-node:/, ''));
const answers = await Promise.all(places.map(isWell));
const ill = places.filter((_, n) => !answers[n]);
if (ill.length > 0) process.stderr.write(`not at work: ${ill.join(', ')}\n`);
process.exitCode = places.length > 0 && ill.length === 0 ? 0 : 1;
