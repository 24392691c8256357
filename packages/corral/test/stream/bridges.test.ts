import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { PassThrough, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createGunzip, createGzip } from 'node:zlib';
import {
  cleanup,
  fromNodeStream,
  fromWebStream,
  isCancelled,
  sleep,
  stream,
  timeout,
  toNodeStream,
  toWebStream,
  withScope,
  type Stream,
} from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { reportsOf } from '../internal/observe.ts';
import { Counting, slow } from './every-operator.ts';

const versions = process.versions as { bun?: string; deno?: string };
const elsewhere = versions.bun !== undefined || versions.deno !== undefined;
/** With the type of Node's own. */
const readableOf = (source: Stream<unknown>): Readable => toNodeStream(source) as Readable;
const onNode = { skip: elsewhere && "Node's own streams" };

// Node: in -----------------------------------------------------------------------------------------------------------

test('fromNodeStream: reads a file through zlib, every byte', onNode, async () => {
  const file = fileURLToPath(import.meta.url);
  const zipped = createReadStream(file, { highWaterMark: 100 }).pipe(createGzip()).pipe(createGunzip());
  const bytes = async (readable: Readable): Promise<Buffer> =>
    Buffer.concat(await fromNodeStream<Buffer>(readable).toArray());
  assert.deepEqual(await bytes(zipped), await bytes(createReadStream(file)));
});

test('fromNodeStream: leaving early destroys it and waits until it is closed', onNode, async () => {
  const readable = createReadStream(fileURLToPath(import.meta.url), { highWaterMark: 10 });
  for await (const chunk of fromNodeStream<Buffer>(readable)) {
    assert.equal(chunk.length, 10);
    break;
  }
  assert.equal(readable.closed, true);
});

test('fromNodeStream: an error is thrown to whoever reads, also one that came before', onNode, async () => {
  const failing = createReadStream('/nowhere/at/all');
  const chunks = fromNodeStream(failing);
  await new Promise((resolve) => void setTimeout(resolve, 20));
  assert.equal(((await failureOf(chunks.toArray())) as { code?: string }).code, 'ENOENT');
  const later = new PassThrough();
  setTimeout(() => later.destroy(new Error('late')), 5);
  assert.equal(((await failureOf(fromNodeStream(later).toArray())) as Error).message, 'late');
});

test(
  'fromNodeStream: cancelled while it waits for a chunk it is destroyed, and closed when the loop ends',
  onNode,
  async () => {
    const silent = new PassThrough();
    const error = await failureOf(timeout(10, () => fromNodeStream(silent).toArray()));
    assert.equal((error as Error).name, 'TimeoutError');
    assert.deepEqual([silent.destroyed, silent.closed], [true, true]);
    const slow = new PassThrough();
    assert.equal(((await failureOf(fromNodeStream(slow).timeout(10).toArray())) as Error).name, 'TimeoutError');
    assert.equal(slow.closed, true);
  },
);

test('fromNodeStream: what is pushed between two steps is not lost', onNode, async () => {
  const through = new PassThrough({ objectMode: true, highWaterMark: 1_000 });
  const chunks = fromNodeStream<number>(through);
  for (let n = 0; n < 50; n++) through.write(n);
  const seen: number[] = [];
  for await (const n of chunks) {
    seen.push(n);
    if (n < 50) through.write(n + 50);
    if (seen.length === 100) break;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, n) => n),
  );
});

// Node: out ----------------------------------------------------------------------------------------------------------

test('toNodeStream: is piped, and reads no further ahead than it may', onNode, async () => {
  const source = new Counting(50);
  const seen: number[] = [];
  let most = 0;
  const slowly = new Writable({
    objectMode: true,
    highWaterMark: 1,
    write(n: number, _encoding, done) {
      seen.push(n);
      most = Math.max(most, source.read - seen.length);
      setTimeout(done, 0);
    },
  });
  await pipeline(readableOf(stream(source)), slowly);
  assert.equal(seen.length, 50);
  assert.ok(most <= 4, `${most} ahead`);
});

test('toNodeStream: destroying it cancels all and waits, while a value is awaited', onNode, async () => {
  const trace: string[] = [];
  const readable = readableOf(
    stream(async function* () {
      try {
        yield 1;
        await sleep(60_000);
      } finally {
        await cleanup(() => sleep(5));
        trace.push('ended');
      }
    }),
  );
  for await (const n of readable) {
    trace.push(`got ${String(n)}`);
    break;
  }
  if (!readable.closed) await new Promise((resolve) => readable.once('close', resolve));
  assert.deepEqual(trace, ['got 1', 'ended']);
});

test('toNodeStream: an error of the stream destroys it with that error', onNode, async () => {
  const readable = readableOf(stream(new Counting(2, { error: new Error('source') })));
  assert.equal(((await failureOf(readable.toArray())) as Error).message, 'source');
  const nothing = readableOf(stream([1, null]));
  assert.match(((await failureOf(nothing.toArray())) as Error).message, /^Cannot push it as a Readable takes no null/);
});

test('toNodeStream: it ends with the scope in which it was made', onNode, async () => {
  const trace: string[] = [];
  let readable: Readable | undefined;
  await withScope(async () => {
    readable = readableOf(stream(() => slow(trace)));
    readable.on('error', (error) => trace.push(String(isCancelled(error))));
    readable.once('data', () => trace.push('data'));
    await sleep(5);
  });
  assert.ok(trace.includes('closed'));
  await sleep(5);
  assert.ok(trace.includes('true'));
});

