import assert from 'node:assert/strict';
import {
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { test } from 'node:test';

import { ca, cert, key } from './certificates.ts';
import { get, listening, Recorder, transportOf, type TestServer } from './fixture.ts';

interface H2Server extends TestServer {
  readonly server: Http2SecureServer;
  readonly sessions: Set<ServerHttp2Session>;
}

async function h2Server(onStream: (stream: ServerHttp2Stream, path: string) => void): Promise<H2Server> {
  const server = createSecureServer({ key, cert });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    onStream(stream, String(headers[':path']));
  });
  return Object.assign(await listening(server as unknown as Parameters<typeof listening>[0], 'https'), {
    server,
    sessions,
  });
}

const auto = { http: 'auto', tls: { ca } } as const;

function answer(stream: ServerHttp2Stream, path: string): void {
  if (path === '/silent') return;
  stream.respond({ ':status': 200, 'x-path': path });
  if (path === '/begun') stream.write('begun');
  else stream.end(path);
}

test('HTTP/2: the first burst waits for one handshake and shares one connection', async () => {
  await using server = await h2Server(answer);
  await using transport = transportOf(auto);
  const sinks = Array.from({ length: 50 }, () => new Recorder());
  for (const sink of sinks) transport.send(get(`${server.url}x`), sink);
  await Promise.all(sinks.map((sink) => sink.settled));
  for (const sink of sinks) {
    assert.equal(sink.text, '/x', sink.failure?.message);
    assert.equal(sink.info?.protocol, 'h2');
    assert.ok(sink.phases.length > 0);
  }
  assert.equal(server.accepted, 1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(transport.snapshot(), { open: 1, idle: 1, connecting: 0 });
});

test('HTTP/2: aborting one stream leaves the others, whatever it was doing', async () => {
  await using server = await h2Server(answer);
  await using transport = transportOf(auto);
  const begun = new Recorder();
  const silent = new Recorder();
  const first = transport.send(get(`${server.url}begun`), begun);
  const second = transport.send(get(`${server.url}silent`), silent);
  await Promise.all([begun.when('data'), silent.when('send')]);
  const later = new Recorder();
  transport.send(get(`${server.url}later`), later);
  first.abort();
  second.abort();
  await later.settled;
  assert.equal(later.text, '/later', later.failure?.message);
  assert.equal(begun.trace.at(-1), 'data');
  assert.equal(silent.trace.at(-1), 'send');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(transport.snapshot(), { open: 1, idle: 1, connecting: 0 });
  assert.equal(server.accepted, 1);
});

test('HTTP/2: aborting some of the burst leaves the handshake to the others, aborting all ends it', async () => {
  await using server = await h2Server(answer);
  await using transport = transportOf(auto);
  const sinks = [new Recorder(), new Recorder(), new Recorder()];
  const calls = sinks.map((sink) => transport.send(get(`${server.url}x`), sink));
  await sinks[0]?.when('connecting tcp');
  calls[0]?.abort();
  calls[1]?.abort();
  assert.equal(transport.snapshot().connecting, 1);
  await sinks[2]?.settled;
  assert.equal(sinks[2]?.text, '/x');

  await using other = transportOf(auto);
  const all = [new Recorder(), new Recorder()];
  const both = all.map((sink) => other.send(get(`${server.url}x`), sink));
  await all[0]?.when('connecting tcp');
  for (const call of both) call.abort();
  assert.deepEqual(other.snapshot(), { open: 0, idle: 0, connecting: 0 });
});

test('HTTP/2: a lost connection fails all of its exchanges, and the next makes a new one', async () => {
  await using server = await h2Server(answer);
  await using transport = transportOf(auto);
  const sinks = [new Recorder(), new Recorder(), new Recorder()];
  const [begun, silent, other] = sinks as [Recorder, Recorder, Recorder];
  transport.send(get(`${server.url}begun`), begun);
  transport.send(get(`${server.url}silent`), silent);
  transport.send(get(`${server.url}silent`), other);
  await Promise.all([begun.when('data'), silent.when('send'), other.when('send')]);
  for (const socket of server.sockets) socket.destroy();
  await Promise.all(sinks.map((sink) => sink.settled));
  assert.deepEqual(
    sinks.map((sink) => sink.failure?.kind),
    ['truncated', 'closed', 'closed'],
  );
  const next = new Recorder();
  transport.send(get(`${server.url}x`), next);
  await next.settled;
  assert.equal(next.text, '/x', next.failure?.message);
});

test('HTTP/2: GOAWAY ends the exchanges, none of them hangs, and the next makes a new connection', async () => {
  await using server = await h2Server(answer);
  await using transport = transportOf(auto);
  const sinks = [new Recorder(), new Recorder(), new Recorder()];
  for (const sink of sinks) transport.send(get(`${server.url}silent`), sink);
  await Promise.all(sinks.map((sink) => sink.when('send')));
  while (server.sessions.size === 0) await new Promise((resolve) => setImmediate(resolve));
  for (const session of server.sessions) session.goaway();
  await Promise.all(sinks.map((sink) => sink.settled));
  for (const { failure } of sinks) assert.equal(failure?.kind, 'closed');
  const next = new Recorder();
  transport.send(get(`${server.url}x`), next);
  await next.settled;
  assert.equal(next.text, '/x', next.failure?.message);
});

test('HTTP/2: a stream that is reset fails alone', async () => {
  await using server = await h2Server((stream, path) => {
    if (path === '/reset') stream.close(2);
    else answer(stream, path);
  });
  await using transport = transportOf(auto);
  const sinks = ['reset', 'x'].map((path) => {
    const sink = new Recorder();
    transport.send(get(server.url + path), sink);
    return sink;
  });
  await Promise.all(sinks.map((sink) => sink.settled));
  assert.equal(sinks[0]?.failure?.kind, 'closed');
  assert.equal(sinks[1]?.text, '/x');
  assert.equal(server.accepted, 1);
});

test('HTTP/2: uploads from a source do not wait for others, and hold none back', async () => {
  await using server = await h2Server((stream, path) => {
    if (path !== '/upload') return answer(stream, path);
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  await using transport = transportOf(auto);
  const silent = new Recorder();
  transport.send(get(`${server.url}silent`), silent);
  await silent.when('send');
  const upload = new Recorder();
  const body = (async function* () {
    yield Buffer.from('ab');
    yield Buffer.from('cd');
  })();
  transport.send(get(`${server.url}upload`, { method: 'POST', body }), upload);
  const small = new Recorder();
  transport.send(get(`${server.url}upload`, { method: 'POST', body: Buffer.from('bytes') }), small);
  await Promise.all([upload.settled, small.settled]);
  assert.equal(upload.text, 'abcd', upload.failure?.message);
  assert.equal(small.text, 'bytes', small.failure?.message);
});

test('HTTP/2: a pause holds its own stream back, no other', async () => {
  let written = 0;
  await using server = await h2Server((stream, path) => {
    if (path !== '/big') return answer(stream, path);
    stream.respond({ ':status': 200 });
    const more = (): void => {
      while (written < 2 ** 24) {
        written += 65_536;
        if (!stream.write(Buffer.alloc(65_536))) return void stream.once('drain', more);
      }
      stream.end();
    };
    more();
  });
  await using transport = transportOf(auto);
  const big = new Recorder();
  big.more = false;
  const call = transport.send(get(`${server.url}big`), big);
  await big.when('data');
  const small = new Recorder();
  transport.send(get(`${server.url}x`), small);
  await small.settled;
  assert.equal(small.text, '/x');
  assert.ok(written < 2 ** 24);
  big.more = true;
  call.resume();
  await big.settled;
  assert.equal(
    big.chunks.reduce((sum, each) => sum + each.length, 0),
    2 ** 24,
  );
});

test('HTTP/2: an idle connection is closed after keepAliveMs', async () => {
  await using server = await h2Server(answer);
  await using transport = transportOf({ ...auto, keepAliveMs: 20 });
  const sink = new Recorder();
  transport.send(get(server.url), sink);
  await sink.settled;
  await server.empty();
  while (transport.snapshot().open > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("HTTP/2: http 'auto' speaks HTTP/1.1 where the server knows no other, and http 1 offers no other", async () => {
  const plain = createTlsServer({ key, cert }, (_request, response) => response.end('one'));
  await using one = await listening(plain, 'https');
  await using transport = transportOf(auto);
  const sinks = [new Recorder(), new Recorder(), new Recorder()];
  for (const sink of sinks) transport.send(get(one.url), sink);
  await Promise.all(sinks.map((sink) => sink.settled));
  for (const sink of sinks) {
    assert.equal(sink.text, 'one');
    assert.equal(sink.info?.protocol, 'h1');
  }
  await using server = await h2Server(answer);
  await using old = transportOf({ tls: { ca } });
  const refused = new Recorder();
  old.send(get(server.url), refused);
  await refused.settled;
  assert.ok(refused.failure);
});

test('HTTP/2: storms of aborts leave the connection whole', async () => {
  await using server = await h2Server(answer);
  await using transport = transportOf(auto);
  for (let round = 0; round < 10; round++) {
    const calls = Array.from({ length: 50 }, (_, i) => {
      const path = ['silent', 'begun', 'x'][i % 3];
      return transport.send(get(`${server.url}${path}`), new Recorder());
    });
    while (calls.length > 0) {
      calls.splice(Math.floor(Math.random() * calls.length), 1)[0]?.abort();
      if (Math.random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const sink = new Recorder();
  transport.send(get(`${server.url}x`), sink);
  await sink.settled;
  assert.equal(sink.text, '/x', sink.failure?.message);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(transport.snapshot().open, transport.snapshot().idle);
});

test('HTTP/2: an upload of another length than was said fails as an upload, alone', async () => {
  await using server = await h2Server((stream, path) => {
    if (path !== '/upload') return answer(stream, path);
    stream.resume();
  });
  await using transport = transportOf(auto);
  for (const bodyLength of [3, 5]) {
    const sink = new Recorder();
    const body = (async function* () {
      yield Buffer.from('four');
    })();
    transport.send(get(`${server.url}upload`, { method: 'POST', body, bodyLength }), sink);
    await sink.settled;
    assert.equal(sink.failure?.kind, 'upload', sink.failure?.message);
  }
  const sink = new Recorder();
  transport.send(get(`${server.url}x`), sink);
  await sink.settled;
  assert.equal(sink.text, '/x');
});

for (const how of ['aborted', 'failed by its source', 'shorter than it was said to be']) {
  test(`HTTP/2: to the server an upload that was ${how} has no end, and other streams go on`, async () => {
    let arrived!: () => void;
    let closed!: (ended: boolean) => void;
    const begun = new Promise<void>((resolve) => (arrived = resolve));
    const ended = new Promise<boolean>((resolve) => (closed = resolve));
    await using server = await h2Server((stream, path) => {
      if (path !== '/upload') return answer(stream, path);
      let whole = false;
      stream.on('data', () => arrived());
      stream.on('end', () => (whole = !stream.aborted));
      stream.on('close', () => closed(whole));
    });
    await using transport = transportOf(auto);
    const body = (async function* () {
      yield Buffer.from('half');
      await begun;
      if (how === 'failed by its source') throw new Error('gone');
      if (how === 'aborted') await new Promise(() => {});
    })();
    const sink = new Recorder();
    const length = how === 'shorter than it was said to be' ? 8 : undefined;
    const call = transport.send(get(`${server.url}upload`, { method: 'PUT', body, bodyLength: length }), sink);
    await begun;
    const other = new Recorder();
    transport.send(get(`${server.url}x`), other);
    if (how === 'aborted') call.abort();
    assert.equal(await ended, false);
    await other.settled;
    assert.equal(other.text, '/x', other.failure?.message);
    assert.equal(server.sessions.size, 1);
  });
}

test('HTTP/2: an empty body of known length is sent, and one of GET is refused', async () => {
  await using server = await h2Server((stream, path) => {
    if (path !== '/upload') return answer(stream, path);
    stream.resume();
    stream.on('end', () => {
      stream.respond({ ':status': 200 });
      stream.end('empty');
    });
  });
  await using transport = transportOf(auto);
  const sink = new Recorder();
  const body = (async function* (): AsyncGenerator<Uint8Array> {})();
  transport.send(get(`${server.url}upload`, { method: 'POST', body, bodyLength: 0 }), sink);
  await sink.settled;
  assert.equal(sink.text, 'empty', sink.failure?.message);
  const refused = new Recorder();
  transport.send(get(`${server.url}upload`, { body: Buffer.from('x') }), refused);
  await refused.settled;
  assert.equal(refused.failure?.kind, 'unsupported');
});

test('HTTP/2: trailers are given at the end, and a large head is a failure', async () => {
  await using server = await h2Server((stream, path) => {
    if (path === '/large') {
      stream.respond({ ':status': 200, x: 'a'.repeat(20_000) });
      stream.end();
      return;
    }
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7' }));
    stream.end('body');
  });
  await using transport = transportOf(auto);
  const sink = new Recorder();
  transport.send(get(server.url), sink);
  await sink.settled;
  assert.equal(sink.text, 'body');
  assert.deepEqual(sink.trailers, ['x-sum', '7']);
  const large = new Recorder();
  transport.send(get(`${server.url}large`), large);
  await large.settled;
  assert.equal(large.failure?.kind, 'protocol');
});
