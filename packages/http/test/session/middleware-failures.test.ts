import assert from 'node:assert/strict';
import { test } from 'node:test';
import { currentScope, isCancelled, withScope } from 'corral';

import type { Middleware } from '../../src/request/middleware.ts';
import { exponential } from '../../src/retry/retry-policy.ts';
import { errorOf, gate, pair, type Routes } from './fixture.ts';

const LARGE = '/fault/bytes?bytes=10000000';

/** The head of something large, which never comes. */
function large(status: number, bytes = 10_000_000): Routes {
  return {
    '/': async (exchange) => {
      await exchange.head(status, { 'Content-Length': String(bytes), 'Set-Cookie': 'a=b' });
      await exchange.gone;
    },
  };
}

test('use: the first of the list is outermost, and headers that it sets are sent', async () => {
  const order: string[] = [];
  const named =
    (name: string): Middleware =>
    async (request, next) => {
      order.push(`${name} in`);
      request.headers.append('x-way', name);
      const response = await next(request);
      order.push(`${name} out`);
      return response;
    };
  await using at = await pair({ use: [named('a'), named('b')] });
  await at.session.get('/fault/text').text();
  assert.deepEqual(order, ['a in', 'b in', 'b out', 'a out']);
  assert.equal(at.last.headers['x-way'], 'a, b');
});

test('use: middleware that throws after the response came gives its slot back', async () => {
  const mine = new Error('mine');
  const use: Middleware[] = [
    async (request, next) => {
      await next(request);
      throw mine;
    },
  ];
  await using at = await pair({ use });
  assert.equal(await errorOf(at.session.get(LARGE)), mine);
  assert.equal(at.session.snapshot().inFlight, 0);
  await at.server.idle();
});

test('use: what middleware gives is a response, and what it hands on is a request', async () => {
  await using at = await pair();
  const nothing = (async (...[request, next]: Parameters<Middleware>) =>
    void (await next(request))) as unknown as Middleware;
  const bare = ((_request, next) => (next as () => unknown)()) as Middleware;
  assert.match((await errorOf(at.session.get(LARGE, { use: [nothing] }))).message, /^Cannot use middleware as/);
  assert.match((await errorOf(at.session.get(LARGE, { use: [bare] }))).message, /^Cannot call next as/);
  assert.equal(at.session.snapshot().inFlight, 0);
});

test('cookies: a jar that fails when it is given some gives the slot back', async () => {
  const mine = new Error('mine');
  const cookies = { getCookieHeader: () => '', setFromResponse: () => Promise.reject(mine) };
  await using at = await pair({ cookies: cookies as never }, large(200));
  assert.equal(await errorOf(at.session.get('/')), mine);
  assert.equal(at.session.snapshot().inFlight, 0);
});

test('retryIf: one that throws gives the slot back, and its error is thrown', async () => {
  const mine = new Error('mine');
  const retryIf = (): never => {
    throw mine;
  };
  await using at = await pair({ retry: exponential({ retryIf }) }, large(503));
  assert.equal(await errorOf(at.session.get('/')), mine);
  assert.equal(at.session.snapshot().inFlight, 0);
});

test('raiseForStatus: cancelled while the beginning of the body is awaited, the slot is given back', async () => {
  const came = gate();
  await using at = await pair({ raiseForStatus: true, listener: { onHeaders: () => came.open() } }, large(500, 10));
  await withScope(async (scope) => {
    const error = errorOf(at.session.get('/'));
    await came.promise;
    scope.cancel();
    assert.ok(isCancelled(await error));
  });
  assert.equal(at.session.snapshot().inFlight, 0);
  await at.server.idle();
});

for (const how of ['awaited', 'text'] as const) {
  test(`use: middleware that cancels the scope of its request is an error of that, ${how}`, async () => {
    const use: Middleware[] = [
      (request, next) => {
        currentScope()?.cancel();
        return next(request);
      },
    ];
    await using at = await pair({ use });
    const asked = (): PromiseLike<unknown> => {
      const handle = at.session.get('/fault/text');
      return how === 'text' ? handle.text() : handle;
    };
    const message = /^Cannot give a response as the scope of the request was cancelled from within it/;
    assert.match((await errorOf(asked())).message, message);
    await withScope(async () => assert.match((await errorOf(asked())).message, message));
    assert.equal(at.server.requests.length, 0);
  });
}

test('cookies: cancelled while a jar thinks, the request ends at once', async () => {
  for (const slow of ['getCookieHeader', 'setFromResponse']) {
    const asked = gate();
    const never = (): Promise<never> => {
      asked.open();
      return new Promise<never>(() => {});
    };
    const cookies = { getCookieHeader: () => undefined, setFromResponse: () => {}, [slow]: never };
    await using at = await pair({ cookies }, large(200));
    await withScope(async (scope) => {
      const error = errorOf(at.session.get('/'));
      await asked.promise;
      scope.cancel();
      assert.ok(isCancelled(await error));
    });
    assert.equal(at.session.snapshot().inFlight, 0);
  }
});
