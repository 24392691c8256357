import assert from 'node:assert/strict';
import { createServer, request as proxied, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { createServer as createRawTlsServer, type TLSSocket } from 'node:tls';
import { test } from 'node:test';

import type { TransportOptions, WireRequest } from '../../src/wire/transport.ts';
import { ca, cert, expired, key, selfSigned, wrongHost } from './certificates.ts';
import { get, httpServer, listening, Recorder, tcpServer, transportOf, type TestServer } from './fixture.ts';

async function outcome(
  url: string,
  options?: Partial<TransportOptions>,
  change?: Partial<WireRequest>,
): Promise<Recorder> {
  await using transport = transportOf(options);
  const sink = new Recorder();
  transport.send(get(url, change), sink);
  await sink.settled;
  assert.equal(transport.snapshot().connecting, 0);
  return sink;
}

async function closedPort(): Promise<number> {
  await using server = await tcpServer(() => {});
  return server.port;
}

function tlsServer(certificate: string): Promise<TestServer> {
  const server = createTlsServer({ key, cert: certificate }, (request, response) => {
    response.end(request.url === '/name' ? `${(request.socket as TLSSocket).servername}` : 'secure');
  });
  return listening(server, 'https');
}

test('connect: a refused connection names the address', async () => {
  const port = await closedPort();
  const { failure } = await outcome(`http://127.0.0.1:${port}/`);
  assert.equal(failure?.kind, 'connect');
  assert.equal(failure?.phase, 'tcp');
  assert.equal(failure?.message, `connection refused by 127.0.0.1:${port}`);
});

test('connect: all addresses that were tried are named', async () => {
  const port = await closedPort();
  const lookup: TransportOptions['lookup'] = () =>
    Promise.resolve([
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ]);
  const { failure } = await outcome(`http://many.test:${port}/`, { lookup });
  assert.equal(failure?.message, `connection refused by 127.0.0.1:${port}; connection refused by 127.0.0.2:${port}`);
});

test('connect: the next address is tried when one refuses', async () => {
  await using server = await httpServer((_request, response) => response.end('x'));
  const lookup: TransportOptions['lookup'] = () =>
    Promise.resolve([
      { address: '127.0.0.9', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]);
  const sink = await outcome(`http://many.test:${server.port}/`, { lookup });
  assert.equal(sink.failure, undefined);
  assert.equal(sink.info?.remoteAddress, '127.0.0.1');
});

test('connect: the next address is tried as well when one is silent', async () => {
  await using server = await httpServer((_request, response) => response.end('x'));
  // An address of the block for benchmarks goes nowhere: it is silent, or there is no route.
  const lookup: TransportOptions['lookup'] = () =>
    Promise.resolve([
      { address: '198.18.0.1', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]);
  const sink = await outcome(`http://many.test:${server.port}/`, { lookup, happyEyeballsMs: 20 });
  assert.equal(sink.failure, undefined);
});

test('connect: a name that does not exist is said to be none', async () => {
  const lookup: TransportOptions['lookup'] = () =>
    Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }));
  const { failure } = await outcome('http://none.test/', { lookup });
  assert.equal(failure?.phase, 'dns');
  assert.equal(failure?.message, 'there is no host named none.test');
});

test('connect: localhost is found', async () => {
  await using server = await httpServer((_request, response) => response.end('x'));
  const sink = await outcome(`http://localhost:${server.port}/`);
  assert.equal(sink.failure, undefined);
});

test('connect: a failed connection makes the name be looked up again', async () => {
  const port = await closedPort();
  let asked = 0;
  await using transport = transportOf({
    lookup: () => {
      asked += 1;
      return Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    },
  });
  for (let i = 0; i < 2; i++) {
    const sink = new Recorder();
    transport.send(get(`http://name.test:${port}/`), sink);
    await sink.settled;
  }
  assert.equal(asked, 2);
});

test('connect: over a socket of the file system', async () => {
  const path = `/tmp/corral-transport-${process.pid}.sock`;
  const server = createServer((request, response) => response.end(request.headers.host));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const sink = await outcome('http://name.test/', { socketPath: path });
  assert.equal(sink.text, 'name.test');
  const { failure } = await outcome('http://name.test/', { socketPath: '/nowhere.sock' });
  assert.equal(failure?.message, 'there is no socket at /nowhere.sock');
  assert.throws(() => transportOf({ socketPath: path, addressPolicy: 'public' }), TypeError);
  server.close();
});

test('tls: a certificate of a trusted authority is accepted, and the session taken up again', async () => {
  await using server = await tlsServer(cert);
  for (const host of ['localhost', '127.0.0.1']) {
    const sink = await outcome(`https://${host}:${server.port}/`, { tls: { ca } });
    assert.equal(sink.text, 'secure', sink.failure?.message);
    assert.ok((sink.info?.tlsMs ?? 0) > 0);
  }
});

