import { parseEther } from 'ethers';
import { z } from 'zod';
import { asAddress, asHexBytes, asText, asUrl, asWhole, type SettingRows } from '../runtime/settings.ts';
import { DEFAULTS } from './ignition/devsen.ts';

/** Settings of a deployment to any EVM chain. */
export const DEPLOY_SETTINGS = {
  RPC_URL: { about: 'JSON-RPC endpoint of the chain.', unit: 'URL', isSecret: true, read: asUrl('http:', 'https:') },
  ADMIN_KEY: {
    about: "Key of the account that pays and becomes the network's admin.",
    unit: '32 bytes as hex digits',
    isSecret: true,
    read: asHexBytes(32, 32),
  },
  LINK_ADDRESS: {
    about: "The chain's LINK token; without it one is deployed.",
    unit: 'address',
    default: '',
    read: (text: string) => (text === '' ? undefined : asAddress(text)),
  },
  DEPLOYMENT_DIR: {
    about: 'Journal of the deployment: run again with the same one, nothing is deployed twice.',
    unit: 'path',
    default: '.devsen/deployment',
    read: asText,
  },
  CHAIN_CONFIRMATIONS: {
    about: 'Blocks on top of a tx before it counts.',
    unit: 'blocks',
    default: '2',
    read: asWhole(1, 100),
  },
  FEE_JUELS: {
    about: 'Price of one answer of one operator.',
    unit: 'juels',
    default: String(parseEther('0.1')),
    read: asBaseUnits,
  },
  OPERATORS: {
    about:
      'Operators to register and ask from now on, as [{"account": "0x…", "oracle": "0x… (its Operator contract)", "signingKey": "0x…"}]: none, or 4 to 22.',
    unit: 'JSON',
    default: '[]',
    read: asOperators,
  },
  TOKEN_CAP: {
    about: "Most there can ever be of the network's token; fixed by the first deployment.",
    unit: 'token base units (18 decimals)',
    default: String(DEFAULTS.cap),
    read: asBaseUnits,
  },
  EPOCH_SEC: {
    about: 'Length of an epoch of rewards; fixed by the first deployment.',
    unit: 's',
    default: String(DEFAULTS.epochSec),
    read: asWhole(60, 366 * 24 * 3600),
  },
  EPOCH_BUDGETS: {
    about: 'Most that each pot pays for an epoch: uptime, occupants, builders. The admin can change it on chain later.',
    unit: 'token base units, three with commas',
    default: DEFAULTS.budgets.join(','),
    read: asBudgets,
  },
} satisfies SettingRows;

/** As many as 96 bits hold: so many may a request cost, or a session lock. */
function asBaseUnits(text: string): bigint {
  if (!/^\d{1,28}$/.test(text)) throw new Error('expected a whole number of at most 28 digits');
  return BigInt(text);
}

function asBudgets(text: string): bigint[] {
  const budgets = text.split(',').map((one) => asBaseUnits(one.trim()));
  if (budgets.length !== 3) throw new Error('expected three numbers with commas between');
  return budgets;
}

const operatorsSchema = z
  .array(z.strictObject({ account: z.string(), oracle: z.string(), signingKey: z.string() }))
  .refine(({ length }) => length === 0 || (length >= 4 && length <= 22), 'none, or 4 to 22 operators');

function asOperators(text: string): z.infer<typeof operatorsSchema> {
  return operatorsSchema.parse(JSON.parse(text)).map(({ account, oracle, signingKey }) => ({
    account: asAddress(account),
    oracle: asAddress(oracle),
    signingKey: asAddress(signingKey),
  }));
}
