import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { test } from 'node:test';
import { makeCertificates, missingOpenssl } from './certificates.ts';
import { elsewhere } from './elsewhere.ts';
import { startH2FaultServer, type H2FaultName } from './h2-server.ts';

interface Outcome {
  readonly status: number | undefined;
  readonly bytes: number;
  readonly code: string | undefined;
}

async function ask(url: string, ca?: string): Promise<Outcome> {
  return await new Promise((resolve) => {
    const session = connect(url, ca === undefined ? {} : { ca }).on('error', () => {});
    const { pathname, search } = new URL(url);
    const stream = session.request({ ':path': pathname + search });
    let status: number | undefined;
    let bytes = 0;
    let code: string | undefined;
    stream.on('response', (headers) => (status = headers[':status']));
    stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
    stream.on('error', (error: NodeJS.ErrnoException) => (code = error.message));
    stream.on('close', () => {
      session.destroy();
      resolve({ status, bytes, code });
    });
  });
}

test('h2 faults: end streams, sessions and connections the way they say', { skip: elsewhere }, async () => {
  await using server = await startH2FaultServer();
  const expected: [H2FaultName, number | undefined, number, RegExp][] = [
    ['text', 200, 2, /undefined/],
    ['goaway-after', 200, 2, /undefined/],
    ['short-body', 200, 100, /NGHTTP2_PROTOCOL_ERROR/],
    ['refused-stream', undefined, 0, /NGHTTP2_REFUSED_STREAM/],
    ['reset-stream', undefined, 0, /NGHTTP2_INTERNAL_ERROR/],
    ['reset-in-body', 200, 100, /NGHTTP2_INTERNAL_ERROR/],
    ['reset-connection', 200, 100, /ECONNRESET/],
    ['goaway-error', 200, 100, /.*/],
    ['goaway-before', undefined, 0, /.*/],
  ];
  for (const [name, status, bytes, code] of expected) {
    const outcome = await ask(server.url(name));
    assert.deepEqual([outcome.status, outcome.bytes], [status, bytes], `${name}: ${outcome.code}`);
    assert.match(String(outcome.code), code, name);
  }
});

test('h2 faults: happen so many times', { skip: elsewhere }, async () => {
  await using server = await startH2FaultServer();
  const url = server.url('refused-stream', { times: 1 });
  assert.equal((await ask(url)).status, undefined);
  assert.equal((await ask(url)).status, 200);
  assert.deepEqual([server.requests.length, server.connections.total], [2, 2]);
});

test('h2 faults: reset connections with TLS too', { skip: elsewhere || missingOpenssl() }, async () => {
  await using certificates = await makeCertificates();
  await using server = await startH2FaultServer({ tls: certificates.good });
  const outcome = await ask(server.url('reset-connection'), certificates.ca);
  assert.deepEqual([outcome.status, outcome.bytes, outcome.code], [200, 100, 'read ECONNRESET']);
});
