import { isChargerIdentity } from '../core/identity.ts';
import { asHexBytes, asOneOf, asText, asUrl, asWhole } from '../runtime/settings.ts';

/** Settings of one virtual charger; the flags of the same meaning go before the environment. */
export const SIMULATOR_SETTINGS = {
  CHARGER_URL: { about: 'The gateway, without the identity', unit: 'URL', read: asUrl('ws:', 'wss:') },
  CHARGER_IDENTITY: { about: 'The OCPP identity', unit: 'text', read: asIdentity },
  CHARGER_KEY: {
    about: 'The AuthorizationKey; without it the charger shows none',
    unit: 'hex',
    isSecret: true,
    default: '',
    read: (text: string) => (text === '' ? undefined : asHexBytes(16, 64)(text)),
  },
  CHARGER_VERSION: {
    about: 'The version of OCPP it speaks',
    unit: '1.6, 2.0.1 or 2.1',
    default: '1.6',
    read: asOneOf('1.6', '2.0.1', '2.1'),
  },
  CHARGER_CONNECTORS: { about: 'How many connectors it has', unit: 'count', default: '1', read: asWhole(1, 100) },
  CHARGER_METER_INTERVAL_SEC: {
    about: 'How often a running transaction reports its meter',
    unit: 's',
    default: '30',
    read: asWhole(1, 86_400),
  },
  CHARGER_METER_KEY_FILE: {
    about: 'Private key with which the meter signs, on secp256k1 or secp256r1, as PEM; without it nothing is signed',
    unit: 'path',
    default: '',
    read: asText,
  },
  CHARGER_METER_SERIAL: { about: 'The serial number of that meter', unit: 'text', default: 'V-METER-1', read: asText },
  CHARGER_CA_FILE: {
    about: 'CAs of the certificate that the gateway shows, as PEM; without it those of the system',
    unit: 'path',
    default: '',
    read: asText,
  },
  CHARGER_CERT_FILE: {
    about: 'The certificate it shows (security profile 3), as PEM',
    unit: 'path',
    default: '',
    read: asText,
  },
  CHARGER_CERT_KEY_FILE: { about: 'Its private key, as PEM', unit: 'path', default: '', read: asText },
};

function asIdentity(text: string): string {
  if (!isChargerIdentity(text)) throw new Error('expected 1 to 48 of A-Z a-z 0-9 _ = : | @ . -');
  return text;
}
