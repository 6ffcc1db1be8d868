import { parseEther } from 'ethers';
import { asAddress, asHexBytes, asText, asUrl, asWhole, type SettingRows } from '../runtime/settings.ts';

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
    read: asJuels,
  },
} satisfies SettingRows;

function asJuels(text: string): bigint {
  if (!/^\d{1,28}$/.test(text)) throw new Error('expected a whole number of juels');
  return BigInt(text);
}
