import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { bytesOf } from './bodies.ts';
import { makeCertificates, missingOpenssl } from './certificates.ts';
import { elsewhere } from './elsewhere.ts';
import { textOf } from './encodings.ts';
import { requestFor, speak, type RawAnswer } from './raw-client.ts';
import { startFaultServer, type FaultServer } from './server.ts';
import { faults, type FaultName } from './table.ts';

/** Everything that comes for one request, until the server ends or `until` is there. */
async function ask(server: FaultServer, url: string, until?: string | RegExp): Promise<RawAnswer> {
  return await speak(server.port, requestFor(url), (text) => until !== undefined && text.search(until) >= 0);
}

test('faultd: records what arrived, byte for byte, and echoes it', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  const url = server.url('echo', { status: 201 });
  const headers = { 'X-a': 'b', 'x-A': 'c', 'Transfer-Encoding': 'chunked' };
  const text = `${requestFor(url, headers, 'POST')}3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`;
  const answer = await speak(server.port, text, (came) => came.endsWith('}'));
  assert.match(answer.text, /^HTTP\/1.1 201 .*"body":"hello","bodyBytes":5\}$/s);
  const request = await server.waitFor(({ requests }) => requests.find(({ bodyComplete }) => bodyComplete));
  assert.deepEqual(request.rawHeaders.slice(1, 3), [
    ['X-a', 'b'],
    ['x-A', 'c'],
  ]);
  assert.equal(request.headers['x-a'], 'b, c');
  assert.deepEqual([request.method, request.path, request.connection, request.turn], ['POST', '/fault/echo', 1, 1]);
});

test(
  'faultd: answers the requests of one connection in turn, and knows when no socket is open',
  { skip: elsewhere },
  async () => {
    await using server = await startFaultServer();
    const one = requestFor(server.url('text', { body: 'one' }));
    const two = requestFor(server.url('text', { body: 'two' }), { Connection: 'close' });
    const { text, end } = await speak(server.port, one + two);
    assert.match(text, /one.*two/s);
    assert.equal(end, 'fin');
    await server.idle();
    assert.deepEqual({ ...server.connections, all: [] }, { open: 0, total: 1, maxOpen: 1, all: [] });
    assert.deepEqual(server.inFlight, { now: 0, max: 1 });
  },
);

test('faultd: closes with requests in flight of which nobody will ever hear', { skip: elsewhere }, async () => {
  const server = await startFaultServer();
  const asked = speak(server.port, requestFor(server.url('no-answer')));
  await server.waitFor(({ inFlight }) => inFlight.now === 1);
  await server.close();
  assert.equal((await asked).text, '');
  assert.equal(server.requests[0]?.abandoned, true);
});

test('faultd: refuses names and parameters that it does not know', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  assert.throws(() => server.url('no-such' as FaultName), /name must be in table/);
  assert.throws(() => server.url('text', { bodi: 'x' } as object), /parameters are body, type: current value is bodi/);
  assert.match((await ask(server, '/fault/text?bodi=x', 'bodi')).text, /^HTTP\/1.1 400 /);
  assert.match((await ask(server, '/elsewhere', 'route')).text, /^HTTP\/1.1 404 /);
});

test('faultd: lets a path follow the name, and takes answers by path', { skip: elsewhere }, async () => {
  await using server = await startFaultServer({
    routes: {
      '/one': (exchange) => exchange.respond(200, 'one'),
      '/many/*': (exchange) => exchange.respond(200, exchange.request.path.slice('/many/'.length)),
    },
  });
  const named = server.url('text', { body: 'yes' }, 'a/b.txt');
  assert.ok(named.endsWith('/fault/text/a/b.txt?body=yes'));
  assert.equal(await (await fetch(named)).text(), 'yes');
  assert.equal(await (await fetch(server.url('/one'))).text(), 'one');
  assert.equal(await (await fetch(server.url('/many/a/b'))).text(), 'a/b');
});

test('faultd: says in an error of close() which fault failed', { skip: elsewhere }, async () => {
  const server = await startFaultServer({ routes: { '/broken': () => Promise.reject(new Error('oops')) } });
  await ask(server, server.url('/broken'));
  await assert.rejects(server.close(), AggregateError);
});

test('faults: end the way they say', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  const expected: [FaultName, RawAnswer['end'], RegExp][] = [
    ['reset-before', 'rst', /^$/],
    ['reset-in-body', 'rst', /\.{100}$/],
    ['fin-before', 'fin', /^$/],
    ['fin-in-head', 'fin', /Content-Le$/],
    ['cut-length', 'fin', /Content-Length: 1000\r\n\r\n\.{100}$/],
    ['cut-chunked', 'fin', /\r\n\r\n64\r\n\.{100}\r\n$/],
    ['close-after', 'fin', /keep-alive\r\n.*\r\n\r\nok$/s],
    ['http-0.9', 'fin', /^<html>/],
    ['bad-length', 'fin', /Content-Length: -1\r\n/],
  ];
  for (const [name, end, pattern] of expected) {
    const answer = await ask(server, server.url(name));
    assert.equal(answer.end, end, name);
    assert.match(answer.text, pattern, name);
  }
});

