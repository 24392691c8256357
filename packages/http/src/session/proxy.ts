/** Which proxy a request goes through. */

import { platform } from '../platform/platform.ts';
import { proxyFor } from '../proxy-environment.ts';

/** @throws {TypeError} when it is not the URL of a proxy. */
export function proxyChooser(given: string | URL | undefined): (url: URL) => URL | undefined {
  if (given === undefined) return () => undefined;
  if (given === 'environment') return (url) => proxyFor(url, platform().environment());
  const proxy = parsed(given);
  return () => proxy;
}

function parsed(given: string | URL): URL {
  let url: URL | undefined;
  try {
    url = new URL(given);
  } catch {
    // told below
  }
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  const shown = url ? `one of ${url.protocol}` : 'not a URL';
  throw new TypeError(
    `Cannot call new ClientSession as { proxy } takes an http or https URL, or 'environment': current value is ${shown}`,
  );
}
