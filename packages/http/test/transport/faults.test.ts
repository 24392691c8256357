import assert from 'node:assert/strict';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';

import type { WireFailure, WireRequest } from '../../src/wire/transport.ts';
import { ca, cert, key } from './certificates.ts';
import { get, listening, Recorder, tcpServer, transportOf } from './fixture.ts';

/** What the server writes when a request came, and whether it closes or resets then. */
interface Fault {
  readonly name: string;
  readonly answer: string;
  readonly then?: 'end' | 'reset' | undefined;
  readonly kind: WireFailure['kind'] | undefined;
  readonly message?: RegExp;
  readonly change?: Partial<WireRequest>;
}

const OK = 'HTTP/1.1 200 OK\r\n';

const faults: readonly Fault[] = [
  { name: 'end before the head', answer: '', then: 'end', kind: 'closed', message: /closed the connection before/ },
  { name: 'reset before the head', answer: '', then: 'reset', kind: 'closed', message: /reset|closed/ },
  { name: 'end within the head', answer: `${OK}content-le`, then: 'end', kind: 'closed' },
  {
    name: 'end within a body of known length',
    answer: `${OK}content-length: 9\r\n\r\nabc`,
    then: 'end',
    kind: 'truncated',
  },
  {
    name: 'end within such a body, not kept alive',
    answer: `${OK}connection: close\r\ncontent-length: 9\r\n\r\nabc`,
    then: 'end',
    kind: 'truncated',
  },
  {
    name: 'end within a chunk',
    answer: `${OK}transfer-encoding: chunked\r\n\r\n9\r\nabc`,
    then: 'end',
    kind: 'truncated',
  },
  {
    name: 'end between chunks, not kept alive',
    answer: `${OK}connection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`,
    then: 'end',
    kind: 'truncated',
  },
  { name: 'reset within the body', answer: `${OK}content-length: 9\r\n\r\nabc`, then: 'reset', kind: 'truncated' },
  { name: 'not HTTP', answer: 'SSH-2.0-OpenSSH_9.2\r\n', kind: 'protocol', message: /not HTTP/ },
  { name: 'two lengths', answer: `${OK}content-length: 3\r\ncontent-length: 4\r\n\r\nabc`, kind: 'protocol' },
  {
    name: 'length and chunks',
    answer: `${OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    kind: 'protocol',
  },
  { name: 'a bad chunk size', answer: `${OK}transfer-encoding: chunked\r\n\r\nxyz\r\n`, kind: 'protocol' },
  { name: 'a head too large', answer: `${OK}x: ${'a'.repeat(20_000)}\r\n\r\n`, kind: 'protocol', message: /16384/ },
  { name: 'too many fields', answer: `${OK}${'a: b\r\n'.repeat(257)}\r\n`, kind: 'protocol', message: /256 fields/ },
  {
    name: 'an upgrade',
    answer: 'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    kind: 'protocol',
  },
  { name: 'a bare 101', answer: 'HTTP/1.1 101 Switching\r\n\r\n', kind: 'protocol' },
  { name: '100 without being asked', answer: 'HTTP/1.1 100 Continue\r\n\r\n', kind: 'protocol' },
  { name: 'a body up to the end', answer: `${OK}connection: close\r\n\r\nabc`, then: 'end', kind: undefined },
  { name: 'more than its length', answer: `${OK}content-length: 3\r\n\r\nabcdef`, kind: undefined },
  {
    name: 'a second response',
    answer: `${OK}content-length: 3\r\n\r\nabc${OK}content-length: 3\r\n\r\nxyz`,
    kind: undefined,
  },
];

for (const { name, answer, then, kind, message, change } of faults) {
  test(`UndiciTransport: ${name} is ${kind ?? 'no failure, and ends the connection'}`, async () => {
    await using server = await tcpServer((socket) => {
      socket.on('data', () => {
        socket.write(answer, 'latin1', () => {
          if (then === 'end') socket.end();
          if (then === 'reset') setImmediate(() => socket.resetAndDestroy());
        });
      });
    });
    await using transport = transportOf();
    const sink = new Recorder();
    transport.send(get(server.url, change), sink);
    await sink.settled;
    assert.equal(sink.failure?.kind, kind, sink.failure?.message);
    if (message) assert.match(sink.failure?.message ?? '', message);
    if (kind === undefined) assert.equal(sink.text, 'abc');
    await server.empty();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(transport.snapshot().open, 0);
  });
}

test('UndiciTransport: every informational response is reported, and the final one comes', async () => {
  await using server = await tcpServer((socket) => {
    socket.once('data', () => {
      const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n';
      socket.write(`${early}${early}${OK}content-length: 2\r\n\r\nok`);
    });
  });
  await using transport = transportOf();
  const sink = new Recorder();
  transport.send(get(server.url), sink);
  await sink.settled;
  assert.deepEqual(sink.informations, [103, 102, 103, 102]);
  assert.equal(sink.text, 'ok');
  assert.equal(sink.head?.headers.includes('link'), false);
});

test('UndiciTransport: trailers are given at the end', async () => {
  await using server = await tcpServer((socket) => {
    socket.once('data', () => {
      socket.write(`${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7 \r\n\r\n`);
    });
  });
  await using transport = transportOf();
  const sink = new Recorder();
  transport.send(get(server.url), sink);
  await sink.settled;
  assert.deepEqual(sink.trailers, ['x-sum', '7']);
});

test('UndiciTransport: HEAD keeps the connection, and a body that follows ends it', async () => {
  let answer = `${OK}content-length: 3\r\n\r\n`;
  await using server = await tcpServer((socket) => socket.on('data', () => void socket.write(answer)));
  await using transport = transportOf();
  const heads = async (): Promise<Recorder> => {
    const sink = new Recorder();
    transport.send(get(server.url, { method: 'HEAD' }), sink);
    return sink.settled;
  };
  assert.equal((await heads()).text, '');
  answer += 'abc';
  const second = await heads();
  assert.equal(second.info?.reused, true);
  assert.equal(second.failure, undefined);
  await server.empty();
  assert.equal((await heads()).info?.reused, false);
});

test('UndiciTransport: an upload whose source throws fails with its error, and closes the connection', async () => {
  await using server = await tcpServer(() => {});
  await using transport = transportOf();
  const broken = new Error('disk gone');
  const sink = new Recorder();
  const body = (async function* () {
    yield Buffer.from('part');
    throw broken;
  })();
  transport.send(get(server.url, { method: 'PUT', body }), sink);
  await sink.settled;
  assert.equal(sink.failure?.kind, 'upload');
  assert.equal(sink.failure?.cause, broken);
  await server.empty();
});

for (const [name, bodyLength] of [
  ['longer', 3],
  ['shorter', 9],
] as const) {
  test(`UndiciTransport: an upload ${name} than it was said to be is an upload failure`, async () => {
    await using server = await tcpServer(() => {});
    await using transport = transportOf();
    const sink = new Recorder();
    const body = (async function* () {
      yield Buffer.from('four');
    })();
    transport.send(get(server.url, { method: 'PUT', body, bodyLength }), sink);
    await sink.settled;
    assert.equal(sink.failure?.kind, 'upload', sink.failure?.message);
    await server.empty();
  });
}

test('UndiciTransport: an answer before the end of an upload ends the source, and the connection', async () => {
  await using server = await tcpServer((socket) => {
    socket.once('data', () => void socket.write(`HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno`));
  });
  await using transport = transportOf();
  let end!: () => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const sink = new Recorder();
  const body = (async function* () {
    try {
      for (;;) {
        yield Buffer.alloc(1_000);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      end();
    }
  })();
  transport.send(get(server.url, { method: 'POST', body }), sink);
  await sink.settled;
  assert.equal(sink.head?.status, 413);
  assert.equal(sink.text, 'no');
  await server.empty();
  await ended;
});

test('UndiciTransport: an upload is held back by a server that does not read', async () => {
  await using server = await tcpServer((socket) => setImmediate(() => socket.pause()));
  await using transport = transportOf();
  let asked = 0;
  const sink = new Recorder();
  const body = (async function* () {
    for (; asked < 1_000; asked++) yield Buffer.alloc(2 ** 20);
  })();
  const call = transport.send(get(server.url, { method: 'POST', body }), sink);
  await sink.when('body-sent');
  let before = -1;
  while (before !== asked) {
    before = asked;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(asked < 100, `asked ${asked} times`);
  call.abort();
});

test('UndiciTransport: what undici refuses to send is unsupported, and the connection is kept', async () => {
  await using server = await tcpServer((socket) =>
    socket.on('data', () => void socket.write(`${OK}content-length: 0\r\n\r\n`)),
  );
  await using transport = transportOf();
  const [refused, fine] = [new Recorder(), new Recorder()];
  transport.send(get(server.url, { headers: ['expect', '100-continue'] }), refused);
  await refused.settled;
  assert.equal(refused.failure?.kind, 'unsupported');
  transport.send(get(server.url), fine);
  await fine.settled;
  assert.equal(fine.failure, undefined);
});

for (const secure of [false, true]) {
  for (const ending of ['end', 'reset'] as const) {
    const name = `a ${ending} during a pause ${secure ? 'over TLS ' : ''}throws nothing, and is told after it`;
    test(`UndiciTransport: ${name}`, async () => {
      const rest = Buffer.alloc(300_000, 'b');
      const answerTo = (socket: Socket): void => {
        socket.on('error', () => {});
        socket.once('data', () => {
          socket.write(`${OK}connection: close\r\n${ending === 'end' ? '' : 'content-length: 300001\r\n'}\r\n`);
          setImmediate(() => socket.write(rest, () => ending === 'end' && socket.end()));
        });
      };
      const raw = secure ? createTlsServer({ key, cert }, answerTo) : createTcpServer(answerTo);
      await using server = await listening(raw, secure ? 'https' : 'http');
      await using transport = transportOf({ tls: { ca } });
      const sink = new Recorder();
      sink.more = false;
      const call = transport.send(get(server.url), sink);
      await sink.when('data');
      if (ending === 'reset') for (const socket of server.sockets) socket.resetAndDestroy();
      for (let i = 0; i < 10; i++) await new Promise((resolve) => setTimeout(resolve, 5));
      sink.more = true;
      call.resume();
      await sink.settled;
      assert.equal(sink.failure?.kind, ending === 'end' ? undefined : 'truncated', sink.failure?.message);
      if (ending === 'end') assert.equal(sink.text.length, rest.length);
    });
  }
}

test('UndiciTransport: a reset is no end of a body without a length', async () => {
  await using server = await tcpServer((socket) => {
    socket.once('data', () => void socket.write(`${OK}connection: close\r\n\r\nabc`));
  });
  await using transport = transportOf();
  const sink = new Recorder();
  transport.send(get(server.url), sink);
  await sink.when('data');
  // Together with data a reset would look like an end: Node does not tell them apart.
  for (const socket of server.sockets) socket.resetAndDestroy();
  await sink.settled;
  assert.equal(sink.failure?.kind, 'truncated');
});
