import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { get, httpServer, Recorder, transportOf } from './fixture.ts';

const context = new AsyncLocalStorage<string>();

test('UndiciTransport: sockets are made outside of every request, requests in the context of their caller', async () => {
  await using server = await httpServer((_request, response) => response.end('x'));
  await using transport = transportOf();
  const seen: string[] = [];
  const listener =
    (name: string) =>
    (message: unknown): void => {
      if (message) seen.push(`${name} ${context.getStore()}`);
    };
  const listeners = ['net.client.socket', 'undici:client:connected', 'undici:request:create'].map(
    (name) => [name, listener(name)] as const,
  );
  for (const [name, each] of listeners) subscribe(name, each);
  for (const name of ['first', 'second']) {
    const sink = new Recorder();
    context.run(name, () => transport.send(get(server.url), sink));
    await sink.settled;
  }
  for (const [name, each] of listeners) unsubscribe(name, each);
  assert.deepEqual(seen.sort(), [
    'net.client.socket undefined',
    'undici:client:connected undefined',
    'undici:request:create first',
    'undici:request:create second',
  ]);
});

test('UndiciTransport: an idle connection keeps neither the exchange it was made for nor its context', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  await using server = await httpServer((_request, response) => response.end('x'.repeat(100)));
  await using transport = transportOf();
  const seen: WeakRef<object>[] = [];
  const store = new AsyncLocalStorage<object>();
  const run = async (): Promise<void> => {
    const sink = new Recorder();
    const request = get(server.url, { method: 'POST', body: Buffer.alloc(100) });
    const value = {};
    sink.more = false;
    store.run(value, () => {
      const call = transport.send(request, sink);
      void sink.when('data').then(() => call.resume());
    });
    await sink.settled;
    seen.push(new WeakRef(sink), new WeakRef(request), new WeakRef(value));
  };
  await run();
  await run();
  for (let i = 0; i < 50 && seen.some((each) => each.deref() !== undefined); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
  assert.equal(transport.snapshot().idle, 1);
  assert.deepEqual(
    seen.map((each) => each.deref() !== undefined),
    seen.map(() => false),
  );
});

for (const event of ['onConnecting dns', 'onConnecting tcp', 'onConnecting tls', 'onSend'] as const) {
  test(`abort: from within ${event} leaves nothing`, async () => {
    await using server = await httpServer((_request, response) => response.end('x'));
    await using transport = transportOf();
    let reached!: () => void;
    const there = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const sink = new (class extends Recorder {
      override onConnecting(phase: Parameters<Recorder['onConnecting']>[0]): void {
        super.onConnecting(phase);
        if (event === `onConnecting ${phase}`) this.#stop();
      }
      override onSend(info: Parameters<Recorder['onSend']>[0]): void {
        super.onSend(info);
        this.#stop();
      }
      #stop(): void {
        call.abort();
        reached();
      }
    })();
    const url = event === 'onConnecting tls' ? server.url.replace('http:', 'https:') : server.url;
    const call = transport.send(get(url), sink);
    await there;
    const { length } = sink.trace;
    await new Promise((resolve) => setImmediate(resolve));
    await server.empty();
    assert.deepEqual(transport.snapshot(), { open: 0, idle: 0, connecting: 0 });
    assert.equal(sink.trace.length, length);
  });
}

test('UndiciTransport: options that would only fail later are refused when it is made', () => {
  assert.throws(() => transportOf({ localAddress: 'localhost' }), /localAddress must be an address/);
  assert.throws(() => transportOf({ tls: { cert: 'nonsense' } }), /must be PEM/);
});
