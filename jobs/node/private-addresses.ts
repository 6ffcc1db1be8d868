import { BlockList, isIPv4, isIPv6 } from 'node:net';

const PRIVATE = new BlockList();
/** Everything that is not a public unicast address, by the registries for special addresses. */
const RANGES = `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
  192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
  ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8`;
for (const range of RANGES.split(/\s+/)) {
  const [address, bits] = range.split('/') as [string, string];
  PRIVATE.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6');
}

/**
 * Whether an address is one that only machines nearby can reach, or no single machine at all. An IPv4 address within
 * IPv6 (`::ffff:10.0.0.1`) is judged as itself. What is no address counts as private.
 */
export function isPrivateAddress(address: string): boolean {
  if (isIPv4(address)) return PRIVATE.check(address, 'ipv4');
  return !isIPv6(address) || PRIVATE.check(address, 'ipv6');
}
