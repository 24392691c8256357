import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HttpTimeoutError, type TimeoutKind } from '../../src/errors.ts';
import { exponential } from '../../src/retry/retry-policy.ts';
import type { TimeoutOptions } from '../../src/timeouts.ts';
import type { SessionOptions } from '../../src/session/options.ts';
import { elsewhere } from '../faults/elsewhere.ts';
import { pair, type Pair } from '../session/fixture.ts';
import { assertIdle, assertSound, failsWith, timed, until } from './fixture.ts';

const skip = elsewhere;
/** A limit of 150 ms passes within that, on a machine that is busy. */
const SOON_MS = 1_500;

interface Case {
  readonly kind: TimeoutKind;
  readonly phase: string;
  readonly requestSent: boolean;
  readonly retryable: boolean;
  readonly timeout: TimeoutOptions;
  readonly options?: SessionOptions;
  readonly path?: string;
  before?(at: Pair): Promise<unknown>;
}

const cases: readonly Case[] = [
  {
    kind: 'acquire',
    phase: 'acquire',
    requestSent: false,
    retryable: true,
    timeout: { acquireMs: 150 },
    options: { limits: { total: 1 } },
    before: async (at) => {
      void at.session.get('/fault/no-answer').then(undefined, () => undefined);
      await until(() => at.session.snapshot().inFlight === 1);
    },
  },
  {
    kind: 'connect',
    phase: 'dns',
    requestSent: false,
    retryable: true,
    timeout: { connectMs: 150 },
    options: { lookup: () => new Promise(() => {}) },
    path: 'http://slow.test/',
  },
  {
    kind: 'headers',
    phase: 'headers',
    requestSent: true,
    retryable: true,
    timeout: { headersMs: 150 },
    path: '/fault/no-answer',
  },
  {
    kind: 'read',
    phase: 'body',
    requestSent: true,
    retryable: true,
    timeout: { readMs: 150 },
    path: '/fault/stall-body',
  },
  {
    kind: 'total',
    phase: 'headers',
    requestSent: true,
    retryable: false,
    timeout: { totalMs: 150 },
    path: '/fault/no-answer',
  },
  {
    kind: 'total',
    phase: 'body',
    requestSent: true,
    retryable: false,
    timeout: { totalMs: 150 },
    path: '/fault/stall-body',
  },
  {
    kind: 'minSpeed',
    phase: 'body',
    requestSent: true,
    retryable: true,
    timeout: { minSpeed: { bytes: 10_000, overMs: 150 } },
    path: '/fault/drip-body?gap=10',
  },
];

for (const { kind, phase, requestSent, retryable, timeout, options, path = '/fault/text', before } of cases) {
  test(`HttpTimeoutError: ${kind} in phase ${phase} says so, and comes in time`, { skip }, async () => {
    await using at = await pair(options);
    await before?.(at);
    const { value: error, ms } = await timed(() =>
      failsWith(at.session.get(path, { timeout }).bytes(), HttpTimeoutError),
    );
    assert.deepEqual(
      [error.kind, error.phase, error.requestSent, error.retryable, error.ms],
      [kind, phase, requestSent, retryable, 150],
    );
    assert.ok(ms >= 149 && ms < SOON_MS, `took ${ms} ms`);
    assert.equal(error.code, 'CORRAL_HTTP_TIMEOUT');
    assert.equal(error.attempts.length, 1);
    await until(() => at.session.snapshot().waiting === 0);
  });
}

test('total: a number is the total time', { skip }, async () => {
  await using at = await pair();
  const error = await failsWith(at.session.get('/fault/no-answer', { timeout: 100 }), HttpTimeoutError);
  assert.deepEqual([error.kind, error.ms], ['total', 100]);
});

test('total: spans the body', { skip }, async () => {
  await using at = await pair();
  const body = at.session.get('/fault/drip-body?gap=10&bytes=1000', { timeout: { totalMs: 200 } }).stream();
  let size = 0;
  const read = async (): Promise<void> => {
    for await (const chunk of body) size += chunk.byteLength;
  };
  assert.equal((await failsWith(read(), HttpTimeoutError)).kind, 'total');
  assert.ok(size > 0);
  await assertSound(at);
});

