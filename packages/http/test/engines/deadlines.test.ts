import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isCancelled, taskGroup } from 'corral';
import { exponential, HttpTimeoutError, QueueFullError } from '../../src/server.ts';
import { startFaultServer } from '../faults/server.ts';
import { cancelling, errorOf, failure, pair, until } from './fixture.ts';

const PROMPT_MS = 1_000;

for (const [kind, path, timeout] of [
  ['headers', '/fault/no-answer', { headersMs: 200 }],
  ['headers', '/fault/stall-head', { headersMs: 200 }],
  ['headers', '/fault/drip-head?gap=20', { headersMs: 200 }],
  ['read', '/fault/stall-body', { readMs: 200 }],
  ['total', '/fault/drip-body?gap=20', { totalMs: 300 }],
  ['total', '/fault/no-answer', { totalMs: 200 }],
  ['minSpeed', '/fault/drip-body?gap=20', { minSpeed: { bytes: 10_000, overMs: 300 } }],
] as const) {
  test(`fetch session: the time limit '${kind}' ends ${path}`, async () => {
    await using at = await pair();
    const error = await failure(at.session.get(path, { timeout }).bytes(), HttpTimeoutError);
    assert.equal(error.kind, kind);
    await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
  });
}

test('fetch session: the total time is one for redirects and retries together', async () => {
  await using at = await pair({ retry: exponential({ attempts: 9, baseMs: 1 }) });
  const to = encodeURIComponent('/fault/slow-start?ms=300&status=503');
  const error = await failure(
    at.session.get(`/fault/redirect?to=${to}`, { timeout: 500, raiseForStatus: true }).text(),
    HttpTimeoutError,
  );
  assert.equal(error.kind, 'total');
});

test('fetch session: who waits for his turn for too long is told so', async () => {
  await using at = await pair({ limits: { total: 1 }, timeout: { acquireMs: 200 } });
  await using first = await at.session.get('/fault/stall-body');
  assert.equal(first.status, 200);
  const error = await failure(at.session.get('/fault/text'), HttpTimeoutError);
  assert.deepEqual([error.kind, error.requestSent], ['acquire', false]);
});

test('fetch session: a consumer that takes its time is no silence of the server', async () => {
  await using at = await pair({ timeout: { readMs: 150 } });
  await using response = await at.session.get('/fault/bytes?bytes=3000000');
  assert.equal((await response.body.read(1)).byteLength, 1);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal((await response.body.readExactly(2_999_999)).byteLength, 2_999_999);
});

test('fetch session: cancelled while it waits for its turn, it ends at once and sends nothing', async () => {
  await using at = await pair({ limits: { total: 1 } });
  await using first = await at.session.get('/fault/stall-body');
  assert.equal(first.status, 200);
  const ms = await cancelling(
    () => at.session.get('/fault/text').text(),
    () => until(() => at.session.snapshot().waiting === 1),
  );
  assert.ok(ms < PROMPT_MS, `${ms} ms`);
  assert.equal(at.session.snapshot().waiting, 0);
  assert.equal(at.server.requests.length, 1);
});

for (const [phase, path] of [
  ['waits for the head', '/fault/no-answer'],
  ['has half of the head', '/fault/stall-head'],
  ['reads the body', '/fault/stall-body'],
  ['has more of the body than it takes', '/fault/endless-body'],
] as const) {
  test(`fetch session: cancelled while it ${phase}, it ends at once, and so does the connection`, async () => {
    await using at = await pair();
    const ms = await cancelling(
      () => at.session.get(path).bytes(),
      () => at.server.waitFor(({ inFlight }) => inFlight.now === 1),
    );
    assert.ok(ms < PROMPT_MS, `${ms} ms`);
    assert.equal(at.session.snapshot().inFlight, 0);
    await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
  });
}

test('fetch session: cancelled while it sends its body, it ends at once and closes the source', async () => {
  await using at = await pair();
  let closed = false;
  const body = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield new Uint8Array(1_000);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } finally {
      closed = true;
    }
  };
  const ms = await cancelling(
    () => at.session.post('/fault/echo', { body }).text(),
    () => at.server.waitFor(({ requests }) => (requests[0]?.body.length ?? 0) > 0),
  );
  assert.ok(ms < PROMPT_MS, `${ms} ms`);
  await at.server.waitFor(({ connections }) => connections.open === 0);
  await until(() => closed);
});

test('fetch session: cancelled before another try, it ends at once', async () => {
  await using at = await pair({ retry: exponential({ baseMs: 60_000, jitter: 'none' }) });
  const ms = await cancelling(
    () => at.session.get('/fault/status?status=503').text(),
    () => at.server.waitFor(({ requests }) => requests[0]?.answered),
  );
  assert.ok(ms < PROMPT_MS, `${ms} ms`);
  assert.equal(at.server.requests.length, 1);
});

test('fetch session: a group that fails takes its requests with it', async () => {
  await using at = await pair();
  const broken = new Error('broken');
  const group = taskGroup((tasks) => {
    for (let n = 0; n < 5; n++) tasks.spawn(() => at.session.get('/fault/no-answer').text());
    tasks.spawn(async () => {
      await at.server.waitFor(({ inFlight }) => inFlight.now === 5);
      throw broken;
    });
  });
  assert.equal(await errorOf(group), broken);
  assert.equal(at.session.snapshot().inFlight, 0);
  await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
});

test('fetch session: a signal from elsewhere cancels a request, with its reason', async () => {
  await using at = await pair();
  const controller = new AbortController();
  const request = at.session.get('/fault/no-answer', { signal: controller.signal }).text();
  const reason = new Error('not wanted any more');
  void at.server.waitFor(({ inFlight }) => inFlight.now === 1).then(() => controller.abort(reason));
  const error = await errorOf(request);
  assert.ok(error === reason || isCancelled(error), String(error));
  await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
});

test('fetch session: no more requests than the limits allow are in flight', async () => {
  await using at = await pair({ limits: { perHost: 3 } });
  const texts = await Promise.all(Array.from({ length: 20 }, () => at.session.get('/fault/slow-start?ms=5').text()));
  assert.equal(texts.join(''), 'ok'.repeat(20));
  assert.equal(at.server.inFlight.max, 3);
});

test('fetch session: a host with many requests does not keep another one waiting', async () => {
  await using other = await startFaultServer();
  await using at = await pair({ limits: { total: 2, perHost: 2 } });
  const ended: string[] = [];
  const many = Array.from({ length: 30 }, async () => {
    await at.session.get('/fault/slow-start?ms=5').text();
    ended.push('many');
  });
  await at.session.get(other.url('text')).text();
  ended.push('one');
  await Promise.all(many);
  assert.ok(ended.indexOf('one') < 10, ended.join());
});

test('fetch session: more than the queue holds fails at once', async () => {
  await using at = await pair({ limits: { total: 1, queue: 1 } });
  await using first = await at.session.get('/fault/stall-body');
  const queued = at.session.get('/fault/text').text();
  await failure(at.session.get('/fault/text').text(), QueueFullError);
  await first.release();
  assert.equal(await queued, 'ok');
});

test('fetch session: a rate spaces the requests to a host', async () => {
  await using at = await pair({ rate: { perHost: { limit: 1, perMs: 100 } } });
  const since = performance.now();
  await Promise.all(Array.from({ length: 4 }, () => at.session.get('/fault/text').text()));
  assert.ok(performance.now() - since >= 290);
});
