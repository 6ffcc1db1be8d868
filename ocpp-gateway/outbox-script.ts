/**
 * The Lua script that writes a batch: one round trip, all or nothing, and only if the head is the expected one and the
 * lease goes on.
 *
 * The batch is kept once, and each operator's job names it: a copy for each would be what most of Redis' time, disk and
 * memory goes to. No worker can see a job before the script is through.
 *
 * - KEYS: the head, the lease, the batch, then for each operator the keys of BullMQ's script
 * - ARGV: the head before ('' for none), the head after, what the lease must hold, what the next lease is to hold, its
 *   life in ms, the jobs' options, the jobs' data, the name of the batch's own field and what it holds, then for each
 *   operator its field in the batch and its job
 * - returns the head as it stands, and what went wrong with the first queue that did not take the job ('' if none)
 *
 * The head is written first: a Redis that is full refuses that, before anything is done. And should a queue be damaged,
 * the batch's number is taken for good: to sign it again with other contents would convict the gateway.
 *
 * @param addJob - BullMQ's own script, in Lua; here the body of a function, so that its KEYS and ARGV are arguments
 * @param jobKeys - how many keys it takes
 */
export function writeScript(addJob: string, jobKeys: number): string {
  return `
local function add(KEYS, ARGV)
${addJob}
end
local found = redis.call('GET', KEYS[1]) or ''
if found ~= ARGV[1] or redis.call('GET', KEYS[2]) ~= ARGV[3] then return {found, ''} end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5])
redis.call('HSET', KEYS[3], ARGV[8], ARGV[9])
local problem = ''
for n = 1, (#ARGV - 9) / 2 do
  redis.call('HSET', KEYS[3], ARGV[8 + 2 * n], '')
  local keys = {}
  for k = 1, ${jobKeys} do keys[k] = KEYS[(n - 1) * ${jobKeys} + k + 3] end
  local isAdded, failure = pcall(add, keys, {ARGV[9 + 2 * n], ARGV[7], ARGV[6]})
  if not isAdded and problem == '' then problem = type(failure) == 'table' and failure.err or tostring(failure) end
end
return {ARGV[2], problem}`;
}
