import { Contract, type Signer, ZeroAddress } from 'ethers';
import { idTagCommitment } from '../core/identity.ts';

const USER_WRITE_ABI = [
  'function OCCUPANT() view returns (uint256)',
  'function userOf(address account) view returns (uint256 roles, uint64 expiresAt, bool blocked)',
  'function idTagState(bytes32 commitment) view returns (uint8 state, address user)',
  'function setUser(address account, uint256 roles, uint64 expiresAt, bool blocked)',
  'function setIdTag(bytes32 commitment, address user)',
];

/**
 * Gives RFID cards to an occupant, whom it makes one if need be. What is so already is left.
 *
 * @param pepper - the network's pepper: the chain holds only the cards' commitments
 */
export async function ensureCards(
  admin: Signer,
  users: string,
  occupant: string,
  idTags: readonly string[],
  pepper: Uint8Array,
): Promise<void> {
  const contract = new Contract(users, USER_WRITE_ABI, admin);
  const role: bigint = await contract.getFunction('OCCUPANT')();
  const [roles, expiresAt, isBlocked] = await contract.getFunction('userOf')(occupant);
  if ((roles & role) === 0n) {
    await (await contract.getFunction('setUser')(occupant, roles | role, expiresAt, isBlocked)).wait();
  }
  for (const idTag of idTags) {
    const commitment = idTagCommitment(idTag, pepper);
    const [, user] = await contract.getFunction('idTagState')(commitment);
    if (user === ZeroAddress) await (await contract.getFunction('setIdTag')(commitment, occupant)).wait();
  }
}
