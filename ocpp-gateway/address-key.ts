import { isIPv6 } from 'node:net';

const IPV4_MAPPED = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/;

/**
 * Under what a client's address counts: an IPv4 address as it is, also where it stands in an IPv6 one; of any other IPv6
 * address its network of /64, of which one client has every address.
 *
 * @param address - anything else stays as it is
 */
export function addressKey(address: string): string {
  const [plain = ''] = address.split('%', 1);
  if (!isIPv6(plain)) return address;
  const short = new URL(`http://[${plain}]`).hostname.slice(1, -1);
  const [, high, low] = IPV4_MAPPED.exec(short) ?? [];
  if (high !== undefined && low !== undefined) {
    return [high, low].flatMap((half) => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255]).join('.');
  }
  const [head = '', tail = ''] = short.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const all = [...groups, ...new Array<string>(8 - groups.length - after.length).fill('0'), ...after];
  return `${all.slice(0, 4).join(':')}::/64`;
}
