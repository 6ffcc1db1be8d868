import { ZeroAddress } from 'ethers';
import { idTagCommitment } from '../core/identity.ts';
import { call, type NetworkContracts, send } from './contracts.ts';
import { ensureUser, ROLES } from './provision.ts';

/**
 * Gives RFID cards to an occupant, whom it makes one if need be. A card that somebody has is left.
 *
 * @param pepper - the network's pepper: the chain holds only the cards' commitments
 */
export async function ensureCards(
  network: NetworkContracts,
  occupant: string,
  idTags: readonly string[],
  pepper: Uint8Array,
): Promise<void> {
  await ensureUser(network, occupant, ROLES.occupant);
  for (const idTag of idTags) {
    const commitment = idTagCommitment(idTag, pepper);
    const [, user] = (await call(network.users, 'idTagState', commitment)) as [bigint, string];
    if (user === ZeroAddress) await send(network.users, 'setIdTag', commitment, occupant);
  }
}
