import { buildModule } from '@nomicfoundation/ignition-core';
import { deployOver } from '../devsen.ts';

/** The whole network with a LINK token of its own: for a chain that has none. */
export default buildModule('DevsenWithOwnLink', (m) => deployOver(m, m.contract('LinkToken')));
