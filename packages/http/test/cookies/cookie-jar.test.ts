import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CookieJar, type CookieJarOptions } from '../../src/cookies/cookie-jar.ts';

const START = Date.UTC(2026, 0, 1);

/** A jar with a clock of its own, and what a client does with it. */
class Client {
  nowMs = START;
  readonly jar: CookieJar;

  constructor(options: CookieJarOptions = {}, from?: CookieJar) {
    const withClock = { now: () => this.nowMs, ...options };
    this.jar = from ? CookieJar.fromJSON(JSON.parse(JSON.stringify(from)), withClock) : new CookieJar(withClock);
  }

  async receive(url: string, ...headers: string[]): Promise<this> {
    await this.jar.setFromResponse(new URL(url), headers);
    return this;
  }

  sent(url: string): string | undefined {
    return this.jar.getCookieHeader(new URL(url));
  }

  names(url: string): string[] {
    return (this.sent(url)?.split('; ') ?? []).map((cookie) => cookie.split('=', 1).join('')).sort();
  }
}

async function received(url: string, ...headers: string[]): Promise<Client> {
  return new Client().receive(url, ...headers);
}

test('CookieJar: sends back what was set', async () => {
  const client = await received('http://example.com/', 'a=1', 'b=2; Path=/');
  assert.equal(client.sent('http://example.com/'), 'a=1; b=2');
});

test('CookieJar: a cookie without Domain goes to its host only', async () => {
  const client = await received('http://example.com/', 'a=1');
  assert.deepEqual(client.names('http://foo.example.com/'), []);
  assert.deepEqual(client.names('http://example.com/'), ['a']);
});

test('CookieJar: a cookie with Domain goes to the hosts below, with or without a dot in front', async () => {
  for (const domain of ['example.com', '.example.com', 'EXAMPLE.com']) {
    const client = await received('http://example.com/', `a=1; Domain=${domain}`);
    for (const host of ['example.com', 'test1.example.com', 'a.b.example.com']) {
      assert.deepEqual(client.names(`http://${host}/`), ['a'], `${domain} ${host}`);
    }
  }
});

test('CookieJar: a host below can set a cookie for the one above, and its siblings get it', async () => {
  const client = await received(
    'http://test1.example.com/',
    'up=1; Domain=example.com',
    'own=1; Domain=test1.example.com',
  );
  assert.deepEqual(client.names('http://different.example.com/'), ['up']);
  assert.deepEqual(client.names('http://test1.example.com/'), ['own', 'up']);
});

test('CookieJar: names that only look alike get nothing', async () => {
  const client = await received('http://test.com/', 'a=1; Domain=test.com');
  for (const host of ['diff-test.com', 'test.org', 'test.com.evil.org', '127.0.0.1', 'com']) {
    assert.deepEqual(client.names(`http://${host}/`), [], host);
  }
});

test('CookieJar: cookies for other domains are ignored and counted', async () => {
  const client = await received('http://different.org/', 'a=1; Domain=example.com', 'b=1; Domain=sub.different.org');
  assert.deepEqual(client.jar.snapshot(), { size: 0, ignored: 2 });
});

test('CookieJar: cookies for public suffixes are ignored', async () => {
  const client = await received('http://shop.example.co.uk/', 'a=1; Domain=co.uk', 'b=1; Domain=uk');
  assert.equal(client.jar.snapshot().size, 0);
});

test('CookieJar: cookies with Secure do not go over plain HTTP', async () => {
  const client = await received('https://secure.com/', 'a=1; Secure', 'b=2');
  assert.deepEqual(client.names('http://secure.com/'), ['b']);
  assert.deepEqual(client.names('https://secure.com/'), ['a', 'b']);
  assert.deepEqual(client.names('wss://secure.com/'), ['a', 'b']);
  assert.deepEqual(client.names('ws://secure.com/'), ['b']);
});

test('CookieJar: plain HTTP cannot set a cookie with Secure, not even on this machine', async () => {
  for (const url of ['http://secure.com/', 'http://localhost/']) {
    assert.equal((await received(url, 'a=1; Secure')).jar.snapshot().size, 0, url);
  }
});

test('CookieJar: plain HTTP cannot replace or hide a cookie with Secure', async () => {
  const client = await received('https://example.com/', 'a=true; Secure; Domain=example.com');
  await client.receive('http://example.com/', 'a=false', 'a=; Max-Age=0; Domain=example.com');
  assert.equal(client.sent('https://example.com/'), 'a=true');
});