test('tls: the name of the URL is asked for, and none for an address', async () => {
  await using server = await tlsServer(cert);
  const named = await outcome(`https://localhost:${server.port}/name`, { tls: { ca } });
  assert.equal(named.text, 'localhost');
  const bare = await outcome(`https://127.0.0.1:${server.port}/name`, { tls: { ca } });
  assert.equal(bare.text, 'false');
  const own = await outcome(`https://127.0.0.1:${server.port}/name`, { tls: { ca, servername: 'localhost' } });
  assert.equal(own.text, 'localhost');
});

for (const [name, certificate, tls, message] of [
  ['an unknown authority', cert, undefined, /authority that is not trusted/],
  ['a self-signed certificate', selfSigned, undefined, /self-signed certificate/],
  ['an expired certificate', expired, { ca }, /certificate has expired/],
  ['a certificate of another host', wrongHost, { ca }, /not valid for host localhost/],
] as const) {
  test(`tls: ${name} is refused in words`, async () => {
    await using server = await tlsServer(certificate);
    const { failure } = await outcome(`https://localhost:${server.port}/`, { tls });
    assert.equal(failure?.kind, 'connect');
    assert.equal(failure?.phase, 'tls');
    assert.match(failure?.message ?? '', message);
    const sink = await outcome(`https://localhost:${server.port}/`, { tls: { rejectUnauthorized: false } });
    assert.equal(sink.text, 'secure');
  });
}

test('tls: a server that does not speak it is said not to', async () => {
  await using server = await httpServer((_request, response) => response.end());
  const { failure } = await outcome(`https://localhost:${server.port}/`);
  assert.equal(failure?.phase, 'tls');
  assert.match(failure?.message ?? '', /does not speak TLS/);
});

test('tls: a server that closes during the handshake is said to', async () => {
  await using server = await tcpServer((socket) => socket.once('data', () => socket.end()));
  const { failure } = await outcome(`https://localhost:${server.port}/`);
  assert.equal(failure?.phase, 'tls');
  assert.match(failure?.message ?? '', /closed the connection during the handshake/);
});

test('policy: what a name leads to is judged, and addresses in every spelling', async () => {
  await using server = await httpServer((_request, response) => response.end('x'));
  const urls = [
    'localhost',
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[64:ff9b::7f00:1]',
  ];
  for (const host of urls) {
    const { failure } = await outcome(`http://${host}:${server.port}/`, { addressPolicy: 'public' });
    assert.equal(failure?.kind, 'policy', host);
    assert.match(failure?.message ?? '', /refuses/);
  }
  assert.equal(server.accepted, 0);
});

test('policy: refused addresses are left out, and a function is asked with what is connected to', async () => {
  await using server = await httpServer((_request, response) => response.end('x'));
  const asked: string[] = [];
  const sink = await outcome(`http://mixed.test:${server.port}/`, {
    lookup: () =>
      Promise.resolve([
        { address: '127.0.0.7', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]),
    addressPolicy: (address, hostname) => {
      asked.push(`${hostname} ${address}`);
      return address === '127.0.0.1';
    },
  });
  assert.equal(sink.info?.remoteAddress, '127.0.0.1');
  assert.deepEqual(asked, ['mixed.test 127.0.0.7', 'mixed.test 127.0.0.1']);
});

interface Proxy extends TestServer {
  readonly seen: IncomingMessage[];
}

/** Forwards, and tunnels; refuses CONNECT with a status, where one is given. */
async function proxyServer(refuse?: number, secure?: boolean): Promise<Proxy> {
  const seen: IncomingMessage[] = [];
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    seen.push(request);
    const { host: _host, 'proxy-authorization': _secret, ...headers } = request.headers;
    request.pipe(
      proxied(request.url ?? '', { method: request.method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      }),
    );
  };
  const server = secure ? createTlsServer({ key, cert }, onRequest) : createServer(onRequest);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    seen.push(request);
    socket.on('error', () => {});
    if (refuse !== undefined) return void socket.end(`HTTP/1.1 ${refuse} No Way\r\n\r\n`);
    const [, port] = (request.url ?? '').split(':');
    const target = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
    target.on('error', () => socket.destroy());
    target.on('close', () => socket.destroy());
    socket.on('close', () => target.destroy());
  });
  return Object.assign(await listening(server, secure ? 'https' : 'http'), { seen });
}

