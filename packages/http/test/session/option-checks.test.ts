import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkedOptions, falseOr, isCount, isMs, oneOf, type OptionChecks } from '../../src/session/option-checks.ts';
import { shown } from '../../src/internal/checks.ts';
import { ClientSession } from '../../src/session/client-session.ts';
import { makeCertificates, missingOpenssl } from '../faults/certificates.ts';
import { startFaultServer } from '../faults/server.ts';
import { errorOf, pair } from './fixture.ts';

const CHECKS: OptionChecks = { count: isCount, ms: isMs, word: oneOf('a', 'b'), off: falseOr(isCount) };

interface Given {
  readonly count?: number;
  readonly ms?: number;
  readonly word?: string;
  readonly off?: false | number;
}

const read = (given: unknown): Partial<Given> => checkedOptions(given as Given, CHECKS, 'open');

test('checkedOptions: gives those that are there, in a record without a prototype', () => {
  const options = read({ count: 1, word: undefined });
  assert.equal(Object.getPrototypeOf(options), null);
  assert.deepEqual(Object.keys(options), ['count']);
  assert.deepEqual(Object.keys(read(undefined)), []);
});

test('checkedOptions: refuses one that is unknown, also where it is a property of every object', () => {
  for (const name of ['coutn', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.throws(
      () => read({ [name]: 1 }),
      new RegExp(`^TypeError: Cannot call open as its options are count, ms, word, off: current value has ${name}$`),
    );
  }
});

test('checkedOptions: one that is unknown and undefined is let be', () => {
  assert.deepEqual(Object.keys(read({ coutn: undefined })), []);
});

test('ClientSession: what is wrong with auth is told without showing it', async () => {
  await using at = await pair();
  for (const auth of ['user:hunter2', ['user', 'hunter2'], { username: 'user', password: 1, hunter2: 1 }]) {
    const error = await errorOf(at.session.get('/', { auth: auth as never }));
    assert.ok(error instanceof TypeError);
    assert.doesNotMatch(error.message, /hunter2/);
  }
  assert.equal(at.server.connections.total, 0);
});

for (const given of [null, 5, 'text', [], () => 1]) {
  test(`checkedOptions: refuses ${shown(given)} for options`, () => {
    assert.throws(() => read(given), /^TypeError: Cannot call open as its options are an object/);
  });
}

test('checkedOptions: reads each option once', () => {
  let times = 0;
  const given = {
    get count() {
      times++;
      return times;
    },
  };
  assert.equal(read(given).count, 1);
  assert.equal(times, 1);
});

for (const given of [
  { count: 0 },
  { count: 1.5 },
  { count: '1' },
  { ms: 0 },
  { ms: Number.NaN },
  { word: 'c' },
  { off: true },
]) {
  test(`checkedOptions: refuses ${JSON.stringify(given)} with what it takes`, () => {
    assert.throws(() => read(given), /^TypeError: Cannot call open as \{ \w+ \} takes .*: current value is /);
  });
}

test('checkedOptions: takes Infinity where a count or a time is one, and false where it may be', () => {
  assert.deepEqual(
    { ...read({ count: Infinity, ms: Infinity, off: false }) },
    { count: Infinity, ms: Infinity, off: false },
  );
});

// Prototype pollution --------------------------------------------------------------------------------------------------

/** Runs `body` while Object.prototype has what an attacker put there. */
async function polluted(properties: Record<string, unknown>, body: () => Promise<void>): Promise<void> {
  const victim = Object.getPrototypeOf({}) as Record<string, unknown>;
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(victim, name, { value, configurable: true, writable: true, enumerable: false });
  }
  try {
    await body();
  } finally {
    for (const name of Object.keys(properties)) delete victim[name];
  }
}

test('ClientSession: what is in Object.prototype reaches no request', async () => {
  const seen: unknown[] = [];
  const evil = {
    headers: { 'x-evil': '1' },
    auth: { username: 'evil', password: 'evil' },
    query: { evil: '1' },
    json: { evil: true },
    body: 'evil',
    baseUrl: 'http://evil.example/',
    proxy: 'http://evil.example:1/',
    socketPath: '/tmp/evil.sock',
    localAddress: '192.0.2.1',
    totalMs: 1,
    redirect: false,
    raiseForStatus: true,
    decompress: false,
    maxBytes: 1,
    max: 0,
    use: [() => seen.push('use')],
    allow: () => seen.push('allow'),
    lookup: () => seen.push('lookup'),
    retry: false,
    total: 1,
    rejectUnauthorized: false,
  };
  await using at = await pair(
    {},
    { '/moved': (exchange) => exchange.respond(302, '', { Location: '/fault/echo?status=200' }) },
  );
  await polluted(evil, async () => {
    const session = new ClientSession({ baseUrl: at.server.origin });
    const { headers, target, method, body } = await session
      .get('/moved')
      .json<{ headers: [string, string][]; target: string; method: string; body: string }>();
    assert.deepEqual([target, method, body], ['/fault/echo?status=200', 'GET', '']);
    const names = headers.map(([name]) => name.toLowerCase()).sort();
    assert.deepEqual(
      names.filter((name) => /evil|authorization|content/.test(name)),
      [],
    );
    const posted = await session.post('/fault/echo', { form: { a: 1 } }).json<{ body: string }>();
    assert.equal(posted.body, 'a=1');
    assert.equal((await session.get('/fault/status?status=500', { retry: false })).status, 500);
    await session.close();
  });
  assert.deepEqual(seen, []);
});

for (const tls of [
  { rejectUnauthorised: false },
  { rejectUnauthorized: 0 },
  { minVersion: 'SSLv3' },
  { servername: 1 },
]) {
  test(`ClientSession: refuses tls of ${JSON.stringify(tls)}`, () => {
    assert.throws(
      () => new ClientSession({ tls: tls as never }),
      /^TypeError: Cannot call new ClientSession, \{ tls \},/,
    );
  });
}

test(
  'ClientSession: certificates are checked whatever is in Object.prototype',
  { skip: missingOpenssl() },
  async () => {
    await using certificates = await makeCertificates();
    await using server = await startFaultServer({ tls: certificates.selfSigned });
    await polluted({ rejectUnauthorized: false, checkServerIdentity: () => undefined }, async () => {
      await using session = new ClientSession({ baseUrl: server.origin, tls: { ca: certificates.ca }, retry: false });
      assert.equal((await errorOf(session.get('/fault/text'))).name, 'ConnectError');
    });
    assert.equal(server.requests.length, 0);
  },
);

test('cookies: what is no jar is refused at once', () => {
  for (const cookies of [{}, { getCookieHeader: () => '' }, true, null]) {
    assert.throws(
      () => new ClientSession({ cookies: cookies as never }),
      /^TypeError: Cannot call new ClientSession as \{ cookies \}/,
    );
  }
});