test('CookieJar: prefixes keep their promise', async () => {
  const client = await received(
    'https://a.example.com/',
    '__Host-good=1; Secure; Path=/',
    '__Host-domain=1; Secure; Path=/; Domain=a.example.com',
    '__Host-path=1; Secure; Path=/x',
    '__Secure-plain=1',
    '__Secure-good=1; Secure',
  );
  assert.deepEqual(client.names('https://a.example.com/x'), ['__Host-good', '__Secure-good']);
});

test('CookieJar: paths are compared piece by piece', async () => {
  const client = await received(
    'http://pathtest.com/',
    'root=1; Path=/',
    'one=1; Path=/one',
    'two=1; Path=/one/two',
    'slash=1; Path=/one/two/',
  );
  const expected: Record<string, string[]> = {
    '/': ['root'],
    '/one': ['one', 'root'],
    '/one/': ['one', 'root'],
    '/onetwo': ['root'],
    '/one/two': ['one', 'root', 'two'],
    '/one/two/': ['one', 'root', 'slash', 'two'],
    '/one/two/three/': ['one', 'root', 'slash', 'two'],
    '/hundred/': ['root'],
  };
  for (const [path, names] of Object.entries(expected))
    assert.deepEqual(client.names(`http://pathtest.com${path}`), names, path);
});

test('CookieJar: without a path, or with one that is none, it is that of the request', async () => {
  const client = await received(
    'http://pathtest.com/some/page',
    'none=1',
    'wrong=1; Path=nonsense',
    'other=1; Path=/somepath',
  );
  assert.deepEqual(client.names('http://pathtest.com/some/other'), ['none', 'wrong']);
  assert.deepEqual(client.names('http://pathtest.com/'), []);
  assert.deepEqual(client.names('http://pathtest.com/somepath'), ['other']);
});

test('CookieJar: one name with several paths is sent for each, the longest first, whatever the order of setting', async () => {
  const client = await received('http://pathtest.com/', 'p=one; Path=/one', 'p=zero; Path=/', 'p=two; Path=/second');
  assert.equal(client.sent('http://pathtest.com/one'), 'p=one; p=zero');
  assert.equal(client.sent('http://pathtest.com/'), 'p=zero');
  assert.equal(client.jar.snapshot().size, 3);
});

test('CookieJar: a new value replaces the old one and keeps its place', async () => {
  const client = await received('http://example.com/', 'a=1', 'b=1');
  client.nowMs += 1_000;
  await client.receive('http://example.com/', 'a=2');
  assert.equal(client.sent('http://example.com/'), 'a=2; b=1');
});

test('CookieJar: Expires ends a cookie', async () => {
  const client = await received('http://example.com/', 'a=1; Expires=Thu, 01 Jan 2026 00:01:00 GMT');
  assert.deepEqual(client.names('http://example.com/'), ['a']);
  client.nowMs += 60_000;
  assert.deepEqual(client.names('http://example.com/'), []);
  assert.equal(client.jar.snapshot().size, 0);
});

test('CookieJar: the dates of RFC 6265 are understood, and others are no end', async () => {
  for (const date of [
    'Tue, 1 Jan 70 00:00:00 GMT',
    '1 Jan 1970 00:00:00 GMT',
    'Tue, 1 Jan 1970 00:00:00',
    'Tue, 1-Jan-2010 00:00:00 GMT',
  ]) {
    assert.equal(
      (await received('http://example.com/', `a=1; Expires=${date}`)).sent('http://example.com/'),
      undefined,
      date,
    );
  }
  for (const date of [
    '',
    'string',
    'Tue, 1 Jan 00:00:00 GMT',
    'Tue, 1 1970 00:00:00 GMT',
    'Tue, 0 Jan 1970 00:00:00 GMT',
    'Tue, 1 Jan 1500 00:00:00 GMT',
    'Tue, 1 Jan 1970 77:88:99 GMT',
    'Tue, 1 Jan 1970 GMT',
  ]) {
    assert.equal(
      (await received('http://example.com/', `a=1; Expires=${date}`)).sent('http://example.com/'),
      'a=1',
      date,
    );
  }
});

test('CookieJar: Max-Age ends a cookie and wins over Expires', async () => {
  const client = await received(
    'http://example.com/',
    'a=1; Max-Age=60',
    'b=1; Max-Age=60; Expires=Tue, 1 Jan 1980 12:00:00 GMT',
  );
  client.nowMs += 59_999;
  assert.deepEqual(client.names('http://example.com/'), ['a', 'b']);
  client.nowMs += 1;
  assert.deepEqual(client.names('http://example.com/'), []);
});

