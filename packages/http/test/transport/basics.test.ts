import assert from 'node:assert/strict';
import { test } from 'node:test';

import { get, httpServer, Recorder, transportOf } from './fixture.ts';

test('UndiciTransport: a GET brings head, body and end, in this order, after send has returned', async () => {
  await using server = await httpServer((_request, response) => {
    response.writeHead(200, 'Fine', { 'X-Thing': 'a b ' });
    response.end('hello');
  });
  await using transport = transportOf();
  const sink = new Recorder();
  transport.send(get(server.url), sink);
  assert.deepEqual(sink.trace, []);
  await sink.settled;
  assert.deepEqual(sink.trace, ['connecting dns', 'connecting tcp', 'send', 'head', 'data', 'end']);
  assert.equal(sink.text, 'hello');
  assert.equal(sink.head?.status, 200);
  assert.equal(sink.head?.statusText, 'Fine');
  assert.equal(sink.head?.headers[sink.head.headers.indexOf('x-thing') + 1], 'a b');
  assert.equal(sink.info?.reused, false);
  assert.equal(sink.info?.protocol, 'h1');
});

test('UndiciTransport: connections are used again, in turn and from within onEnd', async () => {
  await using server = await httpServer((_request, response) => response.end('x'));
  await using transport = transportOf();
  for (let i = 0; i < 5; i++) {
    const sink = new Recorder();
    transport.send(get(server.url), sink);
    await sink.settled;
    assert.equal(sink.info?.reused, i > 0);
  }
  const second = new Recorder();
  const first = new (class extends Recorder {
    override onEnd(trailers: readonly string[]): void {
      super.onEnd(trailers);
      transport.send(get(server.url), second);
    }
  })();
  transport.send(get(server.url), first);
  await second.settled;
  assert.equal(second.info?.reused, true);
  assert.equal(server.accepted, 1);
  assert.deepEqual(transport.snapshot(), { open: 1, idle: 1, connecting: 0 });
});

test('UndiciTransport: a body of bytes is sent', async () => {
  await using server = await httpServer((request, response) => request.pipe(response));
  await using transport = transportOf();
  const sink = new Recorder();
  transport.send(get(server.url, { method: 'POST', body: Buffer.from('payload') }), sink);
  await sink.settled;
  assert.equal(sink.text, 'payload');
  assert.equal(sink.sentBytes, 7);
});

test('UndiciTransport: abort while the head is waited for closes the connection at once', async () => {
  await using server = await httpServer(() => {});
  await using transport = transportOf();
  const sink = new Recorder();
  const call = transport.send(get(server.url), sink);
  await sink.when('send');
  call.abort();
  assert.deepEqual(transport.snapshot(), { open: 0, idle: 0, connecting: 0 });
  await server.empty();
  assert.deepEqual(sink.trace.at(-1), 'send');
});

test('UndiciTransport: onData false stops the reading until resume', async () => {
  const total = 64 * 2 ** 20;
  let written = 0;
  await using server = await httpServer((_request, response) => {
    response.setHeader('content-length', total);
    const chunk = Buffer.alloc(2 ** 20);
    const more = (): void => {
      while (written < total) {
        written += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  await using transport = transportOf();
  const sink = new Recorder();
  sink.more = false;
  const call = transport.send(get(server.url), sink);
  await sink.when('data');
  const heard = sink.chunks.length;
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(sink.chunks.length, heard);
  assert.ok(written < total, 'the server was held back');
  sink.more = true;
  call.resume();
  await sink.settled;
  assert.equal(
    sink.chunks.reduce((sum, each) => sum + each.length, 0),
    total,
  );
});