// Web ----------------------------------------------------------------------------------------------------------------

test('fromWebStream: gives every chunk, and its error', async () => {
  const three = new ReadableStream<number>({
    start(controller) {
      for (const n of [1, 2, 3]) controller.enqueue(n);
      controller.close();
    },
  });
  assert.deepEqual(await fromWebStream(three).toArray(), [1, 2, 3]);
  assert.equal(three.locked, false);
  const failing = new ReadableStream<number>({ start: (controller) => controller.error('x') });
  assert.equal(await failureOf(fromWebStream(failing).toArray()), 'x');
});

test('fromWebStream: leaving early, and being cancelled while a chunk is awaited, cancel it and wait for that', async () => {
  for (const silent of [false, true]) {
    const trace: string[] = [];
    const readable = new ReadableStream<number>({
      start: (controller) => void (silent || controller.enqueue(1)),
      cancel: () =>
        new Promise<void>((resolve) => void setTimeout(resolve, 5)).then(() => void trace.push('cancelled')),
    });
    if (silent)
      assert.equal(
        ((await failureOf(timeout(5, () => fromWebStream(readable).toArray()))) as Error).name,
        'TimeoutError',
      );
    else assert.equal(await fromWebStream(readable).first(), 1);
    assert.deepEqual(trace, ['cancelled']);
    assert.equal(readable.locked, false);
  }
});

test(
  'toWebStream: reads nothing ahead, and ends',
  virtually(async () => {
    const source = new Counting(3);
    const reader = toWebStream(stream(source)).getReader();
    await sleep(5);
    assert.equal(source.read, 0);
    assert.deepEqual(await reader.read(), { done: false, value: 0 });
    await sleep(5);
    assert.equal(source.read, 1);
    await reader.read();
    await reader.read();
    assert.equal((await reader.read()).done, true);
  }),
);

test(
  'toWebStream: cancelling it cancels what runs and waits for it, also while a chunk is awaited',
  virtually(async (clock) => {
    const trace: string[] = [];
    const numbers = stream<number>(async (emit) => {
      try {
        await emit(1);
        await sleep(60_000);
      } finally {
        await cleanup(() => sleep(5));
        trace.push(`ended at ${clock.now()}`);
      }
    });
    const reader = toWebStream(numbers.map(async (n) => n, { concurrency: 2 })).getReader();
    assert.equal((await reader.read()).value, 1);
    const pending = reader.read();
    await sleep(10);
    await reader.cancel();
    assert.equal((await pending).done, true);
    assert.deepEqual(trace, ['ended at 15']);
  }),
);

test(
  'toWebStream: an error of the stream is its error, and the scope of the call ends it',
  virtually(async () => {
    const failing = toWebStream(stream(new Counting(1, { error: 'x' }))).getReader();
    await failing.read();
    assert.equal(await failureOf(failing.read()), 'x');
    const source = new Counting();
    const orphan = await withScope(async () => {
      const reader = toWebStream(stream(source)).getReader();
      await reader.read();
      return reader;
    });
    assert.equal(source.returned, 1);
    const rest = await orphan.read().catch((error: unknown) => error);
    assert.ok(isCancelled(rest) || (rest as { done?: boolean }).done);
  }),
);

test(
  'toWebStream: what its scope has cut off ends with the cancellation, never as if it were complete',
  virtually(async () => {
    for (const cut of [true, false]) {
      let reader: ReadableStreamDefaultReader<number> | undefined;
      await withScope(async (scope) => {
        reader = toWebStream(stream([1, 2, 3])).getReader();
        assert.equal((await reader.read()).value, 1);
        if (cut) scope.cancel();
      });
      assert.ok(isCancelled(await failureOf((reader as ReadableStreamDefaultReader<number>).read())));
    }
  }),
);

test(
  'toNodeStream: what its scope has cut off ends with the cancellation, never as if it were complete',
  onNode,
  async () => {
    let readable: Readable | undefined;
    await withScope(async () => {
      readable = readableOf(stream(['a', 'b', 'c', 'd', 'e']));
      await new Promise((resolve) => (readable as Readable).once('readable', resolve));
    });
    const read: unknown[] = [];
    const sink = new Writable({ objectMode: true, write: (value, _encoding, done) => void (read.push(value), done()) });
    assert.ok(isCancelled(await failureOf(pipeline(readable as Readable, sink))));
    assert.ok(read.length < 5);
  },
);

test('toWebStream: cancelling it rejects with what fails while it is closed', async () => {
  const reports = await reportsOf(async () => {
    const failing = stream(async function* () {
      try {
        yield* [1, 2];
      } finally {
        await Promise.reject(new Error('closing'));
      }
    });
    const reader = toWebStream(failing).getReader();
    await reader.read();
    assert.equal(((await failureOf(reader.cancel())) as Error).message, 'closing');
  });
  assert.deepEqual(reports, []);
});

test('fromWebStream: one that has failed is unlocked', async () => {
  const failing = new ReadableStream({ pull: (controller) => controller.error(new Error('web')) });
  assert.equal(((await failureOf(fromWebStream(failing).toArray())) as Error).message, 'web');
  assert.equal(failing.locked, false);
});

test('bridges: misuse is refused at once', () => {
  assert.throws(() => fromNodeStream([] as never), /^TypeError: Cannot read it as fromNodeStream takes a Readable/);
  assert.throws(() => fromWebStream([] as never), /^TypeError: Cannot read it as fromWebStream takes a ReadableStream/);
});
