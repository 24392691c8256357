import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { withScope } from 'corral';

import type { SessionOptions } from '../../src/session/options.ts';
import type { RequestEvent } from '../../src/trace-events.ts';
import { errorOf, pair, type Pair } from './fixture.ts';

const NAMES = [
  'queued',
  'admitted',
  'dns',
  'connect',
  'tls',
  'reuse',
  'sent',
  'information',
  'headers',
  'chunk',
  'redirect',
  'retry',
  'end',
  'error',
  'cancelled',
] as const;

type Told = RequestEvent & Record<string, unknown> & { readonly name: string };

/** A session, and all that it tells. */
async function traced(options: SessionOptions = {}): Promise<{ at: Pair; told: Told[]; names: () => string }> {
  const told: Told[] = [];
  const listener = Object.fromEntries(
    NAMES.map((name) => [
      `on${name[0]!.toUpperCase()}${name.slice(1)}`,
      (event: RequestEvent) => told.push({ ...event, name }),
    ]),
  );
  return { at: await pair({ ...options, listener }), told, names: () => told.map(({ name }) => name).join(' ') };
}

test('listener: hears of a request from its beginning to its end, in order', async () => {
  const { at, told, names } = await traced();
  await using _ = at;
  await at.session.get('/fault/text').text();
  assert.match(names(), /^admitted (dns )?connect sent headers chunk end$/);
  assert.equal(new Set(told.map(({ id }) => id)).size, 1);
  assert.deepEqual(told.at(-1)?.['bytes'], 2);
  assert.ok(told.every(({ method, url }) => method === 'GET' && url === at.server.url('text')));
});

test('listener: hears that a connection is used again', async () => {
  const { at, told, names } = await traced();
  await using _ = at;
  await at.session.get('/fault/text').text();
  told.length = 0;
  await at.session.get('/fault/text').text();
  assert.equal(names(), 'admitted reuse sent headers chunk end');
});

test('listener: hears who has to wait, and for how long', async () => {
  const { at, told } = await traced({ limits: { total: 1 } });
  await using _ = at;
  await Promise.all([at.session.get('/fault/slow-start?ms=50').text(), at.session.get('/fault/text').text()]);
  const queued = told.filter(({ name }) => name === 'queued');
  assert.equal(queued.length, 1);
  const admitted = told.find(({ name, id }) => name === 'admitted' && id === queued[0]?.id);
  assert.ok((admitted?.['queueMs'] as number) >= 30);
});

test('listener: hears of redirects, and of where they lead', async () => {
  const { at, told, names } = await traced();
  await using _ = at;
  await at.session.get('/fault/redirect?to=/fault/text').text();
  assert.match(names(), /^admitted .*sent headers (chunk )?redirect admitted reuse sent headers chunk end$/);
  const redirect = told.find(({ name }) => name === 'redirect');
  assert.deepEqual([redirect?.['status'], redirect?.['to']], [302, at.server.url('text')]);
});

test('listener: hears of retries', async () => {
  const { at, told } = await traced({ retry: undefined });
  await using _ = at;
  await at.session.get('/fault/flaky?fails=1&key=traced&retryAfter=0').text();
  const retry = told.find(({ name }) => name === 'retry');
  assert.deepEqual([retry?.['attempt'], retry?.['status']], [1, 503]);
  assert.equal(told.filter(({ name }) => name === 'end').length, 1);
});

test('listener: hears of errors, and of nothing after', async () => {
  const { at, told, names } = await traced();
  await using _ = at;
  const error = await errorOf(at.session.get('/fault/reset-before'));
  assert.match(names(), /sent error$/);
  assert.equal(told.at(-1)?.['error'], error);
});

test('listener: hears of a body that breaks off', async () => {
  const { at, names } = await traced();
  await using _ = at;
  await errorOf(at.session.get('/fault/cut-length').text());
  assert.match(names(), /headers (chunk )*error$/);
});

test('listener: hears of cancellation, before and within the body', async () => {
  for (const path of ['no-answer', 'stall-body'] as const) {
    const { at, names } = await traced();
    await using _ = at;
    await withScope(async (scope) => {
      const text = errorOf(at.session.get(at.server.url(path)).text());
      await at.server.waitFor(({ requests }) => requests.length === 1);
      if (path === 'stall-body') await new Promise((resolve) => setTimeout(resolve, 20));
      scope.cancel();
      await text;
    });
    assert.match(names(), / cancelled$/);
    assert.doesNotMatch(names(), /end|error/);
  }
});

test('listener: hears of informational responses', async () => {
  const { at, told } = await traced();
  await using _ = at;
  await at.session.get('/fault/early-hints').text();
  assert.ok(told.some(({ name, status }) => name === 'information' && status === 103));
});

test('listener: hears of the end of a body that is released', async () => {
  const { at, names } = await traced();
  await using _ = at;
  await (await at.session.get('/fault/bytes?bytes=10000000')).release();
  assert.match(names(), / end$/);
});

test('listener: hears of a status that is made an error once, as that', async () => {
  const { at, told } = await traced();
  await using _ = at;
  await errorOf(at.session.get('/fault/status?status=404', { raiseForStatus: true }));
  const last = told.filter(({ name }) => name === 'error' || name === 'end').map(({ name }) => name);
  assert.equal(last.length, 1);
});

test('listener: sees no credentials', async () => {
  const { at, told } = await traced();
  await using _ = at;
  const url = new URL('/fault/redirect?to=/fault/text%3Faccess_token=hunter2', at.server.origin);
  url.username = 'user';
  url.password = 'hunter1';
  await at.session.get(url, { headers: { authorization: 'Bearer hunter3' } }).bytes();
  const events = JSON.stringify(told.filter(({ name }) => name !== 'redirect'));
  assert.doesNotMatch(events, /hunter1|hunter3/);
});

test('listener: is called in the context of the caller', async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen = new Set<string | undefined>();
  const listener = { onAdmitted: () => seen.add(storage.getStore()), onEnd: () => seen.add(storage.getStore()) };
  await using at = await pair({ listener });
  await storage.run('mine', () => at.session.get('/fault/text').text());
  assert.deepEqual([...seen], ['mine']);
});

test('listener: one that throws does not harm the request', async (t) => {
  t.mock.method(console, 'error', () => {});
  const listener = {
    onSent: (): never => {
      throw new Error('mine');
    },
  };
  await using at = await pair({ listener });
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
});

test('listener: the diagnostics channels hear as well, for as long as somebody listens', async () => {
  await using at = await pair();
  const seen: unknown[] = [];
  const subscriber = (event: unknown): void => void seen.push((event as RequestEvent).url);
  const end = channel('corral:http:end');
  end.subscribe(subscriber);
  try {
    await at.session.get('/fault/text').text();
  } finally {
    end.unsubscribe(subscriber);
  }
  await at.session.get('/fault/text').text();
  assert.deepEqual(seen, [at.server.url('text')]);
});
