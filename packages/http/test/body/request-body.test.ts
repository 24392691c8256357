import assert from 'node:assert/strict';
import { createReadStream, type ReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { encodeBody, type EncodedBody, type RequestBodyOptions } from '../../src/body/request-body.ts';

function encode(options: RequestBodyOptions): EncodedBody {
  const body = encodeBody(options);
  assert.ok(body);
  return body;
}

async function read(body: EncodedBody): Promise<string> {
  const opened = body.open();
  if (opened instanceof Uint8Array) return Buffer.from(opened).toString();
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A stream that notes whether it was given back. */
class Source implements AsyncIterableIterator<Uint8Array> {
  asked = 0;
  returned = 0;
  [Symbol.asyncIterator](): this {
    return this;
  }
  async next(): Promise<IteratorResult<Uint8Array>> {
    return { done: false, value: Uint8Array.of(65 + (this.asked++ % 26)) };
  }
  async return(): Promise<IteratorResult<Uint8Array>> {
    this.returned++;
    return { done: true, value: undefined };
  }
}

function webStream(cancelled: () => void, ...chunks: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(Buffer.from(chunk));
    },
    cancel: cancelled,
  });
}

test('encodeBody: is undefined when nothing is given', () => {
  assert.equal(encodeBody({}), undefined);
  assert.equal(encodeBody({ form: undefined, multipart: undefined, body: undefined }), undefined);
});

test('encodeBody: refuses two bodies and names them', () => {
  assert.throws(() => encodeBody({ json: 1, body: 'x' }), {
    name: 'TypeError',
    message: 'Cannot send a request as it has one body: current value has json and body',
  });
});

test('encodeBody: what is on a prototype is no option', () => {
  assert.equal(encodeBody(Object.create({ json: 1 }) as object), undefined);
});

test('encodeBody: sends JSON', async () => {
  const body = encode({ json: { a: [1, null], b: '€' } });
  assert.equal(body.contentType, 'application/json');
  assert.equal(body.length, Buffer.byteLength('{"a":[1,null],"b":"€"}'));
  assert.equal(await read(body), '{"a":[1,null],"b":"€"}');
  assert.equal(await read(encode({ json: null })), 'null');
  assert.equal(await read(encode({ json: new Date(0) })), '"1970-01-01T00:00:00.000Z"');
});

test('encodeBody: says why something has no JSON', () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  assert.throws(() => encodeBody({ json: cycle }), {
    name: 'TypeError',
    message: /^Cannot send json .*(circular|cyclic)/i,
  });
  assert.throws(() => encodeBody({ json: { a: 1n } }), { name: 'TypeError', message: /BigInt/ });
  assert.throws(() => encodeBody({ json: undefined }), { name: 'TypeError', message: /undefined$/ });
  assert.throws(() => encodeBody({ json: () => 1 }), { name: 'TypeError', message: /function$/ });
});

test('encodeBody: sends forms', async () => {
  const expected = 'a=1&b=x+y%26&c=true&d=1&d=2';
  for (const form of [
    new URLSearchParams(expected),
    { a: 1, b: 'x y&', c: true, d: [1, '2'], e: undefined },
    [
      ['a', 1],
      ['b', 'x y&'],
      ['c', true],
      ['d', 1],
      ['d', 2n],
    ] as const,
  ]) {
    const body = encode({ form });
    assert.equal(body.contentType, 'application/x-www-form-urlencoded;charset=UTF-8');
    assert.equal(await read(body), expected);
  }
  assert.equal(await read(encode({ body: new URLSearchParams('q=1') })), 'q=1');
});

test('encodeBody: refuses values of forms that have no text', () => {
  for (const form of [{ a: {} }, { a: null }, { a: Symbol('x') }, [['a']], ['ab'], 'a=b', 5]) {
    assert.throws(() => encodeBody({ form: form as unknown as URLSearchParams }), {
      name: 'TypeError',
      message: /form/,
    });
  }
});

