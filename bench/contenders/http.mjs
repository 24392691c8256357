/** corral's side: an HTTP session as it is by default, with redirects, retries, decompression and deadlines. */
import { importPackage } from '../lib/corral.mjs';

const { ClientSession } = await importPackage('http');

/** As many at a time as the others have: the default is less for a single host. */
export function gets(url, { concurrency }) {
  return open(url, { limits: { perHost: concurrency } });
}

export function getsWithDefaults(url) {
  return open(url);
}

export async function saveToFile({ url, target }) {
  const session = new ClientSession();
  await session.get(url).saveTo(target);
  await session.close();
}

function open(url, options) {
  const session = new ClientSession(options);
  return { get: () => session.get(url).text(), close: () => session.close() };
}
