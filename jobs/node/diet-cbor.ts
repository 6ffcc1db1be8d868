import { Encoder } from 'cbor-x';

const encoder = new Encoder({ useRecords: false, mapsAsObjects: true, tagUint8Array: false });

/**
 * A request's data as Solidity's CBOR library writes it: the entries of a map, without its start and end.
 *
 * @returns 0x-hex
 */
export function encodeDietCbor(entries: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(entries).flatMap((entry) => entry.map((part) => encoder.encode(part)));
  return `0x${Buffer.concat(parts).toString('hex')}`;
}
