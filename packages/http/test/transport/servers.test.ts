import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { WireRequest } from '../../src/wire/transport.ts';
import { makeCertificates, missingOpenssl } from '../faults/certificates.ts';
import { missingNghttpd, startNghttpd } from '../servers/nghttpd.ts';
import { missingNginx, SMALL, startNginx } from '../servers/nginx.ts';
import { missingTinyproxy, startTinyproxy } from '../servers/tinyproxy.ts';
import { get, httpServer, Recorder, transportOf } from './fixture.ts';

type TestTransport = ReturnType<typeof transportOf>;

async function burst(transport: TestTransport, count: number, request: () => WireRequest): Promise<Recorder[]> {
  const sinks = Array.from({ length: count }, () => new Recorder());
  for (const sink of sinks) transport.send(request(), sink);
  return Promise.all(sinks.map((sink) => sink.settled));
}

const withoutNghttpd = missingNghttpd() || missingOpenssl();

test('UndiciTransport: nghttpd answers a hundred at a time over one connection', { skip: withoutNghttpd }, async () => {
  await using certificates = await makeCertificates();
  await using nghttpd = await startNghttpd({ tls: certificates.good });
  await nghttpd.put('page', 'x'.repeat(100_000));
  await using transport = transportOf({ http: 'auto', tls: { ca: certificates.ca } });
  const sinks = await burst(transport, 100, () => get(`${nghttpd.origin}/page`));
  for (const sink of sinks) assert.equal(sink.text.length, 100_000, sink.failure?.message);
  assert.equal(transport.snapshot().open, 1);
});

const withoutNginx = missingNginx() || missingOpenssl();

for (const http of ['auto', 1] as const) {
  test(`UndiciTransport: nginx answers, with http ${http}`, { skip: withoutNginx }, async () => {
    await using certificates = await makeCertificates();
    await using nginx = await startNginx({ tls: certificates.good });
    await nginx.put('large', Buffer.alloc(5_000_000, 'x'));
    await using transport = transportOf({ http, tls: { ca: certificates.ca } });
    for (const origin of [nginx.origin, nginx.tlsOrigin]) {
      for (const sink of await burst(transport, 20, () => get(`${origin}/small`))) {
        assert.equal(sink.text, SMALL, sink.failure?.message);
        assert.equal(sink.info?.protocol, http === 'auto' && origin === nginx.tlsOrigin ? 'h2' : 'h1');
      }
      const [large] = await burst(transport, 1, () => get(`${origin}/files/large`));
      assert.equal(
        large?.chunks.reduce((sum, each) => sum + each.length, 0),
        5_000_000,
      );
    }
  });
}

test('UndiciTransport: tinyproxy forwards and tunnels for who may use it', { skip: missingTinyproxy() }, async () => {
  await using server = await httpServer((_request, response) => response.end('target'));
  await using open = await startTinyproxy();
  await using closed = await startTinyproxy({ user: 'u', password: 'p' });
  await using transport = transportOf();
  const through = async (url: string, proxy: string): Promise<Recorder> => {
    const [sink] = await burst(transport, 1, () => get(url, { proxy: new URL(proxy) }));
    return sink as Recorder;
  };
  assert.equal((await through(server.url, open.origin)).text, 'target');
  assert.equal((await through(server.url, closed.origin.replace('//', '//u:p@'))).text, 'target');
  assert.equal((await through(server.url, closed.origin)).head?.status, 407);
  const refused = await through('https://127.0.0.1:1/', closed.origin);
  assert.match(refused.failure?.message ?? '', /refused CONNECT with status 407/);
  // The way through is there, and at its end a server without TLS.
  const tunnelled = await through(server.url.replace('http:', 'https:'), closed.origin.replace('//', '//u:p@'));
  assert.equal(tunnelled.failure?.phase, 'tls');
  assert.match(tunnelled.failure?.message ?? '', /does not speak TLS/);
});