test('CookieJar: a Max-Age that is no number is none', async () => {
  assert.equal((await received('http://example.com/', 'a=1; Max-Age=string')).sent('http://example.com/'), 'a=1');
});

test('CookieJar: Max-Age=0 removes a cookie, which can be set again', async () => {
  const client = await received('http://example.com/', 'foo=1');
  await client.receive('http://example.com/', 'foo=""; Max-Age=0');
  assert.equal(client.sent('http://example.com/'), undefined);
  await client.receive('http://example.com/', 'foo="bar"');
  assert.equal(client.sent('http://example.com/'), 'foo="bar"');
});

test('CookieJar: a new value without an end has none', async () => {
  const client = await received('http://example.com/', 'a=1; Max-Age=10');
  await client.receive('http://example.com/', 'a=2');
  client.nowMs += 1e9;
  assert.equal(client.sent('http://example.com/'), 'a=2');
});

test('CookieJar: hosts that are addresses have no cookies', async () => {
  for (const url of ['http://1.2.3.4/', 'http://[::1]/', 'http://2130706433/']) {
    const client = await received(url, 'a=1');
    assert.deepEqual(client.jar.snapshot(), { size: 0, ignored: 1 }, url);
  }
});

test('CookieJar: with allowIpHosts addresses have cookies, for that address only', async () => {
  const client = new Client({ allowIpHosts: true });
  await client.receive('http://127.0.0.1/', 'a=1', 'b=2; Domain=127.0.0.1', 'c=3; Domain=0.0.1');
  await client.receive('http://[::1]/', 'six=1');
  assert.equal(client.sent('http://127.0.0.1:8080/'), 'a=1; b=2');
  assert.equal(client.sent('http://1.127.0.0.1.example.com/'), undefined);
  assert.equal(client.sent('http://[::1]/'), 'six=1');
});

test('CookieJar: values are sent as they came, quotes and all', async () => {
  for (const value of ['"quoted_value"', 'value/one', '{"json":1}', 'a=b=c', '<>@?!$%^&*()', '']) {
    const client = await received('http://example.com/', `c=${value}`);
    assert.equal(client.sent('http://example.com/'), `c=${value}`);
  }
});

test('CookieJar: names in other scripts are the same in both spellings', async () => {
  const client = await received('http://éé.com/', 'first=1; Domain=xn--9caa.com');
  await client.receive('http://xn--9caa.com/', 'second=2');
  assert.equal(client.sent('http://éé.com/'), 'first=1; second=2');
  assert.equal(client.sent('http://xn--9caa.com/'), 'first=1; second=2');
});

test('CookieJar: ports share cookies', async () => {
  const client = await received('http://example.com:8080/', 'a=1');
  assert.equal(client.sent('http://example.com/'), 'a=1');
});

test('CookieJar: broken headers are ignored and counted, and the others still count', async () => {
  const client = await received(
    'http://example.com/',
    'good=1',
    '',
    ';',
    '=',
    'no-value',
    '\u0000=\u0000',
    'a=\u0001b',
    'x=1; Domain=..',
    `big=${'x'.repeat(4_094)}`,
    `${'y'.repeat(9_000)}=1`,
    'also=2; Unknown=3; HttpOnly; SameSite=Odd',
  );
  assert.equal(client.sent('http://example.com/'), 'good=1; also=2');
  assert.ok(client.jar.snapshot().ignored >= 6);
});

test('CookieJar: 4 KiB of name and value are allowed', async () => {
  const client = await received('http://example.com/', `big=${'x'.repeat(4_093)}`);
  assert.equal(client.sent('http://example.com/')?.length, 4_097);
});

test('CookieJar: one more than a domain may have removes the least recently used', async () => {
  const client = await received(
    'http://example.com/',
    ...Array.from({ length: 50 }, (_, at) => `c${at}=1; Path=/p${at}`),
  );
  client.sent('http://example.com/p0');
  await client.receive('http://example.com/', 'new=1');
  assert.equal(client.jar.snapshot().size, 50);
  assert.deepEqual(client.names('http://example.com/p0'), ['c0', 'new']);
  assert.deepEqual(client.names('http://example.com/p1'), ['new']);
});

test('CookieJar: what has ended makes room first, then what may go without TLS', async () => {
  const client = new Client({ maxPerHost: 3 });
  await client.receive('https://example.com/', 'secure=1; Secure', 'plain=1', 'short=1; Max-Age=1');
  client.nowMs += 1_000;
  await client.receive('https://example.com/', 'fourth=1');
  assert.deepEqual(client.names('https://example.com/'), ['fourth', 'plain', 'secure']);
  await client.receive('https://example.com/', 'fifth=1');
  assert.ok(client.names('https://example.com/').includes('secure'));
});

