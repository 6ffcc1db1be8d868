import { buildModule } from '@nomicfoundation/ignition-core';
import { deployOver } from '../devsen.ts';

/** The whole network on a chain that has LINK already; parameter `link` is the token's address. */
export default buildModule('Devsen', (m) => deployOver(m, m.contractAt('LinkToken', m.getParameter('link'))));
