import assert from 'node:assert/strict';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTlsServer } from 'node:tls';
import { test } from 'node:test';

import { ca, cert, key } from './certificates.ts';
import { get, listening, Recorder, transportOf, type TestServer } from './fixture.ts';

/** A server of HTTP/2 that does one wrong thing with a stream, or with the whole connection. */
const streamFaults: Readonly<Record<string, (stream: ServerHttp2Stream) => void>> = {
  'closes the session politely': (stream) => stream.session?.close(),
  'closes the session politely within the body': (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('part');
    stream.session?.close();
  },
  'destroys the session': (stream) => stream.session?.destroy(),
  'destroys the session with an error code': (stream) => stream.session?.destroy(undefined, 2),
  'destroys the session within the body': (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('part', () => stream.session?.destroy());
  },
  'resets the stream without an error': (stream) => stream.close(0),
  'cancels the stream': (stream) => stream.close(8),
  'refuses the stream': (stream) => stream.close(7),
  'resets the stream within the body': (stream) => {
    stream.respond({ ':status': 200, 'content-length': 10 });
    stream.write('part', () => stream.close(2));
  },
  'ends the body short of its length': (stream) => {
    stream.respond({ ':status': 200, 'content-length': 10 });
    stream.end('part');
  },
  'says goodbye, and answers': (stream) => {
    stream.session?.goaway(0, stream.id);
    stream.respond({ ':status': 200 });
    stream.end('whole');
  },
  'says goodbye to later streams within the body': (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('part', () => stream.session?.goaway(0, 0));
  },
  'sends many fields': (stream) => {
    stream.respond({ ':status': 200, ...Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x-${i}`, 'y'])) });
    stream.end();
  },
  'answers with informational responses alone': (stream) => {
    for (let i = 0; i < 5; i++) stream.additionalHeaders({ ':status': 103 });
    stream.close();
  },
};

async function sessionServer(fault: (stream: ServerHttp2Stream) => void): Promise<TestServer> {
  const server = createSecureServer({ key, cert });
  server.on('session', (session) => session.on('error', () => {}));
  server.on('sessionError', () => {});
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.resume();
    fault(stream);
  });
  return listening(server, 'https');
}

/** One that agrees to HTTP/2 and then writes something else. */
function rawServer(bytes: Uint8Array | string, end: boolean): Promise<TestServer> {
  const server = createTlsServer({ key, cert, ALPNProtocols: ['h2'] }, (socket) => {
    socket.on('error', () => {});
    socket.resume();
    socket.write(bytes);
    if (end) socket.end();
  });
  return listening(server, 'https');
}

const SETTINGS = Buffer.from('000000040000000000', 'hex');
const rawFaults: Readonly<Record<string, () => Promise<TestServer>>> = {
  'speaks HTTP/1.1': () => rawServer('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n', false),
  'speaks nonsense': () => rawServer(Buffer.alloc(1_000, 7), false),
  'closes at once': () => rawServer('', true),
  'closes after its settings': () => rawServer(SETTINGS, true),
};

const all: Readonly<Record<string, () => Promise<TestServer>>> = {
  ...rawFaults,
  ...Object.fromEntries(Object.entries(streamFaults).map(([name, fault]) => [name, () => sessionServer(fault)])),
};

for (const [name, start] of Object.entries(all)) {
  test(`HTTP/2: a server that ${name} makes no exchange hang, and throws nothing`, async () => {
    const thrown: unknown[] = [];
    const onThrown = (error: unknown): void => void thrown.push(error);
    process.on('uncaughtException', onThrown);
    process.on('unhandledRejection', onThrown);
    await using server = await start();
    await using transport = transportOf({ http: 'auto', tls: { ca } });
    for (let round = 0; round < 2; round++) {
      const sinks = ['GET', 'POST', 'GET', 'HEAD'].map((method, i) => {
        const sink = new Recorder();
        const body = method === 'POST' ? (i === 1 ? streaming() : Buffer.alloc(1_000)) : null;
        transport.send(get(server.url, { method, body }), sink);
        return sink;
      });
      await Promise.all(sinks.map((sink) => sink.settled));
      const kinds = sinks.map((sink) => sink.failure?.kind ?? 'end');
      for (const kind of kinds) assert.ok(/^(closed|truncated|protocol|connect|end)$/.test(kind), kinds.join());
      if (name.includes('within the body')) assert.ok(!kinds.slice(0, 3).includes('end'), kinds.join());
    }
    await transport.destroy();
    assert.deepEqual(transport.snapshot(), { open: 0, idle: 0, connecting: 0 });
    process.off('uncaughtException', onThrown);
    process.off('unhandledRejection', onThrown);
    assert.deepEqual(thrown, []);
  });
}

async function* streaming(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 3; i++) yield Buffer.alloc(1_000);
}

test('HTTP/2: a connection on which nothing comes any more is left by later exchanges', async () => {
  // Node ends its side of such a session, and tells nobody.
  const tooLarge = Buffer.concat([SETTINGS, Buffer.from('ffffff000000000001', 'hex')]);
  await using server = await rawServer(tooLarge, false);
  await using transport = transportOf({ http: 'auto', tls: { ca } });
  const [first, second] = [new Recorder(), new Recorder()];
  const call = transport.send(get(server.url), first);
  await first.when('send');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  call.abort();
  const other = transport.send(get(server.url), second);
  await second.when('send');
  assert.equal(second.info?.reused, false);
  other.abort();
  assert.equal(server.accepted, 2);
});
