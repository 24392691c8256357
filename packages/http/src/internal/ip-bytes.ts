/** Addresses as numbers, from the way in which the hosts of URLs are written. */

/** The bytes of an address as in `url.hostname`: four, sixteen, or those of the IPv4 address within; undefined for a name. */
export function bytesOf(hostname: string): readonly number[] | undefined {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) return hostname.split('.').map(Number);
  if (!hostname.startsWith('[')) return undefined;
  const [head = '', tail] = hostname.slice(1, -1).split('::');
  const [left, right] = [groupsOf(head), groupsOf(tail ?? '')];
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
  const bytes = groups.flatMap((group) => [group >> 8, group & 255]);
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return mapped ? bytes.slice(12) : bytes;
}

/** Whether two addresses begin with the same bits. */
export function sameStart(one: readonly number[], other: readonly number[], bits: number): boolean {
  if (one.length !== other.length) return false;
  return one.every((byte, index) => {
    const counting = Math.min(Math.max(bits - index * 8, 0), 8);
    return (byte ^ (other[index] as number)) >> (8 - counting) === 0;
  });
}

/** Whether it is the machine itself: `localhost` and what is below it, 127.0.0.0/8, ::1, and the addresses that are all 0. */
export function isLoopback(hostname: string, bytes: readonly number[] | undefined): boolean {
  if (!bytes) return hostname === 'localhost' || hostname.endsWith('.localhost');
  if (bytes.length === 4) return bytes[0] === 127 || bytes.every((byte) => byte === 0);
  return bytes.slice(0, 15).every((byte) => byte === 0) && (bytes[15] as number) <= 1;
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}
