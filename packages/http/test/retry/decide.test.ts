import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TimeoutKind } from '../../src/errors.ts';
import { decide, type RetryDecision, type RetryFacts } from '../../src/retry/decide.ts';
import { RetryTokens } from '../../src/retry/retry-budget.ts';
import { exponential, never, type RetryOptions } from '../../src/retry/retry-policy.ts';
import type { WireFailure } from '../../src/wire/transport.ts';

function failed(kind: WireFailure['kind'], cause?: unknown): WireFailure {
  return { kind, phase: undefined, message: kind, cause, reused: false };
}

function timedOut(timeout: TimeoutKind): RetryFacts['failure'] {
  return { kind: 'timeout', timeout };
}

function facts(some: Partial<RetryFacts>): RetryFacts {
  return {
    method: 'GET',
    attempt: 1,
    stage: 'sent',
    replayable: true,
    idempotencyKey: false,
    reused: false,
    reconnected: false,
    failure: undefined,
    response: undefined,
    retryAfterMs: undefined,
    error: undefined,
    ...some,
  };
}

function answered(status: number, some: Partial<RetryFacts> = {}): RetryFacts {
  return facts({ stage: 'head', response: { status, headers: new Headers() }, ...some });
}

function decided(some: RetryFacts, options?: RetryOptions, tokens = new RetryTokens(0.2)): RetryDecision {
  return decide(exponential({ jitter: 'none', ...options }), some, tokens);
}

function summary(decision: RetryDecision): string {
  if (!decision.retry) return decision.reason;
  return decision.free ? 'reconnect' : `after ${decision.delayMs}`;
}

const again = 'after 500';
const closed = failed('closed');

