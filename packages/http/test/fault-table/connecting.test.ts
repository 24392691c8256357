import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ConnectError, HttpTimeoutError, PolicyError, type HttpError } from '../../src/errors.ts';
import { ClientSession } from '../../src/session/client-session.ts';
import type { LookupFunction } from '../../src/wire/transport.ts';
import { makeCertificates, missingOpenssl } from '../faults/certificates.ts';
import { blackHole, refusedPort, silentServer } from '../faults/dead-ends.ts';
import { elsewhere } from '../faults/elsewhere.ts';
import { startFaultServer } from '../faults/server.ts';
import { pair } from '../session/fixture.ts';
import { tcpServer } from '../transport/fixture.ts';
import { assertIdle, assertSound, failsWith, timed } from './fixture.ts';

const skip = elsewhere;

const nowhere: LookupFunction = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));

test('a name that does not exist: throws ConnectError of phase dns', { skip }, async () => {
  await using at = await pair({ lookup: nowhere });
  const error = await failsWith(at.session.get('http://nowhere.test/'), ConnectError);
  assert.deepEqual([error.phase, error.requestSent], ['dns', false]);
  assert.match(error.message, /no host named nowhere\.test/);
  await assertSound(at);
});

test('connection refused: throws ConnectError of phase tcp', { skip }, async () => {
  await using at = await pair();
  const error = await failsWith(at.session.get(`http://127.0.0.1:${await refusedPort()}/`), ConnectError);
  assert.deepEqual([error.phase, error.requestSent, error.retryable], ['tcp', false, true]);
  assert.match(error.message, /refused/);
  await assertSound(at);
});

test('port 1: is tried, as no port is bad', { skip }, async () => {
  await using at = await pair();
  const error = await failsWith(at.session.get('http://127.0.0.1:1/'), ConnectError);
  assert.match(error.message, /refused/);
  await assertSound(at);
});

test(
  'TLS that is not trusted: throws ConnectError of phase tls that says why',
  { skip: skip || missingOpenssl() },
  async () => {
    await using certificates = await makeCertificates();
    for (const [name, reason] of [
      ['selfSigned', /self-signed/],
      ['expired', /expired/],
      ['notYetValid', /not valid yet/],
      ['wrongHost', /not valid for host localhost/],
      ['unknownAuthority', /not trusted/],
    ] as const) {
      await using server = await startFaultServer({ tls: certificates[name] });
      await using session = new ClientSession({ tls: { ca: certificates.ca }, retry: false });
      const error = await failsWith(session.get(server.url('text')), ConnectError);
      assert.deepEqual([name, error.phase, error.requestSent], [name, 'tls', false]);
      assert.match(error.message, reason);
      assertIdle(session);
      assert.equal(server.requests.length, 0);
    }
  },
);

