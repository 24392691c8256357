import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';

import { DnsCache, type HostAddress } from '../../src/node/dns-cache.ts';

function ask(cache: DnsCache, hostname: string): Promise<readonly HostAddress[]> {
  return new Promise((resolve, reject) => {
    cache.resolve(hostname, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });
}

const four = (address: string): HostAddress => ({ address, family: 4 });
const six = (address: string): HostAddress => ({ address, family: 6 });

test('DnsCache: a name is looked up once for all who ask at a time, and again when it is stale', async () => {
  let asked = 0;
  const lookup = (): Promise<HostAddress[]> => Promise.resolve([four(`10.0.0.${++asked}`)]);
  const cache = new DnsCache({ ttlMs: 10_000, lookup });
  const answers = await Promise.all([ask(cache, 'a.test'), ask(cache, 'a.test')]);
  assert.deepEqual(answers, [[four('10.0.0.1')], [four('10.0.0.1')]]);
  assert.deepEqual(await ask(cache, 'a.test'), [four('10.0.0.1')]);
  cache.forget('a.test');
  assert.deepEqual(await ask(cache, 'a.test'), [four('10.0.0.2')]);
  const none = new DnsCache({ ttlMs: 0, lookup });
  await ask(none, 'a.test');
  await ask(none, 'a.test');
  assert.equal(asked, 4);
  assert.equal(none.size, 0);
});

test('DnsCache: who leaves takes nothing from those who still wait', async () => {
  let answer!: (addresses: HostAddress[]) => void;
  const cache = new DnsCache({ ttlMs: 1_000, lookup: () => new Promise((resolve) => (answer = resolve)) });
  const heard: string[] = [];
  const leave = cache.resolve('a.test', () => heard.push('first'));
  const second = ask(cache, 'a.test');
  await new Promise((resolve) => setImmediate(resolve));
  leave();
  answer([four('10.0.0.1')]);
  assert.deepEqual(await second, [four('10.0.0.1')]);
  assert.deepEqual(heard, []);
});

test('DnsCache: failures are not kept', async () => {
  let asked = 0;
  const lookup = (): Promise<HostAddress[]> => {
    asked += 1;
    if (asked === 1) throw new Error('sync');
    return asked === 2 ? Promise.reject(new Error('EAI_AGAIN')) : Promise.resolve([four('10.0.0.1')]);
  };
  const cache = new DnsCache({ ttlMs: 1_000, lookup });
  await assert.rejects(ask(cache, 'a.test'), /sync/);
  await assert.rejects(ask(cache, 'a.test'), /EAI_AGAIN/);
  assert.equal((await ask(cache, 'a.test')).length, 1);
});

test('DnsCache: an answer of anything but addresses is a failure', async () => {
  for (const answer of [[], 'text', [{ address: 'name.test', family: 4 }], [{}], [null]]) {
    const cache = new DnsCache({ ttlMs: 1_000, lookup: () => Promise.resolve(answer as HostAddress[]) });
    await assert.rejects(ask(cache, 'a.test'));
  }
});

test('DnsCache: addresses take turns, within their family, and the families alternate', async () => {
  const all = [six('::1'), six('::2'), four('10.0.0.1'), four('10.0.0.2'), four('10.0.0.3')];
  const cache = new DnsCache({ ttlMs: 1_000, lookup: () => Promise.resolve(all) });
  const first = await ask(cache, 'a.test');
  const second = await ask(cache, 'a.test');
  assert.deepEqual(
    first.map((each) => each.address),
    ['::1', '10.0.0.1', '::2', '10.0.0.2', '10.0.0.3'],
  );
  assert.deepEqual(
    second.map((each) => each.address),
    ['::2', '10.0.0.2', '::1', '10.0.0.3', '10.0.0.1'],
  );
});

test('DnsCache: the name unused for longest goes when there are too many', async () => {
  const asked: string[] = [];
  const lookup = (hostname: string): Promise<HostAddress[]> => {
    asked.push(hostname);
    return Promise.resolve([four('10.0.0.1')]);
  };
  const cache = new DnsCache({ ttlMs: 1_000, lookup, maxNames: 2 });
  for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await ask(cache, `${name}.test`);
  assert.deepEqual(asked, ['a.test', 'b.test', 'c.test', 'b.test']);
  assert.equal(cache.size, 2);
});

test('DnsCache: no more names than allowed are looked up at a time, in their order', async () => {
  const open: (() => void)[] = [];
  const asked: string[] = [];
  const lookup = (hostname: string): Promise<HostAddress[]> => {
    asked.push(hostname);
    return new Promise((resolve) => open.push(() => resolve([four('10.0.0.1')])));
  };
  const cache = new DnsCache({ ttlMs: 1_000, lookup, maxLookups: 2 });
  const answers = ['a', 'b', 'c', 'd'].map((name) => ask(cache, name));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(asked, ['a', 'b']);
  while (asked.length < 4) {
    open.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(open.length <= 2);
  }
  for (const each of open) each();
  await Promise.all(answers);
});

test('DnsCache: addresses are their own answer, and localhost is found by the system', async () => {
  const cache = new DnsCache({ ttlMs: 1_000 });
  assert.deepEqual(await ask(cache, '192.0.2.1'), [four('192.0.2.1')]);
  assert.deepEqual(await ask(cache, '::1'), [six('::1')]);
  assert.equal(cache.size, 0);
  assert.ok((await ask(cache, 'localhost')).length > 0);
});

test('DnsCache: a resolver is called in the context of nobody, as many may wait for it', async () => {
  const context = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const cache = new DnsCache({
    ttlMs: 1_000,
    maxLookups: 1,
    lookup: () => {
      seen.push(context.getStore());
      return Promise.resolve([four('10.0.0.1')]);
    },
  });
  await Promise.all(['x', 'y'].map((name) => context.run(name, () => ask(cache, name))));
  assert.deepEqual(seen, [undefined, undefined]);
});