const table: readonly [string, RetryFacts, string][] = [
  // Before anything was sent: always.
  ['no connection', facts({ stage: 'unsent', failure: failed('connect') }), again],
  ['no connection, POST', facts({ stage: 'unsent', method: 'POST', failure: failed('connect') }), again],
  ['connecting took too long', facts({ stage: 'unsent', method: 'POST', failure: timedOut('connect') }), again],
  ['one-shot body', facts({ stage: 'unsent', replayable: false, failure: failed('connect') }), 'one-shot'],
  ['forbidden address', facts({ stage: 'unsent', failure: failed('policy') }), 'failure'],
  ['not supported', facts({ stage: 'unsent', failure: failed('unsupported') }), 'failure'],
  ['no turn in time', facts({ stage: 'unsent', failure: timedOut('acquire') }), 'failure'],
  ['unknown name', facts({ stage: 'unsent', failure: failed('connect', { code: 'ENOTFOUND' }) }), 'failure'],
  ['name server busy', facts({ stage: 'unsent', failure: failed('connect', { code: 'EAI_AGAIN' }) }), again],
  [
    'certificate expired',
    facts({ stage: 'unsent', failure: failed('connect', { code: 'CERT_HAS_EXPIRED' }) }),
    'failure',
  ],
  // Sent, and not a byte of a response.
  ...['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'].map((method): [string, RetryFacts, string] => [
    `reset, ${method}`,
    facts({ method, failure: closed }),
    again,
  ]),
  ['reset, POST', facts({ method: 'POST', failure: closed }), 'not-idempotent'],
  ['reset, PATCH', facts({ method: 'PATCH', failure: closed }), 'not-idempotent'],
  ['reset, POST with a key', facts({ method: 'POST', idempotencyKey: true, failure: closed }), again],
  ['reset, one-shot body', facts({ method: 'PUT', replayable: false, failure: closed }), 'one-shot'],
  ['no head in time', facts({ failure: timedOut('headers') }), again],
  ['no head in time, POST', facts({ method: 'POST', failure: timedOut('headers') }), 'not-idempotent'],
  ['total time', facts({ failure: timedOut('total') }), 'failure'],
  ['not HTTP', facts({ failure: failed('protocol') }), 'failure'],
  ['the upload failed', facts({ method: 'PUT', failure: failed('upload') }), 'failure'],
  // Refused right here.
  ['session closed, or queue full', facts({ stage: 'unsent' }), 'failure'],
  // A response.
  ...[408, 425, 429, 500, 502, 503, 504].map((status): [string, RetryFacts, string] => [
    String(status),
    answered(status),
    again,
  ]),
  ...[200, 304, 400, 401, 403, 404, 409, 501, 505].map((status): [string, RetryFacts, string] => [
    String(status),
    answered(status),
    'status',
  ]),
  ...[408, 425, 429].map((status): [string, RetryFacts, string] => [
    `${status}, POST`,
    answered(status, { method: 'POST' }),
    again,
  ]),
  ...[500, 502, 503, 504].map((status): [string, RetryFacts, string] => [
    `${status}, POST`,
    answered(status, { method: 'POST' }),
    'not-idempotent',
  ]),
  ['503, one-shot body', answered(503, { method: 'PUT', replayable: false }), 'one-shot'],
  // Within the body.
  ['body cut short', facts({ stage: 'body', failure: failed('truncated') }), 'body'],
  ['silence in the body', facts({ stage: 'body', failure: timedOut('read') }), 'body'],
  ['body too slow', facts({ stage: 'body', failure: timedOut('minSpeed') }), 'body'],
  // How often.
  ['third attempt', answered(503, { attempt: 3 }), 'after 2000'],
  ['fourth attempt', answered(503, { attempt: 4 }), 'attempts'],
  // The free one.
  ['idle connection closed', facts({ reused: true, failure: closed }), 'reconnect'],
  ['idle connection closed, last attempt', facts({ reused: true, attempt: 4, failure: closed }), 'reconnect'],
  ['idle connection closed again', facts({ reused: true, reconnected: true, failure: closed }), again],
  ['idle connection closed, POST', facts({ reused: true, method: 'POST', failure: closed }), 'not-idempotent'],
  ['… with nothing sent', facts({ reused: true, method: 'POST', stage: 'unsent', failure: closed }), 'reconnect'],
  ['… one-shot body', facts({ reused: true, method: 'PUT', replayable: false, failure: closed }), 'one-shot'],
  ['… within the head', facts({ reused: true, stage: 'head', failure: closed }), again],
  ['no head in time, reused', facts({ reused: true, failure: timedOut('headers') }), again],
];

for (const [name, some, expected] of table) {
  test(`decide: ${name}: ${expected}`, () => {
    assert.equal(summary(decided(some)), expected);
  });
}

test('decide: never is never', () => {
  for (const [, some] of table) assert.equal(decide(never, some, new RetryTokens(1)).retry, false);
});

test('decide: reconnect: false switches the free one off', () => {
  assert.equal(summary(decided(facts({ reused: true, failure: closed }), { reconnect: false })), again);
});

test('decide: Retry-After is waited for and closes the host, up to its cap', () => {
  const waited = decided(answered(429, { retryAfterMs: 7000 }));
  assert.deepEqual(waited, { retry: true, delayMs: 7000, free: false, closeHostMs: 7000 });
  const tooLong = decided(answered(503, { retryAfterMs: 120_001 }));
  assert.deepEqual(tooLong, { retry: false, reason: 'retry-after', closeHostMs: undefined });
  const ofOne = decided(answered(500, { retryAfterMs: 1000 }));
  assert.deepEqual(ofOne, { retry: true, delayMs: 1000, free: false, closeHostMs: undefined });
  assert.equal(summary(decided(answered(429, { retryAfterMs: 0 }))), again);
});

test('decide: a request that gives up closes the host all the same', () => {
  const decision = decided(answered(429, { attempt: 4, retryAfterMs: 1000 }));
  assert.deepEqual(decision, { retry: false, reason: 'attempts', closeHostMs: 1000 });
});

test('decide: a policy that never retries closes no host', () => {
  const decision = decide(never, answered(503, { retryAfterMs: 1000 }), new RetryTokens(1));
  assert.equal(decision.closeHostMs, undefined);
});