test('https to a server that speaks no TLS: throws ConnectError of phase tls', { skip }, async () => {
  await using plain = await tcpServer((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  await using at = await pair();
  const error = await failsWith(at.session.get(`https://127.0.0.1:${plain.port}/`), ConnectError);
  assert.deepEqual([error.phase, error.requestSent], ['tls', false]);
  assert.match(error.message, /does not speak TLS/);
  await assertSound(at);
});

test('http to a server that speaks TLS: throws', { skip: skip || missingOpenssl() }, async () => {
  await using certificates = await makeCertificates();
  await using server = await startFaultServer({ tls: certificates.good });
  await using session = new ClientSession({ retry: false, timeout: 5_000 });
  await assert.rejects(session.get(server.url('text').replace('https:', 'http:')).text(), { name: 'ProtocolError' });
  assertIdle(session);
});

test('SYN black hole: the connect limit ends it', { skip }, async (t) => {
  const hole = await blackHole();
  if ('missing' in hole) return t.skip(hole.missing);
  await using _end = hole;
  await using session = new ClientSession({ retry: false, timeout: { connectMs: 200 } });
  const { value: error, ms } = await timed(() =>
    failsWith(session.get(`http://127.0.0.1:${hole.port}/`), HttpTimeoutError),
  );
  assert.deepEqual([error.kind, error.phase, error.requestSent, error.retryable], ['connect', 'tcp', false, true]);
  assert.ok(ms < 1_500, `took ${ms} ms`);
  assertIdle(session);
});

test('TLS handshake that never ends: the connect limit ends it', { skip }, async () => {
  await using silent = await silentServer();
  await using session = new ClientSession({ retry: false, timeout: { connectMs: 200 } });
  const error = await failsWith(session.get(`https://127.0.0.1:${silent.port}/`), HttpTimeoutError);
  assert.deepEqual([error.kind, error.phase, error.requestSent], ['connect', 'tls', false]);
  assertIdle(session);
});

test('DNS that never answers: the connect limit ends it', { skip }, async () => {
  await using session = new ClientSession({
    retry: false,
    timeout: { connectMs: 100 },
    lookup: () => new Promise(() => {}),
  });
  const error = await failsWith(session.get('http://slow.test/'), HttpTimeoutError);
  assert.deepEqual([error.kind, error.phase, error.requestSent], ['connect', 'dns', false]);
  assertIdle(session);
});

test('proxy that never answers CONNECT: the connect limit ends it', { skip }, async () => {
  await using silent = await silentServer();
  const proxy = `http://127.0.0.1:${silent.port}`;
  await using session = new ClientSession({ retry: false, timeout: { connectMs: 100 }, proxy });
  const error = await failsWith(session.get('https://behind.test/'), HttpTimeoutError);
  assert.deepEqual([error.kind, error.phase, error.requestSent], ['connect', 'proxy', false]);
  assertIdle(session);
});

// Addresses ------------------------------------------------------------------------------------------------------------

for (const host of [
  '2130706433', // decimal
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1', // octal
  '127.1',
  '127.0.0.1',
  '0.0.0.0',
  '0',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '169.254.169.254',
  '100.64.0.1',
  '[fd00::1]',
  '[fe80::1]',
  '１２７.0.0.1', // full-width digits
  '127。0。0。1', // ideographic full stops
  'localhost',
]) {
  test(`addressPolicy: http://${host}/ is refused by 'public'`, { skip }, async () => {
    await using at = await pair({ addressPolicy: 'public' });
    const error = await failsWith(at.session.get(`http://${host}:${at.server.port}/fault/text`), PolicyError);
    assert.deepEqual([error.requestSent, error.retryable], [false, false]);
    assert.equal(at.server.connections.total, 0);
    assertIdle(at.session);
  });
}

test('addressPolicy: decimal loopback is reached where any address is allowed', { skip }, async () => {
  await using at = await pair();
  assert.equal(await at.session.get(`http://2130706433:${at.server.port}/fault/text`).text(), 'ok');
});

test('addressPolicy: holds for a redirect, in each spelling', { skip }, async () => {
  await using inner = await startFaultServer();
  const allowed = (_address: string, hostname: string): boolean => hostname === 'front.test';
  const lookup: LookupFunction = async () => [{ address: '127.0.0.1', family: 4 }];
  await using at = await pair({ addressPolicy: allowed, lookup });
  const front = `http://front.test:${at.server.port}`;
  for (const host of ['127.0.0.1', '2130706433', '[::ffff:127.0.0.1]', 'inner.test', 'localhost']) {
    const to = `http://${host}:${inner.port}/fault/text`;
    const error: HttpError = await failsWith(at.session.get(`${front}/fault/redirect`, { query: { to } }), PolicyError);
    assert.match(error.url, /^http:\/\/(?!front)/);
  }
  assert.equal(inner.connections.total, 0);
  await at.session.get(`${front}/fault/text`).text();
});

test('addressPolicy: a name that is public first and 127.0.0.1 later is refused then', { skip }, async () => {
  let turn = 0;
  const lookup: LookupFunction = async () => [
    turn++ === 0 ? { address: '93.184.216.34', family: 4 } : { address: '127.0.0.1', family: 4 },
  ];
  await using at = await pair({ addressPolicy: 'public', lookup, dnsCacheMs: 1, timeout: { connectMs: 100 } });
  const url = `http://rebound.test:${at.server.port}/fault/text`;
  // Nobody answers there, or no network leads there: it was allowed.
  const first = await at.session.get(url).then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  assert.notEqual(first?.name, 'PolicyError');
  await new Promise((resolve) => setTimeout(resolve, 5));
  await failsWith(at.session.get(url), PolicyError);
  assert.equal(at.server.connections.total, 0);
});

test('addressPolicy: connects to the address that was judged, and looks up once', { skip }, async () => {
  const judged: string[] = [];
  let lookups = 0;
  const lookup: LookupFunction = async () => {
    lookups++;
    // Whoever looks up twice is sent elsewhere the second time.
    return [{ address: lookups === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }];
  };
  await using at = await pair({ lookup, addressPolicy: (address) => (judged.push(address), address === '127.0.0.1') });
  assert.equal(await at.session.get(`http://once.test:${at.server.port}/fault/text`).text(), 'ok');
  assert.deepEqual([judged, lookups], [['127.0.0.1'], 1]);
});

test('addressPolicy: of several addresses only those that are allowed are tried', { skip }, async () => {
  const lookup: LookupFunction = async () => [
    { address: '127.0.0.2', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ];
  await using at = await pair({ lookup, addressPolicy: (address) => address === '127.0.0.1' });
  assert.equal(await at.session.get(`http://two.test:${at.server.port}/fault/text`).text(), 'ok');
});

test('addressPolicy: one that throws refuses', { skip }, async () => {
  await using at = await pair({
    addressPolicy: () => {
      throw new Error('broken');
    },
  });
  await failsWith(at.session.get('/fault/text'), PolicyError);
  assert.equal(at.server.connections.total, 0);
});

test('addressPolicy: no proxy is a way around it', { skip }, async () => {
  await using at = await pair();
  await using session = new ClientSession({ addressPolicy: 'public', proxy: at.server.origin, retry: false });
  await failsWith(session.get('http://127.0.0.1:9/'), PolicyError);
  await failsWith(session.get('https://127.0.0.1:9/'), PolicyError);
  assert.equal(at.server.connections.total, 0);
});

test('addressPolicy: a socket of the file system is refused with it', { skip }, () => {
  assert.throws(() => new ClientSession({ addressPolicy: 'public', socketPath: '/var/run/docker.sock' }), TypeError);
});

test('lookup: the names of a session that asks for many are not kept for ever', { skip }, async () => {
  let lookups = 0;
  const lookup: LookupFunction = async () => {
    lookups++;
    return [{ address: '127.0.0.1', family: 4 }];
  };
  await using at = await pair({ lookup, addressPolicy: () => false, dnsCacheMs: Infinity, limits: { total: 50 } });
  const ask = (n: number): Promise<unknown> => at.session.get(`http://h${n}.test/`).then(undefined, () => undefined);
  for (let n = 0; n < 1_200; n += 50) await Promise.all(Array.from({ length: 50 }, (_, i) => ask(n + i)));
  assert.equal(lookups, 1_200);
  await ask(1_199);
  assert.equal(lookups, 1_200, 'the last name was kept');
  await ask(0);
  assert.equal(lookups, 1_201, 'the first name was kept');
});
