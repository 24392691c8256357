import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { use, withScope } from 'corral';
import {
  ChecksumError,
  ClientSession,
  CookieJar,
  loadCookies,
  saveCookies,
  session,
  SessionClosedError,
  type SessionOptions,
} from '../../src/server.ts';
import { fileBytes } from '../faults/files.ts';
import { errorOf, failure, pair } from './fixture.ts';

/** A folder that is gone at the end of its block. */
async function temporaryFolder(): Promise<
  AsyncDisposable & { readonly at: (name: string) => string; readonly path: string }
> {
  const path = await mkdtemp(join(tmpdir(), 'corral-http-'));
  return {
    path,
    at: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

test('fetch session: saveTo saves a body, and checks it', async () => {
  await using at = await pair();
  await using folder = await temporaryFolder();
  const bytes = fileBytes(300_000);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const saved = await at.session.get('/fault/file?bytes=300000').saveTo(folder.at('a'), { sha256 });
  assert.equal(saved.path, folder.at('a'));
  assert.ok((await readFile(folder.at('a'))).equals(bytes));
  const wrong = at.session.get('/fault/file?bytes=300000').saveTo(folder.at('b'), { sha256: '0'.repeat(64) });
  assert.ok((await errorOf(wrong)) instanceof ChecksumError);
  assert.deepEqual(await readdir(folder.path), ['a']);
});

test('fetch session: saveTo goes on where a connection was cut', async () => {
  await using at = await pair();
  await using folder = await temporaryFolder();
  await at.session.get('/fault/file?bytes=300000&cut=120000').saveTo(folder.at('a'), { resume: true });
  assert.ok((await readFile(folder.at('a'))).equals(fileBytes(300_000)));
  const ranges = at.server.requests.map(({ headers }) => headers['range'] ?? 'all');
  assert.equal(ranges[0], 'all');
  assert.match(ranges[1] ?? '', /^bytes=\d+-$/);
  assert.ok(at.server.requests.every(({ headers }) => headers['accept-encoding'] !== undefined));
});

test('fetch session: saveTo goes on where an earlier run was cut, and never joins two versions', async () => {
  await using at = await pair();
  await using folder = await temporaryFolder();
  for (const key of ['same', 'changed']) {
    const path = `/fault/file?bytes=300000&cut=120000&cuts=1&key=${key}`;
    const file = folder.at(key);
    await errorOf(at.session.get(path).saveTo(file, { resume: true, attempts: 1 }));
    if (key === 'changed') at.server.count('changed:changed');
    const saved = await at.session.get(path).saveTo(file, { resume: true });
    assert.equal(saved.resumedFrom > 0, key === 'same', key);
    assert.ok((await readFile(file)).equals(fileBytes(300_000, key === 'same' ? 1 : 2)), key);
  }
});

test('fetch session: cookies are kept in a file', async () => {
  await using at = await pair();
  await using folder = await temporaryFolder();
  const jar = new CookieJar({ allowIpHosts: true });
  await using first = new ClientSession({ cookies: jar });
  await first.get(at.server.url('set-cookie', { cookie: 'a=1; Path=/; Max-Age=1000' })).text();
  await saveCookies(jar, folder.at('cookies.txt'), { format: 'netscape' });
  const loaded = await loadCookies(folder.at('cookies.txt'), { allowIpHosts: true });
  await using second = new ClientSession({ cookies: loaded.jar });
  assert.deepEqual(await second.get(at.server.url('cookies')).json(), { cookie: 'a=1' });
});

test('fetch session: a body that nobody reads holds its place no longer than its block', async () => {
  await using at = await pair({ limits: { total: 1 } });
  for (const path of ['/fault/endless-body', '/fault/stall-body', '/fault/text']) {
    await using response = await at.session.get(path);
    assert.equal(response.status, 200);
  }
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
});

test('fetch session: close lets what is under way end, and takes nothing new', async () => {
  await using at = await pair();
  const slow = at.session.get('/fault/slow-start?ms=200').text();
  await at.server.waitFor(({ inFlight }) => inFlight.now === 1);
  const closing = at.session.close({ graceMs: 10_000 });
  await failure(at.session.get('/fault/text').text(), SessionClosedError);
  assert.equal(await slow, 'ok');
  await closing;
  assert.equal(at.session.closed, true);
});

test('fetch session: close without grace ends what is under way, in every phase', async () => {
  await using at = await pair();
  const paths = ['/fault/no-answer', '/fault/stall-head', '/fault/stall-body', '/fault/endless-line?bytes=1000000000'];
  const errors = paths.map((path) => errorOf(at.session.get(path).lines().next()));
  await at.server.waitFor(({ inFlight }) => inFlight.now === paths.length);
  const since = performance.now();
  await at.session.close({ graceMs: 0 });
  for (const error of await Promise.all(errors)) assert.ok(error instanceof Error);
  assert.ok(performance.now() - since < 1_000);
  await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
});

test('fetch session: a session ends with the scope in which it was made', async () => {
  await using at = await pair();
  const inside = await withScope(() => new ClientSession({ baseUrl: at.server.origin }));
  assert.equal(inside.closed, true);
  const used = await use(session({ baseUrl: at.server.origin }), (client) => client.get('/fault/text').text());
  assert.equal(used, 'ok');
});

const UNSUPPORTED: Readonly<Record<string, SessionOptions>> = {
  proxy: { proxy: 'http://127.0.0.1:1' },
  addressPolicy: { addressPolicy: 'public' },
  tls: { tls: { rejectUnauthorized: false } },
  lookup: { lookup: () => Promise.resolve([]) },
  localAddress: { localAddress: '127.0.0.1' },
  socketPath: { socketPath: '/run/some.sock' },
  maxHeaderBytes: { maxHeaderBytes: 1_000 },
  maxRatio: { maxRatio: 10 },
  'timeout: { connectMs }': { timeout: { connectMs: 1_000 } },
};

for (const [name, options] of Object.entries(UNSUPPORTED)) {
  test(`fetch session: ${name} is refused, as fetch has no way to do so`, () => {
    assert.throws(() => new ClientSession(options), {
      name: 'TypeError',
      message: `Cannot call new ClientSession with { ${name} } as this platform has no way to do so: it is 'server'`,
    });
  });
}

test('fetch session: a time limit for connecting is refused for a request as well', async () => {
  await using at = await pair();
  const error = await errorOf(at.session.get('/fault/text', { timeout: { connectMs: 1_000 } }));
  assert.match(error.message, /^Cannot call get\(\) with { timeout: { connectMs } } as this platform has no way/);
  assert.equal(at.server.requests.length, 0);
});

test('fetch session: options that say what is anyhow are taken', async () => {
  await using at = await pair({ addressPolicy: 'any', proxy: undefined, http: 1, timeout: { connectMs: Infinity } });
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
});