test('decide: a policy without a budget takes nothing of that of the session', () => {
  const empty = new RetryTokens(0);
  while (empty.withdraw());
  assert.equal(summary(decided(answered(503), {}, empty)), 'budget');
  assert.equal(summary(decided(answered(503), { budget: Infinity }, empty)), again);
});

test('decide: retryIf overrules status, method and failure, but not what cannot be', () => {
  const always = { retryIf: () => true };
  assert.equal(summary(decided(answered(404), always)), again);
  assert.equal(summary(decided(facts({ method: 'POST', failure: closed }), always)), again);
  assert.equal(summary(decided(facts({ stage: 'body', failure: closed }), always)), 'body');
  assert.equal(summary(decided(facts({ replayable: false, failure: closed }), always)), 'one-shot');
  assert.equal(summary(decided(facts({ failure: timedOut('total') }), always)), 'failure');
  assert.equal(summary(decided(answered(404, { attempt: 4 }), always)), 'attempts');
  assert.equal(summary(decided(answered(503), { retryIf: () => false })), 'refused');
  assert.equal(summary(decided(answered(503), { retryIf: () => undefined })), again);
});

test('decide: retryIf that gives a promise is refused', () => {
  const retryIf = (() => Promise.resolve(false)) as never;
  assert.throws(() => decided(answered(503), { retryIf }), /^TypeError: Cannot retry as retryIf gives/);
});

test('decide: retryIf is told what happened', () => {
  const error = new Error('of the request');
  const seen: unknown[] = [];
  const retryIf: RetryOptions['retryIf'] = (outcome) => void seen.push(outcome);
  decided(facts({ failure: closed, error }), { retryIf });
  const response = { status: 503, headers: new Headers() };
  decided(answered(503, { response, attempt: 2 }), { retryIf });
  assert.deepEqual(seen, [
    { method: 'GET', attempt: 1, error, response: undefined },
    { method: 'GET', attempt: 2, error: undefined, response },
  ]);
});

test('decide: waits double up to the cap, with jitter', () => {
  const delays = (options: RetryOptions): number[] =>
    [1, 2, 3, 4, 9, 2000].map((attempt) => {
      const decision = decided(answered(503, { attempt }), { attempts: Infinity, budget: Infinity, ...options });
      return decision.retry ? decision.delayMs : NaN;
    });
  assert.deepEqual(delays({}), [500, 1000, 2000, 4000, 30_000, 30_000]);
  assert.deepEqual(delays({ jitter: 'full', random: () => 0.5 }), [250, 500, 1000, 2000, 15_000, 15_000]);
  assert.deepEqual(delays({ jitter: 'equal', random: () => 0.5 }), [375, 750, 1500, 3000, 22_500, 22_500]);
  assert.deepEqual(delays({ baseMs: 0 }), [0, 0, 0, 0, 0, 0]);
});

test('decide: no more retries than the budget has, and the free one costs none', () => {
  const tokens = new RetryTokens(0.2);
  const tries = (count: number): number =>
    Array.from({ length: count }, () => decided(answered(503), {}, tokens)).filter(({ retry }) => retry).length;
  assert.equal(tries(20), 10);
  for (let i = 0; i < 4; i++) tokens.deposit();
  assert.equal(tries(5), 0);
  tokens.deposit();
  assert.equal(summary(decided(facts({ reused: true, failure: closed }), {}, tokens)), 'reconnect');
  assert.equal(tries(5), 1);
  for (let i = 0; i < 1000; i++) tokens.deposit();
  assert.equal(tries(20), 10);
});

test('decide: what is refused for another reason takes nothing out of the budget', () => {
  const tokens = new RetryTokens(0);
  for (let i = 0; i < 100; i++) decided(answered(404), {}, tokens);
  for (let i = 0; i < 10; i++) assert.equal(decided(answered(503), {}, tokens).retry, true);
  assert.equal(summary(decided(answered(503), {}, tokens)), 'budget');
});
