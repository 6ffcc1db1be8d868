import { readFileSync } from 'node:fs';
import { makeLog } from '../runtime/log.ts';
import { runAsProcess } from '../runtime/process.ts';
import { makeCardPool } from '../simulator/card-pool.ts';
import { startCharger } from '../simulator/charger.ts';
import { wallClock } from '../simulator/clock.ts';
import { BRISK, startTraffic } from '../simulator/traffic.ts';

/** The virtual chargers of a local network, as a process. */
interface ChargersFile {
  gatewayUrl: string;
  /** Cards that drivers present. */
  idTags: string[];
  chargers: { identity: string; key: string; connectors: number }[];
}

const log = makeLog('chargers', 'info');
const { gatewayUrl, idTags, chargers } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ChargersFile;

await runAsProcess(log, async () => {
  const cards = makeCardPool(idTags, Math.random);
  const running = chargers.map(({ identity, key, connectors }) => {
    const charger = startCharger({
      url: gatewayUrl,
      identity,
      key: Buffer.from(key, 'hex'),
      connectors,
      meterIntervalMs: 10_000,
      model: { serialNumber: identity.slice(0, 25) },
      watch: (happening) => {
        if (happening.kind === 'acknowledged' && happening.message.kind === 'status') {
          const { connector, status, errorCode } = happening.message;
          if (connector > 0) log.info({ chargerId: identity, connector, status, errorCode }, 'status acknowledged');
        } else if (happening.kind === 'connected') {
          log.info({ chargerId: identity }, 'connected');
        } else if (happening.kind === 'disconnected') {
          log.info({ chargerId: identity }, 'disconnected');
        } else if (happening.kind === 'refused') {
          log.warn({ chargerId: identity, why: happening.why }, 'refused');
        }
      },
    });
    const traffic = startTraffic(charger, connectors, cards, BRISK, wallClock, Math.random);
    return { charger, traffic };
  });
  return {
    close: async () => {
      for (const { traffic } of running) traffic.close();
      await Promise.all(running.map(({ charger }) => charger.close()));
    },
  };
});