test('encodeBody: sends all kinds of bytes, as often as asked', async () => {
  const buffer = Buffer.from('..hello..');
  const view = new DataView(buffer.buffer, buffer.byteOffset + 2, 5);
  for (const body of [
    'hello',
    buffer.subarray(2, 7),
    view,
    Uint8Array.from(Buffer.from('hello')).buffer,
    new Blob(['hello']),
  ]) {
    const encoded = encode({ body });
    assert.equal(encoded.length, 5);
    assert.equal(encoded.replayable, true);
    assert.equal(await read(encoded), 'hello');
    assert.equal(await read(encoded), 'hello');
  }
});

test('encodeBody: says what type a body is where it is known', () => {
  assert.equal(encode({ body: 'x' }).contentType, 'text/plain;charset=UTF-8');
  assert.equal(encode({ body: new Blob(['x'], { type: 'image/png' }) }).contentType, 'image/png');
  assert.equal(encode({ body: new Blob(['x']) }).contentType, undefined);
  assert.equal(encode({ body: Uint8Array.of(1) }).contentType, undefined);
});

test('encodeBody: an empty body is a body', async () => {
  assert.equal(encode({ body: '' }).length, 0);
  assert.equal(await read(encode({ body: new Uint8Array() })), '');
});

test('encodeBody: sends all kinds of streams', async () => {
  const generator = function* (): Generator<string | Uint8Array> {
    yield 'hel';
    yield new Uint8Array();
    yield Buffer.from('lo');
  };
  const asyncGenerator = async function* (): AsyncGenerator<string | Uint8Array> {
    yield* generator();
  };
  for (const body of [
    generator(),
    asyncGenerator(),
    webStream(() => {}, 'hel', 'lo'),
    Readable.from([Buffer.from('hello')]),
  ]) {
    const encoded = encode({ body });
    assert.equal(encoded.length, undefined);
    assert.equal(await read(encoded), 'hello');
  }
});

test('encodeBody: a stream can be sent once, and a second time is an error that says what to do', async () => {
  const body = encode({ body: webStream(() => {}, 'once') });
  assert.deepEqual([body.replayable, body.used], [false, false]);
  assert.equal(await read(body), 'once');
  assert.equal(body.used, true);
  assert.throws(() => body.open(), { name: 'TypeError', message: /give a function that makes the stream$/ });
});

test('encodeBody: a function makes the body anew each time', async () => {
  let made = 0;
  for (const make of [
    () => [`body ${++made}`],
    async () => webStream(() => {}, `body ${++made}`),
    () => `body ${++made}`,
    () => new Blob([`body ${++made}`]),
  ]) {
    made = 0;
    const body = encode({ body: make });
    assert.deepEqual([body.replayable, made], [true, 0]);
    assert.equal(await read(body), 'body 1');
    assert.equal(await read(body), 'body 2');
    assert.equal(body.used, false);
  }
});

test('encodeBody: what a function throws comes out, and nothing is left unhandled', async () => {
  const failure = new Error('no such file');
  const throws = encode({
    body: () => {
      throw failure;
    },
  });
  assert.throws(() => throws.open(), failure);
  const rejects = encode({ body: () => Promise.reject(failure) });
  rejects.open(); // nobody reads it
  await assert.rejects(read(rejects), failure);
});

test('encodeBody: reads a stream no faster than it is sent', async () => {
  const source = new Source();
  const opened = encode({ body: source }).open() as AsyncIterable<Uint8Array>;
  const iterator = opened[Symbol.asyncIterator]();
  assert.equal(source.asked, 0);
  await iterator.next();
  await iterator.next();
  assert.equal(source.asked, 2);
});

test('encodeBody: an upload that ends early gives the stream back, once', async () => {
  const source = new Source();
  for await (const _ of encode({ body: source }).open() as AsyncIterable<Uint8Array>) break;
  assert.equal(source.returned, 1);
  let cancelled = 0;
  const web = encode({ body: webStream(() => cancelled++, 'a', 'b', 'c') }).open() as AsyncIterable<Uint8Array>;
  const iterator = web[Symbol.asyncIterator]();
  await iterator.next();
  await iterator.return?.();
  await iterator.return?.();
  assert.equal(cancelled, 1);
  assert.equal((await iterator.next()).done, true);
});

