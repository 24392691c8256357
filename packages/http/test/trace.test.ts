import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { Tracer, type RequestTrace } from '../src/trace.ts';
import type { RequestEvent, SessionEvents } from '../src/trace-events.ts';
import type { ConnectionInfo } from '../src/wire/transport.ts';

const fresh: ConnectionInfo = {
  reused: false,
  protocol: 'h1',
  remoteAddress: '127.0.0.1',
  dnsMs: 1,
  tcpMs: 2,
  tlsMs: 3,
};

function setUp(...listeners: SessionEvents[]) {
  const faults: unknown[] = [];
  const tracer = new Tracer({ listeners, channel, onFault: (error) => faults.push(error) });
  const start = (): RequestTrace => {
    const trace = tracer.start('GET', 'http://a/');
    assert.ok(trace);
    return trace;
  };
  return { tracer, faults, start };
}

function tellAll(trace: RequestTrace): void {
  trace.queued();
  trace.admitted(5);
  trace.sent(fresh);
  trace.information(103);
  trace.headers(302);
  trace.redirect(302, 'http://b/');
  trace.sent({ ...fresh, reused: true });
  trace.headers(503);
  trace.retry({ attempt: 1, delayMs: 500, reconnect: false, status: 503, error: undefined });
  trace.headers(200);
  trace.chunk(10);
  trace.end(200, 10);
}

const METHODS = [
  'onQueued',
  'onAdmitted',
  'onDns',
  'onConnect',
  'onTls',
  'onReuse',
  'onSent',
  'onInformation',
  'onHeaders',
  'onChunk',
  'onRedirect',
  'onRetry',
  'onEnd',
  'onError',
  'onCancelled',
] as const;

/** Notes all it hears. */
function recorder(heard: [string, RequestEvent][]): SessionEvents {
  return Object.fromEntries(METHODS.map((name) => [name, (event: RequestEvent) => heard.push([name, event])]));
}

test('Tracer: tells a listener all that happens, in order, with frozen events', () => {
  const heard: [string, RequestEvent][] = [];
  const { start } = setUp(recorder(heard));
  tellAll(start());
  assert.deepEqual(
    heard.map(([name, { url }]) => `${name} ${url.slice(7, 8)}`),
    [
      'onQueued a',
      'onAdmitted a',
      'onDns a',
      'onConnect a',
      'onTls a',
      'onSent a',
      'onInformation a',
      'onHeaders a',
      'onRedirect a',
      'onReuse b',
      'onSent b',
      'onHeaders b',
      'onRetry b',
      'onHeaders b',
      'onChunk b',
      'onEnd b',
    ],
  );
  const [, first] = heard[1] ?? [];
  assert.deepEqual({ ...first, at: 0 }, { id: first?.id, method: 'GET', url: 'http://a/', at: 0, queueMs: 5 });
  assert.ok(heard.every(([, event]) => Object.isFrozen(event) && event.id === first?.id));
});

test('Tracer: nothing is told after the end, be it an error or a cancellation', () => {
  const heard: [string, RequestEvent][] = [];
  const { start } = setUp(recorder(heard));
  const [failed, cancelled, ended] = [start(), start(), start()];
  failed.error(new Error('of the request'));
  cancelled.cancelled();
  ended.end(200, 0);
  for (const trace of [failed, cancelled, ended]) {
    trace.chunk(1);
    trace.error(undefined);
    trace.cancelled();
  }
  assert.deepEqual(
    heard.map(([name]) => name),
    ['onError', 'onCancelled', 'onEnd'],
  );
});

test('Tracer.start: is undefined while nobody listens', () => {
  const { tracer } = setUp();
  assert.equal(tracer.start('GET', 'http://a/'), undefined);
  const listen = (): void => {};
  channel('corral:http:end').subscribe(listen);
  assert.ok(tracer.start('GET', 'http://a/'));
  channel('corral:http:end').unsubscribe(listen);
  assert.equal(tracer.active, false);
});

test('Tracer: publishes to the diagnostics channels', () => {
  const heard: unknown[] = [];
  const listen = (event: unknown): void => void heard.push(event);
  const names = METHODS.map((name) => `corral:http:${name.slice(2).toLowerCase()}`);
  for (const name of names) channel(name).subscribe(listen);
  try {
    tellAll(setUp().start());
    assert.equal(heard.length, 16);
  } finally {
    for (const name of names) channel(name).unsubscribe(listen);
  }
});

test('Tracer: a listener that throws is reported once and not called any more; the others are', async () => {
  let calls = 0;
  const heard: [string, RequestEvent][] = [];
  const error = new Error('of a listener');
  const bad: SessionEvents = {
    onQueued() {
      calls++;
      throw error;
    },
  };
  const later: SessionEvents = {
    onQueued() {
      calls++;
      return Promise.reject(error) as unknown as undefined;
    },
  };
  const { start, faults } = setUp(bad, later, recorder(heard));
  const trace = start();
  trace.queued();
  trace.queued();
  await new Promise(setImmediate);
  trace.queued();
  assert.equal(calls, 3);
  assert.equal(heard.length, 3);
  assert.deepEqual(faults, [error, error]);
});

test('Tracer: listeners are called in the context of the caller of the request', () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const { start } = setUp({ onQueued: () => seen.push(storage.getStore()) });
  const trace = storage.run('of the caller', start);
  storage.run('of another', () => trace.queued());
  trace.queued();
  assert.deepEqual(seen, ['of the caller', 'of the caller']);
});

test('Tracer: a listener may be an object of a class', () => {
  class Counter implements SessionEvents {
    count = 0;
    onSent(): void {
      this.count++;
    }
  }
  const counter = new Counter();
  setUp(counter).start().sent(fresh);
  assert.equal(counter.count, 1);
  assert.throws(() => setUp(null as unknown as SessionEvents), TypeError);
});
