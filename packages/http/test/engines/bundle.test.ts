import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

import { elsewhere } from '../faults/elsewhere.ts';

// The entry of browsers, bundled for them, in a world without anything of Node: no process, so nothing is ambient either.
const skip = elsewhere && 'one engine is enough to look at the bundle for browsers';
const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
let folder: string;
let server: Server;

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), 'corral-bundle-'));
  // A `node:` import fails, as it would on every page.
  await build({
    stdin: { contents: "export * from '@corral/http'; export { isCancelled, run } from 'corral';", resolveDir: here },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    define: { process: 'undefined', Buffer: 'undefined', global: 'undefined' },
    splitting: true,
    entryNames: 'bundle',
    outExtension: { '.js': '.mjs' },
    outdir: folder,
    logLevel: 'silent',
  });
  server = createServer((request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: '/json' });
    if (request.url === '/silent') return;
    response.end(JSON.stringify({ path: request.url, method: request.method }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

after(async () => {
  if (skip) return;
  await rm(folder, { recursive: true });
  server.closeAllConnections();
  server.close();
});

/** What a page prints, a value a line. */
async function page(code: string): Promise<unknown[]> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const file = join(folder, `page-${Math.random()}.mjs`);
  const prelude = `
    const { log } = console;
    const baseUrl = ${JSON.stringify(url)};
    await (await fetch(baseUrl)).text(); // Node's own looks for Node when it is loaded
    delete globalThis.process;
    globalThis.document = {};
    const { ClientSession, HttpTimeoutError, CookieJar, isCancelled, run } = await import('./bundle.mjs');
    const print = (value) => log(JSON.stringify(value));
    const messageOf = async (fn) => { try { await fn(); } catch (error) { return error.message; } };
  `;
  await writeFile(file, prelude + code);
  const { stdout } = await run(process.execPath, [file], { timeout: 30_000 });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

test('web bundle: a session sends, reads and ends without anything of Node', { skip }, async () => {
  const printed = await page(`
    await run(async (scope) => {
      const session = new ClientSession({ baseUrl, scope });
      print(await session.get('json', { scope }).json());
      print(await session.post('json', { json: {}, scope }).json());
      const response = await session.get('away', { scope });
      print([response.url === baseUrl + 'json', response.redirected, await response.json()]);
      const slow = session.get('silent', { scope, timeout: { headersMs: 100 } }).text();
      print(await slow.catch((error) => error instanceof HttpTimeoutError && error.kind));
      await session.close({ graceMs: 0 });
    });
  `);
  assert.deepEqual(printed, [
    { path: '/json', method: 'GET' },
    { path: '/json', method: 'POST' },
    [true, true, { path: '/json', method: 'GET' }],
    'headers',
  ]);
});

test('web bundle: a request is cancelled with the scope that it was given', { skip }, async () => {
  const printed = await page(`
    const session = new ClientSession({ baseUrl });
    let done;
    await run(async (scope) => {
      const request = session.get('silent', { scope }).text().catch((error) => (done = isCancelled(error)));
      setTimeout(() => scope.cancel('enough'), 50);
      await request;
    });
    print([done, session.snapshot().inFlight]);
    await session.close({ graceMs: 0 });
  `);
  assert.deepEqual(printed, [[true, 0]]);
});

test('web bundle: what a browser keeps to itself is refused', { skip }, async () => {
  const printed = await page(`
    for (const options of [{ redirect: false }, { secretHeaders: ['x'] }, { cookies: new CookieJar() }, { proxy: 'http://p' }])
      print(await messageOf(() => new ClientSession(options)));
    const session = new ClientSession({ baseUrl });
    print(await messageOf(() => session.get('json', { redirect: { max: 1 } })));
    print(await messageOf(() => run((scope) => session.get('json', { scope }).saveTo('file'))));
    await session.close();
  `);
  for (const [index, name] of ['redirect', 'secretHeaders', 'cookies', 'proxy', 'redirect'].entries()) {
    assert.match(
      String(printed[index]),
      new RegExp(`with { ${name} } as this platform has no way to do so: it is 'web'$`),
    );
  }
  assert.match(String(printed[5]), /this platform has no files/);
});
