/** What the head of a response says. Names are in lower case. */

import type { WireHead } from '../wire/transport.ts';

/** The first value of a header. */
export function headerOf(head: WireHead | undefined, name: string): string | undefined {
  if (!head) return undefined;
  const { headers } = head;
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === name) return headers[at + 1];
  return undefined;
}

/** All values of a header. */
export function headersOf(head: WireHead | undefined, name: string): string[] {
  const headers = head?.headers ?? [];
  return headers.filter((_value, at) => at % 2 === 1 && headers[at - 1] === name);
}

/** How long the body is to be, in bytes as sent; undefined where that is not said. */
export function lengthOf(head: WireHead | undefined): number | undefined {
  const value = headerOf(head, 'content-length');
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}