test('total: spans the body also while its consumer is slow', { skip }, async () => {
  await using at = await pair();
  const read = async (): Promise<void> => {
    for await (const _chunk of at.session.get('/fault/endless-body', { timeout: { totalMs: 200 } }).stream()) {
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  };
  const { value: error, ms } = await timed(() => failsWith(read(), HttpTimeoutError));
  assert.equal(error.kind, 'total');
  assert.ok(ms < SOON_MS, `took ${ms} ms`);
  await assertSound(at);
});

test('total: ends a request whose body nobody reads', { skip }, async () => {
  await using at = await pair();
  const response = await at.session.get('/fault/endless-body', { timeout: { totalMs: 150 } });
  await until(() => at.session.snapshot().inFlight === 0, SOON_MS);
  assert.equal((await failsWith(response.bytes(), HttpTimeoutError)).kind, 'total');
  await assertSound(at);
});

test('total: spans the tries and the waits between them', { skip }, async () => {
  await using at = await pair({
    retry: exponential({ attempts: 100, baseMs: 20, capMs: 20, jitter: 'none', budget: Infinity }),
  });
  const { value: error, ms } = await timed(() =>
    failsWith(at.session.get('/fault/fin-before?ms=30', { timeout: { totalMs: 250 } }), HttpTimeoutError).catch(
      (failure: unknown) => failure as Error,
    ),
  );
  // In a try, or when there is no time for another one.
  assert.ok(['HttpTimeoutError', 'ProtocolError', 'AssertionError'].includes(error.name), error.message);
  assert.ok(
    ms < SOON_MS && at.server.requests.length > 1 && at.server.requests.length < 12,
    `${at.server.requests.length} in ${ms} ms`,
  );
  await assertSound(at);
});

test('total: a wait beyond it is not begun', { skip }, async () => {
  await using at = await pair({ retry: exponential() });
  const { value: response, ms } = await timed(() =>
    at.session.get('/fault/status?status=503&retryAfter=60', { timeout: { totalMs: 500 } }),
  );
  assert.equal(response.status, 503);
  assert.ok(ms < 400, `took ${ms} ms`);
  await response.release();
});

test('total: begins when the request is let in', { skip }, async () => {
  await using at = await pair({ limits: { total: 1 } });
  const first = at.session.get('/fault/slow-start?ms=300').text();
  await until(() => at.session.snapshot().inFlight === 1);
  assert.equal(await at.session.get('/fault/text', { timeout: { totalMs: 200 } }).text(), 'ok');
  assert.equal(await first, 'ok');
});

test('headers: is for each hop of its own', { skip }, async () => {
  await using at = await pair();
  const path = '/fault/redirect-chain?n=4&ms=80&to=/fault/text';
  assert.equal(await at.session.get(path, { timeout: { headersMs: 250 } }).text(), 'ok');
});

test('headers: begins when the body was sent', { skip }, async () => {
  await using at = await pair();
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < 6; n++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      yield new Uint8Array(10);
    }
  };
  const answer = await at.session
    .post('/fault/upload', { body, timeout: { headersMs: 250 } })
    .json<{ bytes: number }>();
  assert.equal(answer.bytes, 60);
});

test('headers: ends an upload that gets no further', { skip }, async () => {
  await using at = await pair();
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) yield new Uint8Array(65_536);
  };
  const handle = at.session.post('/fault/upload-stall', { body, timeout: { headersMs: 200 } });
  const error = await failsWith(handle, HttpTimeoutError);
  assert.deepEqual([error.kind, error.requestSent, error.retryable], ['headers', true, false]);
  assertIdle(at.session);
});

test('read: a slow consumer is none', { skip }, async () => {
  await using at = await pair();
  let lines = 0;
  for await (const _line of at.session.get('/fault/lines?n=3000', { timeout: { readMs: 100 } }).lines()) {
    if (++lines % 1_000 === 1) await new Promise((resolve) => setTimeout(resolve, 250));
  }
  assert.equal(lines, 3_000);
  await assertSound(at);
});

test('read: bytes that come put it off', { skip }, async () => {
  await using at = await pair();
  const bytes = await at.session.get('/fault/drip-body?gap=40&bytes=10', { timeout: { readMs: 250 } }).bytes();
  assert.equal(bytes.byteLength, 10);
});

test('minSpeed: the time of a slow consumer is not counted', { skip }, async () => {
  await using at = await pair();
  const timeout = { minSpeed: { bytes: 100_000, overMs: 100 } };
  let size = 0;
  for await (const chunk of at.session.get('/fault/bytes?bytes=2000000', { timeout }).stream()) {
    if (size === 0) await new Promise((resolve) => setTimeout(resolve, 400));
    size += chunk.byteLength;
  }
  assert.equal(size, 2_000_000);
});

test('connect: a connection that is not made in time is not used later', { skip }, async () => {
  let answer: (() => void) | undefined;
  const lookup = (): Promise<{ address: string; family: 4 }[]> =>
    new Promise((resolve) => (answer = () => resolve([{ address: '127.0.0.1', family: 4 }])));
  await using at = await pair({ lookup });
  const url = `http://late.test:${at.server.port}/fault/text`;
  await failsWith(at.session.get(url, { timeout: { connectMs: 50 } }), HttpTimeoutError);
  answer?.();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(at.server.connections.total, 0);
  assertIdle(at.session);
});

test('timeouts: those that are not reached keep no process and no slot', { skip }, async () => {
  await using at = await pair();
  for (let n = 0; n < 20; n++) await at.session.get('/fault/text').text();
  assertIdle(at.session);
});
