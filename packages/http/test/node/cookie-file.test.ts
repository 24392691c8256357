import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CookieJar } from '../../src/cookies/cookie-jar.ts';
import { loadCookies, saveCookies } from '../../src/node/cookie-file.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'corral-cookies-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

async function filled(): Promise<CookieJar> {
  const jar = new CookieJar();
  const headers = ['own=1; Max-Age=3600', 'below=2; Domain=example.com', 'tls=3; Secure; HttpOnly; Path=/x'];
  await jar.setFromResponse('https://example.com/', headers);
  return jar;
}

test('saveCookies: what was saved is loaded, in both formats', async (t) => {
  const jar = await filled();
  for (const format of ['json', 'netscape'] as const) {
    const path = join(await folder(t), 'cookies');
    await saveCookies(jar, path, { format });
    const loaded = await loadCookies(path);
    assert.equal(loaded.format, format);
    for (const url of ['https://example.com/x', 'http://example.com/', 'https://a.example.com/x']) {
      assert.equal(loaded.jar.getCookieHeader(url), jar.getCookieHeader(url), `${format} ${url}`);
    }
  }
});

test(
  'saveCookies: only the owner can read the file, whatever it was before',
  { skip: process.platform === 'win32' },
  async (t) => {
    const path = join(await folder(t), 'cookies.json');
    await writeFile(path, 'old');
    await chmod(path, 0o644);
    await saveCookies(await filled(), path);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  },
);

test('saveCookies: leaves nothing beside the file, not even when it fails', async (t) => {
  const path = await folder(t);
  await saveCookies(await filled(), join(path, 'cookies.json'));
  await assert.rejects(saveCookies(await filled(), path)); // a folder has that name
  assert.deepEqual(await readdir(path), ['cookies.json']);
});

test('loadCookies: reads what curl writes', async (t) => {
  const path = join(await folder(t), 'cookies.txt');
  const lines = [
    '# Netscape HTTP Cookie File',
    '# https://curl.se/docs/http-cookies.html',
    '',
    '.example.com\tTRUE\t/\tFALSE\t0\tshared\tone',
    '#HttpOnly_www.example.com\tFALSE\t/\tTRUE\t4102444800\thidden\ttwo',
    'example.com\tFALSE\t/\tFALSE\t1\tended\tthree',
    'example.com\tFALSE\t/\tFALSE\t0\tempty\t',
    'broken line',
  ];
  await writeFile(path, lines.join('\n'));
  const { jar } = await loadCookies(path);
  assert.equal(jar.getCookieHeader('http://www.example.com/'), 'shared=one');
  assert.equal(jar.getCookieHeader('https://www.example.com/'), 'shared=one; hidden=two');
  assert.equal(jar.getCookieHeader('http://example.com/'), 'shared=one; empty=');
});

test('saveCookies: writes what curl reads', async (t) => {
  const path = join(await folder(t), 'cookies.txt');
  const jar = new CookieJar();
  await jar.setFromResponse('https://example.com/', ['a=1; Domain=example.com; HttpOnly; Secure', 'b=2']);
  await saveCookies(jar, path, { format: 'netscape' });
  const lines = (await readFile(path, 'utf8')).split('\n');
  assert.equal(lines[0], '# Netscape HTTP Cookie File');
  assert.ok(lines.includes('#HttpOnly_.example.com\tTRUE\t/\tTRUE\t0\ta\t1'));
  assert.ok(lines.includes('example.com\tFALSE\t/\tFALSE\t0\tb\t2'));
});

test('loadCookies: refuses what is neither format, and shows nothing of it', async (t) => {
  const path = join(await folder(t), 'cookies');
  for (const text of ['{ "secret": ', 'secret secret', '{"version":3}']) {
    await writeFile(path, text);
    await assert.rejects(
      loadCookies(path),
      (error: Error) => error instanceof TypeError && !error.message.includes('secret'),
    );
  }
  await assert.rejects(loadCookies(`${path}.missing`), { code: 'ENOENT' });
});

test('loadCookies: an empty file is an empty jar', async (t) => {
  const path = join(await folder(t), 'cookies');
  await writeFile(path, '');
  assert.equal((await loadCookies(path)).jar.snapshot().size, 0);
});
