/** The platform of browsers and of workerd: fetch carries the exchanges, and there is nothing of Node. */

import { FetchTransport, type FetchHost } from '../fetch/fetch-transport.ts';
import type { Platform } from './platform.ts';

const NONE: Readonly<Record<string, string | undefined>> = Object.freeze({});

/** What the standard calls them; md5 and sha512-256 are not in it. */
const STANDARD: Readonly<Record<string, string>> = { sha1: 'SHA-1', sha256: 'SHA-256' };

export const webPlatform: Platform = {
  name: 'web',
  createTransport: () => new FetchTransport(host()),
  decoding: undefined,
  hash: (algorithm, data) => digest(algorithm, data),
  channel: () => undefined,
  saveTo: undefined,
  cookieFiles: undefined,
  environment: () => NONE,
};

/** Workers of Cloudflare show redirects and set any header, as servers do. */
function host(): FetchHost {
  const { navigator } = globalThis as { navigator?: { readonly userAgent?: string } };
  if (navigator?.userAgent === 'Cloudflare-Workers') return 'server';
  return 'document' in globalThis || 'WorkerGlobalScope' in globalThis ? 'browser' : 'server';
}

async function digest(algorithm: string, data: Uint8Array | string): Promise<string> {
  const name = STANDARD[algorithm];
  if (name === undefined) {
    throw new TypeError(`Cannot hash as the platform must know the algorithm: current value is ${algorithm}`);
  }
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  const hash = new Uint8Array(await crypto.subtle.digest(name, bytes as Uint8Array<ArrayBuffer>));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