test('proxy: http goes forward with the whole URL, and the credentials go to the proxy alone', async () => {
  const headers: IncomingMessage['headers'][] = [];
  await using server = await httpServer((request, response) => {
    headers.push(request.headers);
    response.end('target');
  });
  await using proxy = await proxyServer();
  const through = new URL(`http://us%65r:p%40ss@127.0.0.1:${proxy.port}`);
  const sink = await outcome(`${server.url}path?q=1`, undefined, { proxy: through });
  assert.equal(sink.text, 'target', sink.failure?.message);
  assert.equal(proxy.seen[0]?.url, `${server.url}path?q=1`);
  assert.equal(proxy.seen[0]?.headers.host, `127.0.0.1:${server.port}`);
  assert.equal(proxy.seen[0]?.headers['proxy-authorization'], `Basic ${Buffer.from('user:p@ss').toString('base64')}`);
  assert.equal(headers[0]?.['proxy-authorization'], undefined);
});

for (const secure of [false, true]) {
  test(`proxy: https goes through a tunnel of a proxy that speaks ${secure ? 'TLS' : 'plain text'}`, async () => {
    const headers: IncomingMessage['headers'][] = [];
    const target = createTlsServer({ key, cert }, (request, response) => {
      headers.push(request.headers);
      response.end('target');
    });
    await using server = await listening(target, 'https');
    await using proxy = await proxyServer(undefined, secure);
    await using transport = transportOf({ tls: { ca } });
    const through = new URL(proxy.url.replace('127.0.0.1', 'a:b@127.0.0.1'));
    for (let i = 0; i < 2; i++) {
      const sink = new Recorder();
      const own = ['proxy-authorization', 'Basic leak'];
      transport.send(get(server.url.replace('127.0.0.1', 'localhost'), { proxy: through, headers: own }), sink);
      await sink.settled;
      assert.equal(sink.text, 'target', sink.failure?.message);
      assert.equal(sink.info?.reused, i > 0);
      assert.equal(headers[i]?.['proxy-authorization'], undefined);
    }
    assert.equal(proxy.seen.length, 1);
    assert.equal(proxy.seen[0]?.headers['proxy-authorization'], `Basic ${Buffer.from('a:b').toString('base64')}`);
    await transport.destroy();
    await Promise.all([server.empty(), proxy.empty()]);
  });
}

for (const status of [407, 503]) {
  test(`proxy: CONNECT refused with ${status} is a failure of the proxy, and is asked once`, async () => {
    await using proxy = await proxyServer(status);
    const { failure } = await outcome('https://target.test/', undefined, { proxy: new URL(proxy.url) });
    assert.equal(failure?.kind, 'connect');
    assert.equal(failure?.phase, 'proxy');
    assert.match(failure?.message ?? '', new RegExp(`refused CONNECT with status ${status} No Way`));
    assert.equal(proxy.accepted, 1);
    await proxy.empty();
  });
}

test('proxy: one that closes, refuses or speaks no HTTP is a failure of the proxy', async () => {
  await using closing = await tcpServer((socket) => socket.once('data', () => socket.end()));
  await using strange = await tcpServer((socket) => socket.once('data', () => void socket.write('SSH-2.0\r\n\r\n')));
  await using pushing = await tcpServer((socket) => {
    socket.once('data', () => void socket.write('HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'));
  });
  const port = await closedPort();
  for (const [at, message] of [
    [closing.port, /closed the connection before it answered CONNECT/],
    [strange.port, /not HTTP/],
    [pushing.port, /more than its answer/],
    [port, /no way through proxy .*connection refused/],
  ] as const) {
    const proxy = new URL(`http://127.0.0.1:${at}`);
    const { failure } = await outcome('https://target.test/', undefined, { proxy });
    assert.equal(failure?.phase, 'proxy');
    assert.match(failure?.message ?? '', message);
  }
});

test('proxy: socks is refused, and so is an address policy that a proxy would get around', async () => {
  const socks = await outcome('http://target.test/', undefined, { proxy: new URL('socks5://127.0.0.1:1080') });
  assert.equal(socks.failure?.kind, 'unsupported');
  assert.match(socks.failure?.message ?? '', /socks5:/);
  const policy = await outcome(
    'http://target.test/',
    { addressPolicy: 'public' },
    { proxy: new URL('http://127.0.0.1:1/') },
  );
  assert.equal(policy.failure?.kind, 'policy');
});

test('tls: no client certificate where one is demanded fails, and with one it works', async () => {
  const raw = createRawTlsServer({ key, cert, ca, requestCert: true, rejectUnauthorized: true }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
  });
  await using server = await listening(raw, 'https');
  const { failure } = await outcome(`https://localhost:${server.port}/`, { tls: { ca } });
  assert.ok(failure);
  const sink = await outcome(`https://localhost:${server.port}/`, { tls: { ca, cert, key } });
  assert.equal(sink.text, 'ok', sink.failure?.message);
});

