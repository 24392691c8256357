import type { AddressPolicy } from './wire/transport.ts';

/** Whether a policy refuses an address, as sockets take it: no brackets, any spelling of IPv6. */
export function refusesAddress(policy: AddressPolicy, address: string, hostname: string): boolean {
  if (policy === 'any') return false;
  if (policy === 'public') return !isPublicAddress(address);
  // A function of JavaScript may give anything, a promise too.
  const verdict: unknown = policy(address, hostname);
  return verdict !== true;
}

/** First address and length of prefix of what is not public (IANA's registry of special addresses of IPv4, and multicast). */
const SPECIAL_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // shared, behind a carrier's NAT
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, where clouds keep their credentials
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays, withdrawn
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
];

/** Groups of the prefix and its length. All outside of 2000::/3 is refused anyway. */
const SPECIAL_V6: readonly (readonly [readonly number[], number])[] = [
  [[0x2001, 0x0000], 23], // protocol assignments: Teredo, ORCHID, benchmarks
  [[0x2001, 0x0db8], 32], // documentation
  [[0x3fff], 20], // documentation
];

const V4 = SPECIAL_V4.map(([first, bits]) => ({ first: parseV4(first) as number, size: 2 ** (32 - bits) }));

/**
 * Whether an address belongs to the public internet.
 *
 * Guarantees: an address of IPv6 that carries one of IPv4 (mapped, NAT64, 6to4) is judged by that; what cannot be read
 * is not public.
 */
export function isPublicAddress(address: string): boolean {
  const v4 = parseV4(address);
  if (v4 !== undefined) return isPublicV4(v4);
  const v6 = parseV6(address);
  if (!v6) return false;
  const carried = carriedV4(v6);
  if (carried !== undefined) return isPublicV4(carried);
  const first = v6[0] as number;
  return first >= 0x2000 && first <= 0x3fff && !SPECIAL_V6.some(([prefix, bits]) => inPrefix(v6, prefix, bits));
}

function isPublicV4(address: number): boolean {
  return !V4.some(({ first, size }) => address >= first && address < first + size);
}

function parseV4(text: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  let value = 0;
  for (const part of text.split('.')) {
    if (Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** The eight groups; undefined for what is no address of IPv6. */
function parseV6(text: string): readonly number[] | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text.replace(/%.*$/, ''));
  let plain = text.replace(/%.*$/, '');
  if (dotted) {
    const v4 = parseV4(dotted[2] as string);
    if (v4 === undefined) return undefined;
    plain = `${dotted[1]}${Math.floor(v4 / 65_536).toString(16)}:${(v4 % 65_536).toString(16)}`;
  }
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16));
}

/** The address of IPv4 that an address of IPv6 stands for. */
function carriedV4(v6: readonly number[]): number | undefined {
  if (inPrefix(v6, [0, 0, 0, 0, 0, 0xffff], 96)) return joined(v6, 6); // mapped
  if (inPrefix(v6, [0x64, 0xff9b, 0, 0, 0, 0], 96)) return joined(v6, 6); // NAT64
  if (inPrefix(v6, [0x2002], 16)) return joined(v6, 1); // 6to4
  return undefined;
}

function joined(v6: readonly number[], at: number): number {
  return (v6[at] as number) * 65_536 + (v6[at + 1] as number);
}

function inPrefix(v6: readonly number[], prefix: readonly number[], bits: number): boolean {
  for (let i = 0; i * 16 < bits; i++) {
    const shift = Math.max(0, 16 - (bits - i * 16));
    if ((v6[i] as number) >> shift !== (prefix[i] ?? 0) >> shift) return false;
  }
  return true;
}
