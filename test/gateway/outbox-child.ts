import { makeConnectionChain } from '../../ocpp-gateway/custody.ts';
import { readyTestOutbox } from './outbox-support.ts';

/** A process of chargers that tells its parent of each event that is confirmed; it ends by being killed. */
const [redisUrl, chargers, epoch] = process.argv.slice(2);
const outbox = await readyTestOutbox(String(redisUrl));

async function charger(number: number): Promise<never> {
  const chain = makeConnectionChain(`CP-${number}`, Number(epoch));
  for (;;) {
    const name = `${chain.charger} ${chain.epoch} ${chain.seq}`;
    await outbox.append(chain, 'call', '[3]', `[2,"${name}"]`);
    process.send?.(name);
  }
}

await Promise.all(Array.from({ length: Number(chargers) }, (_, number) => charger(number)));
