import { computeAddress, hexlify, id, ZeroHash } from 'ethers';
import { authorizationKeyHash, deviceIdOf } from '../core/identity.ts';
import { makeChargerDirectory } from '../ocpp-gateway/charger-directory.ts';
import { startGateway } from '../ocpp-gateway/gateway.ts';
import { makeIdTagDirectory } from '../ocpp-gateway/id-tag-directory.ts';
import { readGatewaySettings } from '../ocpp-gateway/settings.ts';
import { makeLog } from '../runtime/log.ts';
import type { RegistrySnapshot } from '../runtime/registry.ts';
import { reportServer } from './gateway-server.ts';
import { benchCharger } from './gateway-traffic.ts';

/** The gateway as it is, on a real Redis; only what it would read from the chain comes from memory. */
const [redisUrl, chargers, operators, number] = process.argv.slice(2);
const privateKey = Buffer.from(id(`bench gateway ${number}`).slice(2), 'hex');
const account = `0x${'ab'.repeat(19)}0${number}`;
const oracle = `0x${'cd'.repeat(20)}`;
const pepper = Buffer.alloc(16, 1);
const log = makeLog('gateway', 'warn');

const snapshot: RegistrySnapshot = {
  network: `31337:${oracle}`,
  users: oracle,
  factory: oracle,
  link: oracle,
  operators: Array.from({ length: Number(operators) }, (_, n) => ({
    account: `0x${`0${n + 1}`.repeat(20)}`,
    oracle,
    signingKey: oracle,
    active: true,
  })),
  gateways: [{ account, signingKey: computeAddress(hexlify(privateKey)).toLowerCase(), active: true }],
};

const changes: ((snapshot: RegistrySnapshot) => void)[] = [];
/** How many of the operators are registered from now on. */
const register = ({ operators }: Record<string, unknown>) => {
  const present = { ...snapshot, operators: snapshot.operators.slice(0, Number(operators)) };
  for (const changed of changes) changed(present);
};

const keyHashes = new Map(
  Array.from({ length: Number(chargers) }, (_, number) => {
    const { identity, key } = benchCharger(number);
    return [deviceIdOf(identity), authorizationKeyHash(key)];
  }),
);

const gateway = await startGateway(
  {
    ...readGatewaySettings({
      GATEWAY_PORT: '0',
      ALLOW_PLAIN_WS: 'true',
      STATUS_SETTLE_MS: '0',
      MAX_CONNECTS_PER_MIN: '0',
      // One charger of the load stands for many.
      MAX_MESSAGES_PER_SEC: '1000000',
      MAX_BYTES_PER_SEC: '1000000000',
      GATEWAY_ADMIN_PORT: '0',
      REDIS_URL: redisUrl,
      REDIS_DURABILITY: 'refuse',
      RPC_URL: 'http://127.0.0.1:1',
      ORACLE_ADDRESS: oracle,
      GATEWAY_ACCOUNT: account,
      GATEWAY_KEY: privateKey.toString('hex'),
      IDTAG_PEPPER: pepper.toString('hex'),
    }),
    GATEWAY_KEY: privateKey,
  },
  log,
  {
    sources: {
      registry: {
        network: snapshot.network,
        snapshot: () => snapshot,
        operators: () => snapshot.operators,
        gateways: () => snapshot.gateways,
        onChange: (listener) => {
          changes.push(listener);
          return () => {};
        },
        lastReadAtMs: () => Date.now(),
        isFresh: () => true,
        close: async () => {},
      },
      chargers: makeChargerDirectory({
        read: async (deviceId) => ({
          device: oracle,
          authorizationKeyHash: keyHashes.get(deviceId) ?? ZeroHash,
          certificateFingerprint: ZeroHash,
        }),
        save: async () => {},
        onChanged: () => {},
        saved: new Map(),
        log,
        now: Date.now,
      }),
      managers: { managerOf: async () => ({ account: oracle, isActive: false }) },
      operatorSets: { of: async () => 'unknown' },
      idTags: makeIdTagDirectory({
        read: async () => ({ state: 'Active', user: undefined }),
        pepper,
        whenAway: 'Invalid',
        log,
        now: Date.now,
      }),
    },
  },
);
reportServer(`ws://127.0.0.1:${gateway.port}`, gateway.close, { operators: register });