test('CookieJar: many hosts cannot fill the memory', async () => {
  const client = new Client({ maxTotal: 100 });
  for (let at = 0; at < 300; at++) await client.receive(`http://host${at}.example.com/`, 'a=1');
  assert.equal(client.jar.snapshot().size, 100);
  assert.equal(client.sent('http://host199.example.com/'), undefined);
  assert.equal(client.sent('http://host299.example.com/'), 'a=1');
});

test('CookieJar: a host below cannot drive out the cookies of the one above', async () => {
  const client = await received('http://example.com/', 'keep=1');
  await client.receive('http://evil.example.com/', ...Array.from({ length: 200 }, (_, at) => `c${at}=1`));
  assert.equal(client.sent('http://example.com/'), 'keep=1');
});

test('CookieJar: waits for its parser once, and never to send', async () => {
  const jar = new CookieJar();
  const url = new URL('http://example.com/');
  assert.equal(jar.setFromResponse(url, []), undefined);
  const first = jar.setFromResponse(url, ['a=1']);
  const second = jar.setFromResponse(url, ['a=2']);
  assert.ok(first instanceof Promise);
  await Promise.all([first, second]);
  assert.equal(jar.getCookieHeader(url), 'a=2');
  assert.equal(jar.setFromResponse(url, ['b=1']), undefined);
  assert.equal(jar.getCookieHeader('http://example.com/'), 'a=2; b=1');
});

test('CookieJar: saved and read again, cookies go where they went, and to no other host', async () => {
  const client = await received(
    'https://example.com/dir/',
    'own=1',
    'below=1; Domain=example.com; Path=/',
    'tls=1; Secure; HttpOnly; SameSite=Lax',
    'aged=1; Max-Age=60; Path=/',
  );
  const again = new Client({}, client.jar);
  for (const url of [
    'https://example.com/dir/',
    'http://example.com/dir/',
    'https://sub.example.com/dir/',
    'https://example.com/',
  ]) {
    assert.equal(again.sent(url), client.sent(url), url);
  }
  assert.deepEqual(again.names('https://sub.example.com/'), ['below']);
  assert.deepEqual(again.jar.toJSON(), client.jar.toJSON());
  again.nowMs += 60_000;
  assert.equal(again.jar.toJSON().cookies.length, 3);
});

test('CookieJar: what was saved without saying so goes to its host only', () => {
  const cookies = [{ name: 'a', value: '1', domain: 'example.com', path: '/' }];
  const jar = CookieJar.fromJSON({ version: 1, cookies });
  assert.equal(jar.getCookieHeader('http://example.com/'), 'a=1');
  assert.equal(jar.getCookieHeader('http://sub.example.com/'), undefined);
});

test('CookieJar.fromJSON: leaves out what is no cookie, and refuses what is no jar', () => {
  const good = { name: 'a', value: '1', domain: 'example.com', path: '/' };
  const cookies = [
    null,
    5,
    {},
    { ...good, value: 'x\r\ny: z' },
    { ...good, name: 'a;b' },
    { ...good, path: '' },
    { ...good, domain: '1.2.3.4' },
    good,
  ];
  const jar = CookieJar.fromJSON({ version: 1, cookies });
  assert.deepEqual(jar.snapshot(), { size: 1, ignored: 7 });
  for (const json of [null, 'x', {}, { version: 2, cookies: [] }, { version: 1, cookies: {} }]) {
    assert.throws(() => CookieJar.fromJSON(json), TypeError);
  }
});

test('CookieJar: clear removes all, or what is chosen', async () => {
  const client = await received('http://example.com/', 'a=1', 'b=1', 'c=1');
  assert.equal(
    client.jar.clear(({ name }) => name === 'b'),
    1,
  );
  assert.equal(client.sent('http://example.com/'), 'a=1; c=1');
  assert.equal(client.jar.clear(), 2);
  assert.equal(client.sent('http://example.com/'), undefined);
});

test('CookieJar: refuses options that are none', () => {
  for (const options of [{ unsafe: true }, { allowIpHosts: 1 }, { now: 5 }, null]) {
    assert.throws(() => new CookieJar(options as unknown as CookieJarOptions), TypeError);
  }
  for (const options of [{ maxPerHost: 0 }, { maxTotal: '9' }]) {
    assert.throws(() => new CookieJar(options as unknown as CookieJarOptions), RangeError);
  }
});