test('faults: send what they say', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  const expected: [string, RegExp][] = [
    [server.url('early-hints'), /^HTTP\/1.1 103 .*HTTP\/1.1 200 .*ok$/s],
    [server.url('continues', { n: 1_000 }), /^(HTTP\/1.1 100 Continue\r\n\r\n){1000}HTTP\/1.1 200 .*ok$/s],
    [server.url('glued-answer'), /first.*poison$/s],
    [server.url('long-length'), /\r\n\r\n\.{100}!{20}$/],
    [server.url('header-nul'), /X-Nul: a\0b.*ok$/s],
    [server.url('many-headers'), /X-0: 0.*X-2999: 2999.*ok$/s],
    [server.url('raw', { bytes: 'a\r\n\xff', then: 'keep' }), /^a\r\n\xff$/],
    [server.url('status', { status: 429, retryAfter: '7' }), /^HTTP\/1.1 429 .*Retry-After: 7\r\n.*\r\n\r\n$/s],
    [server.url('status', { retryDateIn: 60 }), /Retry-After: \w+, \d+ \w+ \d+ [\d:]+ GMT\r\n.*\r\n\r\n$/s],
    [server.url('redirect', { to: 'file:///etc/passwd' }), /Location: file:\/\/\/etc\/passwd\r\n.*elsewhere$/s],
    [server.url('redirect-endless', { n: 5 }), /Location: \/fault\/redirect-endless\?n=6\r\n.*further$/s],
    [server.url('events', { n: 1, retry: 5 }), /retry: 5\n\n.*id: 1\ndata: event 1\n\n\r\n0\r\n\r\n$/s],
  ];
  for (const [url, pattern] of expected) assert.match((await ask(server, url, pattern)).text, pattern, url);
});

test('faults: those without end go on until the client goes', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  const endless: FaultName[] = ['endless-body', 'endless-1xx', 'endless-headers', 'endless-trailers', 'endless-bomb'];
  for (const name of endless) await speak(server.port, requestFor(server.url(name)), (text) => text.length > 500);
  await server.idle();
  assert.deepEqual(new Set(server.requests.map(({ abandoned }) => abandoned)), new Set([true]));
});

test('gzip-bomb: is a thousand times larger than it looks', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  const body = await rawBody(server, server.url('gzip-bomb', { mib: 8, members: 2 }));
  assert.equal(gunzipSync(body).length, 16 * 1_048_576);
  assert.ok(body.length < 20_000);
});

test('cut-encoding: is complete HTTP and incomplete gzip', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  const body = await rawBody(server, server.url('cut-encoding'));
  assert.throws(() => gunzipSync(body), /unexpected end of file/);
  const whole = await rawBody(server, server.url('encoded'));
  assert.equal(gunzipSync(whole).toString(), textOf(12_000));
});

test('flaky: fails as often as it is told, for each key', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  const statuses = [];
  for (const key of ['a', 'a', 'b', 'a', 'b']) {
    statuses.push((await fetch(server.url('flaky', { key, fails: 1 }))).status);
  }
  assert.deepEqual(statuses, [503, 200, 503, 200, 200]);
});

test('file: gives parts of one version, and the whole of another', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  const url = server.url('file', { bytes: 1_000, change: 2 });
  const etag = (await fetch(url)).headers.get('etag') ?? '';
  const headers = { Range: 'bytes=900-', 'If-Range': etag };
  const part = await fetch(url, { headers });
  assert.equal(part.headers.get('content-range'), 'bytes 900-999/1000');
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytesOf(1_000, 1).subarray(900));
  const whole = await fetch(url, { headers });
  assert.equal(whole.status, 200);
  assert.deepEqual(Buffer.from(await whole.arrayBuffer()), bytesOf(1_000, 2));
  assert.equal((await fetch(server.url('file', { bytes: 10 }), { headers: { Range: 'bytes=10-' } })).status, 416);
});

test('faultd: has certificates that are good and bad', { skip: elsewhere || missingOpenssl() }, async () => {
  await using certificates = await makeCertificates();
  const { ca } = certificates;
  const codes: Record<string, string> = {};
  for (const name of ['good', 'selfSigned', 'expired', 'wrongHost', 'unknownAuthority'] as const) {
    await using server = await startFaultServer({ tls: certificates[name] });
    codes[name] = await new Promise((resolve) => {
      const socket = connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca }, () => {
        socket.write(requestFor(server.url('reset-before')));
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    await server.idle();
  }
  assert.deepEqual(codes, {
    good: 'ECONNRESET',
    selfSigned: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    expired: 'CERT_HAS_EXPIRED',
    wrongHost: 'ERR_TLS_CERT_ALTNAME_INVALID',
    unknownAuthority: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  });
});

test('faults: all run with their defaults, and none outlives its client', { skip: elsewhere }, async () => {
  const server = await startFaultServer();
  await Promise.all(
    Object.keys(faults).map((name) => {
      const head = requestFor(`/fault/${name}`, { 'Content-Length': '5' }, 'POST');
      return Promise.race([
        speak(server.port, `${head}hello`, (text) => text.length > 0),
        server.waitFor(({ requests }) => requests.find(({ path }) => path === `/fault/${name}`)),
      ]);
    }),
  );
  await server.close();
  assert.equal(server.requests.length, Object.keys(faults).length);
});

test('faultd: the table at the top of server.ts has all the faults', { skip: elsewhere }, async () => {
  const source = await readFile(new URL('../../../test/faults/server.ts', import.meta.url), 'utf8');
  const rows = [...source.slice(0, source.indexOf('*/')).matchAll(/^ \* {5,}(?:[\w-]+\.ts  +)?((?:[a-z\d.-]+ ?)+)$/gm)];
  const named = rows.flatMap(([, names = '']) => names.trim().split(' '));
  assert.deepEqual(named.sort(), Object.keys(faults).sort());
});

/** The body as it is on the wire, which fetch would decode. */
async function rawBody(server: FaultServer, url: string): Promise<Buffer> {
  const { text } = await speak(server.port, requestFor(url, { Connection: 'close' }));
  return Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1');
}
