import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { defaults, get, httpServer, Recorder, tcpServer, transportOf } from './fixture.ts';

const NOTHING = { open: 0, idle: 0, connecting: 0 };

test('abort: before anything was begun leaves nothing', async () => {
  await using server = await httpServer((_request, response) => response.end());
  await using transport = transportOf();
  const sink = new Recorder();
  transport.send(get(server.url), sink).abort();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(transport.snapshot(), NOTHING);
  assert.deepEqual(sink.trace, []);
  assert.equal(server.accepted, 0);
});

test('abort: in a look-up that never answers frees the attempt, and the next look-up is made', async () => {
  let asked = 0;
  await using transport = transportOf({
    lookup: () => {
      asked += 1;
      return new Promise(() => {});
    },
  });
  for (let i = 0; i < 20; i++) {
    const sink = new Recorder();
    const call = transport.send(get('http://never.test/'), sink);
    await sink.when('connecting dns');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(transport.snapshot().connecting, 1);
    call.abort();
    assert.deepEqual(transport.snapshot(), NOTHING);
  }
  assert.equal(asked, 20);
});

test('abort: while the server is silent in the TLS handshake closes its connection', async () => {
  await using server = await tcpServer(() => {});
  await using transport = transportOf();
  const sink = new Recorder();
  const call = transport.send(get(server.url.replace('http:', 'https:')), sink);
  await sink.when('connecting tls');
  call.abort();
  assert.deepEqual(transport.snapshot(), NOTHING);
  await server.empty();
  assert.equal(sink.trace.at(-1), 'connecting tls');
});

test('abort: while a proxy is silent after CONNECT closes the connection to it', async () => {
  const asked: string[] = [];
  await using proxy = await tcpServer((socket) => socket.on('data', (data) => asked.push(data.toString())));
  await using transport = transportOf();
  const sink = new Recorder();
  const call = transport.send(get('https://target.test/', { proxy: new URL(proxy.url) }), sink);
  await sink.when('connecting proxy');
  while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  call.abort();
  assert.deepEqual(transport.snapshot(), NOTHING);
  await proxy.empty();
  assert.match(asked.join(''), /^CONNECT target\.test:443 HTTP\/1\.1\r\n/);
});

test('abort: within the body closes the connection, and nothing more is told', async () => {
  await using server = await httpServer((_request, response) => response.write('begun'));
  await using transport = transportOf();
  const sink = new Recorder();
  const call = transport.send(get(server.url), sink);
  await sink.when('data');
  call.abort();
  assert.deepEqual(transport.snapshot(), NOTHING);
  await server.empty();
  assert.equal(sink.trace.at(-1), 'data');
});

test('abort: from within onHead and onData is kept, and the connection is closed', async () => {
  await using server = await httpServer((_request, response) => response.end('all of it'));
  for (const event of ['head', 'data']) {
    await using transport = transportOf();
    const sink = new (class extends Recorder {
      override onHead(...head: Parameters<Recorder['onHead']>): void {
        super.onHead(...head);
        if (event === 'head') call.abort();
      }
      override onData(chunk: Uint8Array): boolean {
        super.onData(chunk);
        call.abort();
        return false;
      }
    })();
    const call = transport.send(get(server.url), sink);
    await sink.when(event);
    await server.empty();
    assert.equal(sink.trace.at(-1), event);
    assert.deepEqual(transport.snapshot(), NOTHING);
  }
});

test('abort: within an upload closes the connection, and ends the source even while it is waited for', async () => {
  await using server = await httpServer((request) => request.resume());
  await using transport = transportOf();
  let returned = 0;
  const body = {
    [Symbol.asyncIterator]: () => {
      let step = 0;
      return {
        next: (): Promise<IteratorResult<Uint8Array>> =>
          step++ === 0 ? Promise.resolve({ done: false, value: Buffer.from('first') }) : new Promise(() => {}),
        return: () => {
          returned += 1;
          return Promise.resolve({ done: true, value: undefined } as const);
        },
      };
    },
  };
  const sink = new Recorder();
  const call = transport.send(get(server.url, { method: 'POST', body }), sink);
  await sink.when('body-sent');
  call.abort();
  assert.deepEqual(transport.snapshot(), NOTHING);
  await server.empty();
  assert.equal(returned, 1);
});

test('abort: after the end does nothing, and the connection stays', async () => {
  await using server = await httpServer((_request, response) => response.end('x'));
  await using transport = transportOf();
  const sink = new Recorder();
  const call = transport.send(get(server.url), sink);
  await sink.settled;
  call.abort();
  call.resume();
  assert.deepEqual(transport.snapshot(), { open: 1, idle: 1, connecting: 0 });
});

