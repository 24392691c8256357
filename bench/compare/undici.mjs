/** undici's side: its own `request`, and the `dispatch` below it. */
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { Agent, request, stream } from 'undici';

import { inParallel } from '../lib/work.mjs';

export function requests(url) {
  const dispatcher = new Agent();
  return {
    get: async () => (await request(url, { dispatcher })).body.text(),
    close: () => dispatcher.close(),
  };
}

/** The least that can be done with undici: a handler that collects the body. */
export function dispatches(url) {
  const dispatcher = new Agent();
  const { origin, pathname: path } = new URL(url);
  return {
    get: () =>
      new Promise((resolve, reject) => {
        const chunks = [];
        dispatcher.dispatch(
          { origin, path, method: 'GET' },
          {
            onRequestStart() {},
            onResponseStart() {},
            onResponseData(_, chunk) {
              chunks.push(chunk);
            },
            onResponseEnd() {
              resolve((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)).toString());
            },
            onResponseError(_, error) {
              reject(error);
            },
          },
        );
      }),
    close: () => dispatcher.close(),
  };
}

export async function streamToFile({ url, target }) {
  await stream(url, { method: 'GET', opaque: target }, ({ opaque }) => createWriteStream(opaque));
}

export async function requestToFile({ url, target }) {
  const { body } = await request(url);
  await pipeline(body, createWriteStream(target));
}

export async function requestsToFiles({ list, folder, concurrency }) {
  const urls = readFileSync(list, 'utf8').trimEnd().split('\n');
  const dispatcher = new Agent({ connections: concurrency });
  await inParallel(urls, concurrency, async (url) => {
    const { body } = await request(url, { dispatcher });
    await pipeline(body, createWriteStream(join(folder, url.slice(url.lastIndexOf('/') + 1))));
  });
  await dispatcher.close();
}
