import { events, fromNodeStream, fromWebStream, stream, toNodeStream, toWebStream } from '../../src/index.ts';
import type { EventStream, NodeReadableLike, Scope, Stream } from '../../src/index.ts';
import type { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expectType } from './equal.ts';

declare const lines: AsyncIterable<string>;
declare const emitter: EventEmitter;
declare const mixed: Stream<string | number | undefined>;

// Sources.
expectType<Stream<number>>()(stream([1, 2]));
expectType<Stream<string>>()(stream(lines));
expectType<Stream<number>>()(stream([Promise.resolve(1), 2]));
expectType<Stream<number>>()(
  stream(async function* () {
    yield 1;
  }),
);
expectType<Stream<string>>()(stream(() => lines));
expectType<Stream<number>>()(stream(async () => [1]));
expectType<Stream<number>>()(
  stream<number>(async (emit, scope) => {
    expectType<Scope>()(scope);
    await emit(1);
    // @ts-expect-error
    await emit('text');
  }),
);
// @ts-expect-error
stream(5);

// Stages.
expectType<Stream<number>>()(stream(lines).map((line) => line.length));
expectType<Stream<number>>()(stream(lines).map(async (line, index) => line.length + index, { concurrency: 10 }));
expectType<Stream<string | number>>()(mixed.filter((value) => value !== undefined));
expectType<Stream<string>>()(mixed.filter((value): value is string => typeof value === 'string'));
expectType<Stream<string | number | undefined>>()(mixed.filter(async () => true, { concurrency: 2 }));
expectType<Stream<string>>()(stream([1]).flatMap(() => lines));
expectType<Stream<number>>()(stream(lines).scan((sum, line) => sum + line.length, 0));
expectType<Stream<[string, string]>>()(stream(lines).pairwise());
expectType<Stream<string[]>>()(stream(lines).batch(2, { maxWaitMs: 5 }));
expectType<Stream<string | number>>()(stream(lines).merge([1]));
expectType<Stream<string | number>>()(stream(lines).concat([1]));
expectType<Stream<[string, number, boolean]>>()(stream(lines).zip([1], stream([true])));
expectType<Stream<string | number>>()(stream(lines).catch(() => [1]));
// @ts-expect-error
stream(lines).buffer(1, 'drop');

// Terminals.
expectType<string[]>()(await stream(lines).toArray());
expectType<string | undefined>()(await stream(lines).first());
expectType<number>()(await stream(lines).reduce((sum, line) => sum + line.length, 0));
expectType<string | undefined>()(await mixed.find((value): value is string => typeof value === 'string'));
for await (const line of stream(lines)) expectType<string>()(line);

// Bridges.
expectType<EventStream<[number]>>()(events<[number]>(emitter, 'tick'));
expectType<EventStream<Event>>()(events(new EventTarget(), 'hit'));
expectType<Stream<number>>()(fromWebStream(new ReadableStream<number>()));
expectType<ReadableStream<string>>()(toWebStream(stream(lines)));
declare const readable: Readable;
expectType<Stream<Buffer>>()(fromNodeStream<Buffer>(readable));
expectType<NodeReadableLike<string>>()(toNodeStream(stream(lines)));
await pipeline(toNodeStream(stream(lines)), async function* (chunks: AsyncIterable<string>) {
  yield* chunks;
});
void (toNodeStream(stream(lines)) as Readable).pipe;
