import { isChargerIdentity } from '../core/identity.ts';
import { asHexBytes, asUrl, asWhole } from '../runtime/settings.ts';

/** Settings of one virtual charger; the flags of the same meaning go before the environment. */
export const SIMULATOR_SETTINGS = {
  CHARGER_URL: { about: 'The gateway, without the identity', unit: 'URL', read: asUrl('ws:', 'wss:') },
  CHARGER_IDENTITY: { about: 'The OCPP identity', unit: 'text', read: asIdentity },
  CHARGER_KEY: {
    about: 'The AuthorizationKey',
    unit: 'hex',
    isSecret: true,
    read: asHexBytes(16, 64),
  },
  CHARGER_CONNECTORS: { about: 'How many connectors it has', unit: 'count', default: '1', read: asWhole(1, 100) },
  CHARGER_METER_INTERVAL_SEC: {
    about: 'How often a running transaction reports its meter',
    unit: 's',
    default: '30',
    read: asWhole(1, 86_400),
  },
};

function asIdentity(text: string): string {
  if (!isChargerIdentity(text)) throw new Error('expected 1 to 48 of A-Z a-z 0-9 _ = : | @ . -');
  return text;
}
