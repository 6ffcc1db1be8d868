import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DevsenError } from '../core/errors.ts';
import { openProvider } from '../runtime/chain.ts';
import { exitForSettings } from '../runtime/process.ts';
import { readSettings, type SettingsOf } from '../runtime/settings.ts';
import { connectContracts } from './contracts.ts';
import { deployNetwork } from './deploy.ts';
import { DEPLOY_SETTINGS } from './deploy-settings.ts';
import { failWith } from './failing.ts';
import { signerOf } from './one-by-one.ts';
import { ensureOperatorSet, ensureRegistered, ensureTerms, OFFERED_QUERIES } from './provision.ts';

function readOwnSettings(): SettingsOf<typeof DEPLOY_SETTINGS> {
  try {
    return readSettings(DEPLOY_SETTINGS, process.env);
  } catch (error) {
    if (error instanceof DevsenError && error.code === 'SETTINGS_INVALID') exitForSettings(error);
    throw error;
  }
}

/** Deploys and wires the network's contracts, offers what is offered today, and prints where they are as JSON. */
async function deploy(): Promise<void> {
  const settings = readOwnSettings();
  const provider = await openProvider({ rpcUrl: settings.RPC_URL });
  const admin = signerOf(`0x${settings.ADMIN_KEY.toString('hex')}`, provider);
  const deploymentDir = resolve(settings.DEPLOYMENT_DIR);
  await mkdir(deploymentDir, { recursive: true });
  const addresses = await deployNetwork({
    admin,
    deploymentDir,
    confirmations: settings.CHAIN_CONFIRMATIONS,
    ...(settings.LINK_ADDRESS ? { link: settings.LINK_ADDRESS } : {}),
    parameters: { cap: settings.TOKEN_CAP, epochSec: settings.EPOCH_SEC, budgets: settings.EPOCH_BUDGETS },
  });
  const network = await connectContracts(addresses, admin);
  await ensureTerms(network, OFFERED_QUERIES, settings.FEE_JUELS);
  const operators = settings.OPERATORS;
  for (const operator of operators) await ensureRegistered(network, operator);
  if (operators.length > 0) {
    const accounts = operators.map(({ account }) => account);
    await ensureOperatorSet(network, accounts, Math.floor((accounts.length - 1) / 3));
  }
  process.stdout.write(`${JSON.stringify(addresses)}\n`);
  provider.destroy();
}

await deploy().catch(failWith);
