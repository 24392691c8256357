import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { WireCall, WireFailure } from '../../src/wire/transport.ts';
import { startFaultServer } from '../faults/server.ts';
import { faults, type FaultName } from '../faults/table.ts';
import { ca, cert, key } from './certificates.ts';
import { get, Recorder, transportOf } from './fixture.ts';

/** As long as an exchange may take before it is aborted: most faults show at once, some are endless. */
const PATIENCE_MS = 150;

/** Complains about whatever is told after the end. */
class Strict extends Recorder {
  readonly late: string[] = [];
  call: WireCall | undefined;
  over = false;
  /** Pauses at each of so many pieces, for a moment. */
  pauses = 0;

  abort(): void {
    this.over = true;
    this.call?.abort();
  }

  override onSend(info: Parameters<Recorder['onSend']>[0]): void {
    this.#check('send');
    super.onSend(info);
  }
  override onHead(head: Parameters<Recorder['onHead']>[0]): void {
    this.#check('head');
    super.onHead(head);
  }
  override onData(chunk: Uint8Array): boolean {
    this.#check('data');
    super.onData(chunk);
    if (this.pauses-- <= 0) return true;
    setTimeout(() => this.call?.resume(), 2);
    return false;
  }
  override onEnd(trailers: readonly string[]): void {
    this.#check('end');
    this.over = true;
    super.onEnd(trailers);
  }
  override onError(failure: WireFailure): void {
    this.#check('error');
    this.over = true;
    super.onError(failure);
  }

  #check(event: string): void {
    if (this.over) this.late.push(event);
  }
}

async function* streaming(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 20; i++) {
    yield Buffer.alloc(1_000);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** What is wrong in the content of a body is nothing to a transport. */
const ofTheWire = (Object.keys(faults) as FaultName[]).filter((name) => !/bomb|encoding|encoded|cookie/.test(name));

for (const [secure, kinds] of [
  [false, ['get', 'head', 'bytes', 'stream', 'pause', 'abort']],
  [true, ['get', 'stream', 'pause', 'abort']],
] as const) {
  const way = secure ? 'over TLS' : 'over plain sockets';
  test(`UndiciTransport: whatever a server does ${way}, each exchange ends once, and nothing is left or thrown`, async () => {
    const thrown: unknown[] = [];
    const onThrown = (error: unknown): void => void thrown.push(error);
    process.on('uncaughtException', onThrown);
    process.on('unhandledRejection', onThrown);
    await using server = await startFaultServer(secure ? { tls: { key, cert } } : {});
    await using transport = transportOf({ tls: { ca } });
    const sinks: Strict[] = [];
    for (const name of ofTheWire) {
      for (const kind of kinds) {
        const sink = new Strict();
        if (kind === 'pause') sink.pauses = 5;
        const method = kind === 'head' ? 'HEAD' : kind === 'bytes' || kind === 'stream' ? 'POST' : 'GET';
        const body = kind === 'bytes' ? Buffer.alloc(10_000) : kind === 'stream' ? streaming() : null;
        sink.call = transport.send(get(server.url(name), { method, body }), sink);
        sinks.push(sink);
        setTimeout(() => sink.abort(), kind === 'abort' ? Math.random() * 50 : PATIENCE_MS);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    while (sinks.some((sink) => !sink.over)) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { open, idle, connecting } = transport.snapshot();
    assert.equal(connecting, 0);
    assert.equal(open, idle);
    await transport.destroy();
    await server.idle();
    for (const sink of sinks) {
      assert.deepEqual(sink.late, []);
      assert.ok(sink.trace.filter((event) => event === 'end' || event === 'error').length <= 1);
    }
    process.off('uncaughtException', onThrown);
    process.off('unhandledRejection', onThrown);
    assert.deepEqual(thrown, []);
  });
}