test('abort: a paused exchange whose server resets it throws nothing anywhere', async () => {
  await using server = await tcpServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1000\r\n\r\nsome');
    socket.on('data', () => {});
  });
  await using transport = transportOf();
  const sink = new Recorder();
  sink.more = false;
  transport.send(get(server.url), sink);
  await sink.when('data');
  for (const socket of server.sockets) socket.resetAndDestroy();
  await sink.settled;
  assert.equal(sink.failure?.kind, 'truncated');
});

test('abort: storms leave no connection, no attempt and no listener behind', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  await using server = await httpServer((request, response) => {
    request.resume();
    const kind = Number(request.url?.slice(1)) % 4;
    if (kind === 0) response.end('done');
    else if (kind === 1) response.write('begun');
    else if (kind === 2) request.socket.destroy();
  });
  await using silent = await tcpServer(() => {});
  await using transport = transportOf();
  for (let round = 0; round < 10; round++) {
    const calls = Array.from({ length: 100 }, (_, i) => {
      const url = i % 10 === 9 ? `https://127.0.0.1:${silent.port}/` : `${server.url}${i}`;
      const method = i % 3 === 0 ? 'POST' : 'GET';
      const body = i % 3 === 0 ? Buffer.alloc(1_000) : null;
      return transport.send(get(url, { method, body }), new Recorder());
    });
    while (calls.length > 0) {
      const [call] = calls.splice(Math.floor(Math.random() * calls.length), 1);
      call?.abort();
      if (Math.random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
    }
    const { open, idle, connecting } = transport.snapshot();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(connecting, 0);
    assert.equal(open, idle);
  }
  await transport.destroy();
  assert.deepEqual(transport.snapshot(), NOTHING);
  await Promise.all([server.empty(), silent.empty()]);
  process.off('warning', onWarning);
  assert.deepEqual(warnings, []);
});

test('destroy: exchanges under way fail, waiting ones as well, and later ones are refused', async () => {
  await using server = await httpServer((request, response) => {
    if (request.url === '/body') response.write('begun');
  });
  await using transport = transportOf({ lookup: () => new Promise(() => {}) });
  const [waiting, inBody, inLookup, late] = [new Recorder(), new Recorder(), new Recorder(), new Recorder()];
  transport.send(get(server.url), waiting);
  transport.send(get(`${server.url}body`), inBody);
  transport.send(get('http://never.test/'), inLookup);
  await Promise.all([waiting.when('send'), inBody.when('data'), inLookup.when('connecting dns')]);
  await transport.destroy();
  await transport.destroy();
  assert.equal(waiting.failure?.kind, 'closed');
  assert.equal(inBody.failure?.kind, 'truncated');
  assert.equal(inLookup.failure?.kind, 'connect');
  transport.send(get(server.url), late);
  await late.settled;
  assert.equal(late.failure?.kind, 'connect');
  assert.deepEqual(transport.snapshot(), NOTHING);
  await server.empty();
});

test('connections: 1000 requests over one leave no listener', async () => {
  await using server = await httpServer((request, response) => request.pipe(response));
  await using transport = transportOf();
  for (let i = 0; i < 1_000; i++) {
    const sink = new Recorder();
    transport.send(get(server.url, { method: 'POST', body: streaming('ab') }), sink);
    await sink.settled;
    assert.equal(sink.text, 'ab');
  }
  assert.equal(server.accepted, 1);
});

async function* streaming(text: string): AsyncGenerator<Uint8Array> {
  for (const character of text) yield Buffer.from(character);
}

test('connections: an idle one that the server closes is dropped', async () => {
  await using server = await httpServer((_request, response) => response.end('x'));
  await using transport = transportOf();
  const sink = new Recorder();
  transport.send(get(server.url), sink);
  await sink.settled;
  for (const socket of server.sockets) socket.end();
  while (transport.snapshot().open > 0) await new Promise((resolve) => setImmediate(resolve));
  const next = new Recorder();
  transport.send(get(server.url), next);
  await next.settled;
  assert.equal(next.info?.reused, false);
});

test('connections: one that is closed between two requests fails at most the next, as reused', async () => {
  await using server = await httpServer((_request, response) => {
    response.end('x');
    response.socket?.end();
  });
  await using transport = transportOf();
  for (let i = 0; i < 50; i++) {
    const sink = new Recorder();
    transport.send(get(server.url, { method: 'POST', body: Buffer.from('x') }), sink);
    await sink.settled;
    const { failure } = sink;
    assert.ok(!failure || (failure.reused && failure.kind === 'closed'), failure?.message);
  }
});

test('connections: an idle one is closed after keepAliveMs', async () => {
  await using server = await httpServer((_request, response) => response.end('x'));
  await using transport = transportOf({ ...defaults, keepAliveMs: 30 });
  const sink = new Recorder();
  transport.send(get(server.url), sink);
  await sink.settled;
  const [socket] = server.sockets;
  if (socket) await once(socket, 'close');
  while (transport.snapshot().open > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(transport.snapshot(), NOTHING);
});
