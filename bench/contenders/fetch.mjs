/** The fetch of the platform. */
import { createWriteStream } from 'node:fs';
import { Writable } from 'node:stream';

export function fetches(url) {
  return { get: async () => (await fetch(url)).text(), close: () => {} };
}

export async function fetchToFile({ url, target }) {
  const { body } = await fetch(url);
  await body.pipeTo(Writable.toWeb(createWriteStream(target)));
}
