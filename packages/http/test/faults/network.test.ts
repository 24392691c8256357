import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { elsewhere } from './elsewhere.ts';
import { blackHole, refusedPort, silentServer } from './dead-ends.ts';
import { requestFor, speak } from './raw-client.ts';
import { startFaultServer } from './server.ts';
import { startTcpProxy } from './tcp-proxy.ts';

const isOk = (text: string) => text.endsWith('ok');

test('tcp proxy: forwards both ways, and the end of both', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  await using proxy = await startTcpProxy(server.port);
  const url = proxy.through(server.url('text'));
  assert.equal((await speak(proxy.port, requestFor(url, { Connection: 'close' }))).end, 'fin');
  assert.equal((await speak(proxy.port, requestFor(server.url('reset-in-body')))).end, 'rst');
  await server.idle();
  assert.deepEqual(proxy.connections, { open: 0, total: 2 });
});

test('tcp proxy: adds latency each way and limits the bytes per second', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  await using proxy = await startTcpProxy(server.port, { latencyMs: 50 });
  let start = performance.now();
  await speak(proxy.port, requestFor(server.url('text')), isOk);
  assert.ok(performance.now() - start >= 99);
  proxy.set({ latencyMs: 0, bytesPerSecond: 100_000 });
  start = performance.now();
  await speak(proxy.port, requestFor(server.url('bytes', { bytes: 20_000 }), { Connection: 'close' }));
  assert.ok(performance.now() - start >= 199);
});

test('tcp proxy: cuts after so many bytes to the client', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  await using proxy = await startTcpProxy(server.port, { cutAfterBytes: 500 });
  const request = requestFor(server.url('bytes', { bytes: 20_000 }));
  const fin = await speak(proxy.port, request);
  assert.deepEqual([fin.end, fin.text.length], ['fin', 500]);
  proxy.set({ cutWith: 'rst' });
  const rst = await speak(proxy.port, request);
  assert.deepEqual([rst.end, rst.text.length], ['rst', 500]);
  await server.idle();
});

test('tcp proxy: goes silent in one direction, and delivers later', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  await using proxy = await startTcpProxy(server.port);
  proxy.freeze('down');
  const asked = speak(proxy.port, requestFor(server.url('text')), isOk);
  await server.waitFor(({ requests }) => requests[0]?.answered);
  proxy.thaw();
  assert.equal((await asked).end, 'open');
  proxy.freeze();
  const silent = speak(proxy.port, requestFor(server.url('text')), isOk);
  await server.waitFor(({ connections }) => connections.total === 2);
  proxy.cut('rst');
  assert.deepEqual(await silent, { text: '', end: 'rst' });
  assert.equal(server.requests.length, 1);
});

test('tcp proxy: refuses, and accepts again on the same port', { skip: elsewhere }, async () => {
  await using server = await startFaultServer();
  await using proxy = await startTcpProxy(server.port);
  const { port } = proxy;
  proxy.refuse();
  assert.equal(await codeOf(port), 'ECONNREFUSED');
  await proxy.accept();
  assert.equal(proxy.port, port);
  assert.equal((await speak(port, requestFor(server.url('text')), isOk)).end, 'open');
});

test('refusedPort: refuses', { skip: elsewhere }, async () => {
  assert.equal(await codeOf(await refusedPort()), 'ECONNREFUSED');
});

test('silentServer: accepts and says nothing', { skip: elsewhere }, async () => {
  await using server = await silentServer();
  const asked = speak(server.port, 'hello');
  while (server.connections === 0) await new Promise((resolve) => setImmediate(resolve));
  await server.close();
  assert.equal((await asked).text, '');
});

test('blackHole: swallows SYN', { skip: elsewhere }, async (t) => {
  const hole = await blackHole();
  if ('missing' in hole) return t.skip(hole.missing);
  await using _hole = hole;
  const socket = connect(hole.port, hole.host).on('error', () => {});
  const connected = new Promise((resolve) => socket.once('connect', () => resolve('connected')));
  const waited = new Promise((resolve) => setTimeout(() => resolve('nothing'), 200));
  assert.equal(await Promise.race([connected, waited]), 'nothing');
  socket.destroy();
});

async function codeOf(port: number): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve('connected'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}