test('encodeBody: giving back reaches a web stream that is being waited for', async () => {
  let cancelled = 0;
  const silent = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}), cancel: () => void cancelled++ });
  const iterator = (encode({ body: silent }).open() as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const waiting = iterator.next();
  await iterator.return?.();
  assert.equal((await waiting).done, true);
  assert.equal(cancelled, 1);
});

test('encodeBody: a stream that a function brings too late is given back', async () => {
  const source = new Source();
  let bring: ((source: Source) => void) | undefined;
  const body = encode({ body: () => new Promise<Source>((resolve) => (bring = resolve)) });
  const iterator = (body.open() as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const waiting = iterator.next();
  await iterator.return?.();
  bring?.(source);
  assert.equal((await waiting).done, true);
  assert.deepEqual([source.asked, source.returned], [0, 1]);
});

test('encodeBody: a stream that will not be sent can be given up', async () => {
  const source = new Source();
  const body = encode({ body: source });
  await body.discard();
  await body.discard();
  assert.deepEqual([source.asked, source.returned, body.used], [0, 1, true]);
  const bytes = encode({ body: 'x' });
  await bytes.discard();
  assert.equal(await read(bytes), 'x');
});

test('encodeBody: a stream of Node that will not be sent is destroyed, also while it is waited for', async () => {
  const never = new Readable({ read: () => {} });
  await encode({ body: never }).discard();
  assert.equal(never.destroyed, true);
  const waited = new Readable({ read: () => {} });
  const iterator = (encode({ body: waited }).open() as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const waiting = iterator.next().catch(() => {});
  await iterator.return?.();
  assert.equal(waited.destroyed, true);
  await waiting;
});

test('encodeBody: what a stream of Node fails with before it is read is told to whoever reads it', async () => {
  const missing = { code: 'ENOENT' };
  const closed = (stream: ReadStream | undefined): Promise<void> =>
    new Promise((resolve) => void stream?.once('close', () => resolve()));
  const own = createReadStream('/no/such/file');
  const body = encode({ body: own });
  await closed(own);
  await assert.rejects(read(body), missing);
  let made: ReadStream | undefined;
  const opened = encode({ body: () => (made = createReadStream('/no/such/file')) }).open();
  await closed(made);
  await assert.rejects((opened as AsyncIterableIterator<Uint8Array>).next(), missing);
});

test('encodeBody: a function that gives no body is said to', async () => {
  for (const nothing of [undefined, null, 5]) {
    assert.throws(() => encode({ body: () => nothing as unknown as string }).open(), {
      name: 'TypeError',
      message: `Cannot send body as its function takes to give a stream or bytes: current value is ${nothing}`,
    });
  }
});

test('encodeBody: what a stream throws is passed on as it is, and the stream is not returned', async () => {
  const failure = new Error('disk gone');
  const source = new Source();
  source.next = () => Promise.reject(failure);
  await assert.rejects(read(encode({ body: source })), (error) => error === failure);
  assert.equal(source.returned, 0);
});

test('encodeBody: a chunk that is no bytes is an error that gives the stream back', async () => {
  const source = new Source();
  source.next = () => Promise.resolve({ done: false, value: 5 as unknown as Uint8Array });
  await assert.rejects(read(encode({ body: source })), { name: 'TypeError', message: /current value is 5$/ });
  assert.equal(source.returned, 1);
});

test('encodeBody: refuses what cannot be sent, with a hint', () => {
  const hint = (body: unknown): string => {
    try {
      encodeBody({ body: body as string });
      return 'nothing was thrown';
    } catch (error) {
      assert.ok(error instanceof TypeError);
      return error.message;
    }
  };
  assert.match(hint({ a: 1 }), /is it meant as json/);
  assert.match(hint(Promise.resolve('x')), /await it first/);
  assert.match(hint(5), /current value is 5$/);
  assert.match(hint(null), /current value is null$/);
  const locked = webStream(() => {});
  locked.getReader();
  assert.match(hint(locked), /locked/);
});