test('proxy: http goes forward through a proxy that speaks TLS', async () => {
  await using server = await httpServer((_request, response) => response.end('target'));
  await using proxy = await proxyServer(undefined, true);
  const sink = await outcome(server.url, { tls: { ca } }, { proxy: new URL(proxy.url) });
  assert.equal(sink.text, 'target', sink.failure?.message);
  assert.equal(proxy.seen[0]?.url, server.url);
});

test('proxy: of targets at the same proxy, http shares connections, https does not', async () => {
  await using one = await httpServer((_request, response) => response.end('one'));
  await using two = await httpServer((_request, response) => response.end('two'));
  await using proxy = await proxyServer();
  await using transport = transportOf();
  for (const [server, text] of [
    [one, 'one'],
    [two, 'two'],
  ] as const) {
    const sink = new Recorder();
    transport.send(get(server.url, { proxy: new URL(proxy.url) }), sink);
    await sink.settled;
    assert.equal(sink.text, text);
  }
  assert.equal(proxy.accepted, 1);
});

test('connections: the server is taken at its word of how long it keeps them', async () => {
  let timeout = 5;
  await using server = await httpServer((_request, response) => {
    response.setHeader('connection', 'keep-alive');
    response.setHeader('keep-alive', `timeout=${timeout}`);
    response.end('x');
  });
  await using transport = transportOf();
  const reused: (boolean | undefined)[] = [];
  for (timeout of [5, 1, 5]) {
    const sink = new Recorder();
    transport.send(get(server.url), sink);
    await sink.settled;
    reused.push(sink.info?.reused);
  }
  assert.deepEqual(reused, [false, true, false]);
});

test('connections: keepAliveMs of 0 keeps none', async () => {
  const headers: (string | undefined)[] = [];
  await using server = await httpServer((request, response) => {
    headers.push(request.headers.connection);
    response.end('x');
  });
  await using transport = transportOf({ keepAliveMs: 0 });
  for (let i = 0; i < 2; i++) {
    const sink = new Recorder();
    transport.send(get(server.url), sink);
    await sink.settled;
    assert.equal(sink.info?.reused, false);
  }
  assert.deepEqual(headers, ['close', 'close']);
  await server.empty();
});

test('connections: the one used last is used first', async () => {
  await using server = await httpServer((request, response) => void response.end(String(request.socket.remotePort)));
  await using transport = transportOf();
  const three = [new Recorder(), new Recorder(), new Recorder()];
  for (const sink of three) transport.send(get(server.url), sink);
  await Promise.all(three.map((sink) => sink.settled));
  assert.equal(transport.snapshot().idle, 3);
  const ports = new Set<string>();
  for (let i = 0; i < 5; i++) {
    const sink = new Recorder();
    transport.send(get(server.url), sink);
    await sink.settled;
    ports.add(sink.text);
  }
  assert.equal(ports.size, 1);
});

test('connections: one that the server closes right behind its answer is not written to', async () => {
  await using server = await tcpServer((socket) => {
    socket.once('data', () => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx'));
  });
  await using transport = transportOf();
  for (let i = 0; i < 50; i++) {
    const sink = new Recorder();
    transport.send(get(server.url, { method: 'POST', body: Buffer.from('x') }), sink);
    await sink.settled;
    assert.equal(sink.failure, undefined);
  }
});

test('connections: of all hosts 256 with nothing to do are kept, those that were used last', async () => {
  await using server = await httpServer((_request, response) => void response.end('x'));
  await using transport = transportOf({ lookup: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]) });
  const visit = async (host: number): Promise<boolean | undefined> => {
    const sink = new Recorder();
    transport.send(get(`http://host-${host}:${server.port}/`), sink);
    await sink.settled;
    return sink.info?.reused;
  };
  for (let host = 0; host < 256; host++) await visit(host);
  await visit(0);
  await visit(256);
  assert.equal(transport.snapshot().open, 256);
  assert.deepEqual([await visit(0), await visit(1)], [true, false]);
});

test('UndiciTransport: a source whose exchange comes to nothing is ended', async () => {
  const port = await closedPort();
  for (const then of ['failed', 'aborted']) {
    let returned = 0;
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error('not to be read')),
        return: () => {
          returned += 1;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    await using transport = transportOf();
    const sink = new Recorder();
    const call = transport.send(get(`http://127.0.0.1:${port}/`, { method: 'POST', body }), sink);
    if (then === 'aborted') call.abort();
    else await sink.settled;
    assert.equal(returned, 1);
  }
});
