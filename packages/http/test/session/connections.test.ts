import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moveOnAfter, sleep } from 'corral';

import { makeCertificates, missingOpenssl } from '../faults/certificates.ts';
import { startFaultServer } from '../faults/server.ts';
import { ClientSession } from '../../src/session/client-session.ts';
import { errorOf, pair } from './fixture.ts';

test('connections: one is used again after a body was read', async () => {
  await using at = await pair();
  for (let i = 0; i < 3; i++) assert.equal(await at.session.get('/fault/text').text(), 'ok');
  assert.equal(at.server.connections.total, 1);
  assert.deepEqual(at.session.snapshot().connections, { open: 1, idle: 1, connecting: 0 });
});

test('connections: one is used again after HEAD', async () => {
  await using at = await pair();
  await (await at.session.head('/fault/text')).release();
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  assert.equal(at.server.connections.total, 1);
});

for (const status of [204, 304]) {
  test(`connections: one is used again after ${status}`, async () => {
    await using at = await pair({}, { '/': (exchange) => exchange.head(status) });
    for (let i = 0; i < 2; i++) await at.session.get('/').bytes();
    assert.equal(at.server.connections.total, 1);
  });
}

test('connections: one is used again after a release, where little is left', async () => {
  await using at = await pair();
  for (let i = 0; i < 3; i++) {
    const response = await at.session.get('/fault/bytes?bytes=10000');
    await response.release();
    await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(at.server.connections.total, 1);
});

test('connections: one of which much is left at a release is ended', async () => {
  await using at = await pair();
  const response = await at.session.get('/fault/bytes?bytes=10000000');
  await response.release();
  await at.server.idle();
});

test('connections: one that the server wants closed is closed', async () => {
  await using at = await pair();
  for (let i = 0; i < 2; i++) assert.equal(await at.session.get('/fault/says-close').text(), 'ok');
  assert.equal(at.server.connections.total, 2);
  await at.server.idle();
});

test('connections: one that the server closes while it is idle is not used again', async () => {
  await using at = await pair({ retry: undefined });
  for (let i = 0; i < 20; i++) assert.equal(await at.session.get('/fault/close-after').text(), 'ok');
  assert.equal(at.server.connections.total, 20);
});

test('connections: one that is closed on its second request is replaced, once', async () => {
  await using at = await pair({ retry: undefined });
  for (let i = 0; i < 3; i++) {
    await using response = await at.session.get('/fault/close-on-reuse');
    assert.equal(await response.text(), 'ok');
    assert.equal(response.attempts.length, i === 0 ? 1 : 2);
  }
});

test('connections: what was asked with POST is not asked again when its connection is closed', async () => {
  await using at = await pair({ retry: undefined });
  await at.session.get('/fault/close-on-reuse').text();
  const error = await errorOf(at.session.post('/fault/close-on-reuse', { json: 1 }));
  assert.equal(error.name, 'ProtocolError');
  assert.equal(at.server.requests.length, 2);
});

test('connections: after more bytes than announced one is not used again', async () => {
  await using at = await pair();
  await errorOf(at.session.get('/fault/long-length').text()).catch(() => {});
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  assert.equal(at.last.connection, 2);
});

test('connections: a second response glued on the first is given to nobody', async () => {
  await using at = await pair();
  await at.session.get('/fault/glued-answer').text();
  assert.equal(await at.session.get('/fault/text?body=mine').text(), 'mine');
});

test('connections: a 204 with a body does not spoil the next response', async () => {
  await using at = await pair({ retry: undefined });
  await at.session.get('/fault/body-on-204').text();
  assert.equal(await at.session.get('/fault/text?body=mine').text(), 'mine');
});

test('connections: an idle one is closed after keepAliveMs', async () => {
  await using at = await pair({ keepAliveMs: 50 });
  await at.session.get('/fault/text').text();
  await at.server.idle();
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  assert.equal(at.server.connections.total, 2);
});

test('connections: an idle one is closed before the server says that it would', async () => {
  await using at = await pair();
  await at.session.get('/fault/keep-alive?timeout=1').text();
  await at.server.idle(5_000);
});

test('connections: origins do not share them', async () => {
  await using other = await startFaultServer();
  await using at = await pair();
  await at.session.get('/fault/text').text();
  await at.session.get(other.url('text')).text();
  await at.session.get(`http://localhost:${at.server.port}/fault/text`).text();
  assert.deepEqual([at.server.connections.total, other.connections.total], [2, 1]);
});

test('connections: sessions do not share them', async () => {
  await using at = await pair();
  await using session = new ClientSession({ baseUrl: at.server.origin });
  await at.session.get('/fault/text').text();
  await session.get('/fault/text').text();
  assert.equal(at.server.connections.total, 2);
});

test('lookup: is asked for names, not for addresses, and its answer is kept', async () => {
  const asked: string[] = [];
  const lookup = (name: string) => {
    asked.push(name);
    return Promise.resolve([{ address: '127.0.0.1', family: 4 as const }]);
  };
  await using at = await pair({ lookup });
  const url = `http://somewhere.example:${at.server.port}/fault/says-close`;
  for (let i = 0; i < 3; i++) assert.equal(await at.session.get(url).text(), 'ok');
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  assert.deepEqual(asked, ['somewhere.example']);
  assert.equal(at.server.requests[0]?.headers['host'], `somewhere.example:${at.server.port}`);
});

test('lookup: requests at the same time ask once, and one that is cancelled does not spoil it', async () => {
  let asked = 0;
  const controller = new AbortController();
  const lookup = async () => {
    asked++;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return [{ address: '127.0.0.1', family: 4 as const }];
  };
  await using at = await pair({ lookup });
  const url = `http://somewhere.example:${at.server.port}/fault/text`;
  const first = errorOf(at.session.get(url, { signal: controller.signal }));
  const others = Array.from({ length: 3 }, () => at.session.get(url).text());
  setTimeout(() => controller.abort(new Error('mine')), 10);
  assert.equal((await first).message, 'mine');
  assert.deepEqual(await Promise.all(others), ['ok', 'ok', 'ok']);
  assert.equal(asked, 1);
});

test('lookup: waits of corral in it do not end with the scope of the first to ask', async () => {
  const lookup = async () => {
    await sleep(50);
    return [{ address: '127.0.0.1', family: 4 as const }];
  };
  await using at = await pair({ lookup });
  const url = `http://somewhere.example:${at.server.port}/fault/text`;
  const first = moveOnAfter(10, () => at.session.get(url).text());
  const second = at.session.get(url).text();
  assert.equal((await first).timedOut, true);
  assert.equal(await second, 'ok');
});

test('lookup: the next address is tried where one refuses', async () => {
  const lookup = () =>
    Promise.resolve([
      { address: '127.0.0.2', family: 4 as const },
      { address: '127.0.0.1', family: 4 as const },
    ]);
  await using at = await pair({ lookup });
  assert.equal(await at.session.get(`http://somewhere.example:${at.server.port}/fault/text`).text(), 'ok');
});

test('localAddress: is where connections come from', async () => {
  await using at = await pair({ localAddress: '127.0.0.1' });
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
});

test('get: over TLS', { skip: missingOpenssl() }, async () => {
  await using certificates = await makeCertificates();
  await using server = await startFaultServer({ tls: certificates.good });
  await using session = new ClientSession({ baseUrl: server.origin, tls: { ca: certificates.ca } });
  for (let i = 0; i < 3; i++) {
    await using response = await session.get('/fault/text');
    assert.equal(await response.text(), 'ok');
    assert.equal(response.timings.tlsMs === undefined, i > 0);
  }
  assert.equal(server.connections.total, 1);
});

test('attempts: tell how the connection came to be', async () => {
  await using at = await pair();
  await using first = await at.session.get('/fault/text');
  await first.text();
  await using second = await at.session.get('/fault/text');
  assert.equal(first.attempts[0]?.reused, false);
  assert.equal(typeof first.timings.connectMs, 'number');
  assert.equal(second.attempts[0]?.reused, true);
  assert.equal(second.timings.connectMs, undefined);
  assert.ok(Object.isFrozen(first.attempts[0]));
});
