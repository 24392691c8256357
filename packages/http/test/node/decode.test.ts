import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { acceptEncoding, parseCodings } from '../../src/node/codings.ts';
import { decodeStream, decodeWhole } from '../../src/node/decode.ts';

const MIB = 2 ** 20;
const limits = { maxBytes: 64 * MIB, maxRatio: 1_000 };
const decodeFailure = { name: 'DecodeError' };
const limitFailure = { name: 'BodyLimitError' };

/** A source that notes what was asked of it. */
class Source implements AsyncIterableIterator<Uint8Array> {
  asked = 0;
  returned = 0;
  readonly #chunks: readonly Uint8Array[];
  readonly #failure: Error | undefined;

  constructor(chunks: readonly Uint8Array[], failure?: Error) {
    this.#chunks = chunks;
    this.#failure = failure;
  }

  static of(bytes: Uint8Array, size = bytes.length || 1): Source {
    const count = Math.ceil(bytes.length / size);
    return new Source(Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size)));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.#chunks[this.asked++];
    if (value) return { done: false, value };
    if (this.#failure) throw this.#failure;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.returned++;
    return { done: true, value: undefined };
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** Decodes in all ways: at once, and as streams of chunks of several sizes. */
async function everyWay(
  bytes: Uint8Array,
  header: string,
  check: (decode: () => Promise<Uint8Array>) => Promise<unknown>,
  bound = limits,
): Promise<void> {
  const codings = parseCodings(header);
  await check(() => decodeWhole(bytes, codings, bound));
  for (const size of [1, 7, 1_000, 1 << 20]) {
    if (bytes.length / size > 20_000) continue;
    await check(() => collect(decodeStream(Source.of(bytes, size), codings, bound)));
  }
}

/** 200 KB that become 200 MiB. */
const bomb = zlib.gzipSync(Buffer.alloc(200 * MIB), { level: 1 });
const text = Buffer.from('all work and no play '.repeat(500));
const encoders: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
  gzip: zlib.gzipSync,
  'x-gzip': zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
};

test('parseCodings: reads the header in order, and identity is nothing', () => {
  assert.deepEqual(parseCodings('Deflate , identity,, x-gzip'), ['deflate', 'gzip']);
  for (const none of [undefined, null, '', 'identity', []]) assert.deepEqual(parseCodings(none), []);
  assert.deepEqual(parseCodings(['gzip', 'br']), ['gzip', 'br']);
});

test('parseCodings: refuses what is unknown, by name, and more than three', () => {
  assert.throws(() => parseCodings('compress'), { ...decodeFailure, message: /"compress"$/ });
  assert.throws(() => parseCodings('gzip, gzip, gzip, gzip'), decodeFailure);
});

test('acceptEncoding: names what can be decoded', () => {
  assert.equal(parseCodings(acceptEncoding.split(', ').slice(0, 3)).length, 3);
});

test('decode: undoes every coding', async () => {
  for (const [name, encode] of Object.entries(encoders)) {
    await everyWay(encode(text), name, async (decode) => assert.deepEqual(Buffer.from(await decode()), text, name));
  }
});

test('decode: undoes raw deflate', async () => {
  await everyWay(zlib.deflateRawSync(text), 'deflate', async (decode) => {
    assert.deepEqual(Buffer.from(await decode()), text);
  });
});

test('decode: undoes zstd where Node can', { skip: !acceptEncoding.includes('zstd') }, async () => {
  const { zstdCompressSync } = zlib as unknown as { zstdCompressSync: (bytes: Uint8Array) => Buffer };
  await everyWay(zstdCompressSync(text), 'zstd', async (decode) => {
    assert.deepEqual(Buffer.from(await decode()), text);
  });
  const { length } = zstdCompressSync(text);
  await everyWay(zstdCompressSync(text).subarray(0, length - 3), 'zstd', (decode) =>
    assert.rejects(decode, decodeFailure),
  );
});

test('decode: undoes several members of gzip', async () => {
  await everyWay(Buffer.concat([zlib.gzipSync('one '), zlib.gzipSync('two')]), 'gzip', async (decode) => {
    assert.equal(Buffer.from(await decode()).toString(), 'one two');
  });
});

test('decode: undoes a chain of three, the last first', async () => {
  const bytes = zlib.brotliCompressSync(zlib.gzipSync(zlib.deflateSync(text)));
  await everyWay(bytes, 'deflate, gzip, br', async (decode) => assert.deepEqual(Buffer.from(await decode()), text));
});

test('decode: an empty body is empty, whatever its coding', async () => {
  for (const header of ['gzip', 'deflate', 'br', 'gzip, br', 'identity']) {
    await everyWay(new Uint8Array(), header, async (decode) => assert.equal((await decode()).length, 0));
  }
});

test('decode: what is cut short is an error, wherever it is cut', async () => {
  for (const [name, encode] of Object.entries(encoders)) {
    const bytes = encode(text);
    for (const length of [1, 2, Math.floor(bytes.length / 2), bytes.length - 1]) {
      await everyWay(bytes.subarray(0, length), name, (decode) => assert.rejects(decode, decodeFailure, name));
    }
  }
});

test('decode: a cut second member is an error', async () => {
  const bytes = Buffer.concat([zlib.gzipSync('one '), zlib.gzipSync('two').subarray(0, 12)]);
  await everyWay(bytes, 'gzip', (decode) => assert.rejects(decode, decodeFailure));
});

test('decode: what is broken is an error', async () => {
  const bytes = zlib.gzipSync(randomBytes(5_000));
  bytes[bytes.length - 6] = (bytes[bytes.length - 6] as number) ^ 1; // in the checksum
  await everyWay(bytes, 'gzip', (decode) => assert.rejects(decode, decodeFailure));
  await everyWay(Buffer.from('no gzip at all'), 'gzip', (decode) => assert.rejects(decode, decodeFailure));
});

test('decode: zeros may follow gzip, and nothing else may follow anything', async () => {
  await everyWay(Buffer.concat([zlib.gzipSync(text), Buffer.alloc(20)]), 'gzip', async (decode) => {
    assert.deepEqual(Buffer.from(await decode()), text);
  });
  for (const [name, encode] of Object.entries(encoders)) {
    for (const rest of ['x', '\0\0x']) {
      const bytes = Buffer.concat([encode(text), Buffer.from(rest)]);
      await everyWay(bytes, name, (decode) => assert.rejects(decode, decodeFailure, `${name} ${rest}`));
    }
  }
});

test('decode: the limit of bytes is for decoded ones and is exact', async () => {
  for (const header of ['gzip', 'br']) {
    const bytes = (encoders[header] as (bytes: Uint8Array) => Buffer)(text);
    const exact = { maxBytes: text.length, maxRatio: Infinity };
    await everyWay(bytes, header, async (decode) => assert.equal((await decode()).length, text.length), exact);
    const less = { maxBytes: text.length - 1, maxRatio: Infinity };
    await everyWay(
      bytes,
      header,
      (decode) => assert.rejects(decode, { ...limitFailure, limit: text.length - 1 }),
      less,
    );
  }
  const none = { maxBytes: 0, maxRatio: 1 };
  await everyWay(zlib.gzipSync('x'), 'gzip', (decode) => assert.rejects(decode, limitFailure), none);
});

test('decode: the limit of bytes holds without a coding', async () => {
  const bound = { maxBytes: 5, maxRatio: 1 };
  await everyWay(Buffer.from('12345'), '', async (decode) => assert.equal((await decode()).length, 5), bound);
  await everyWay(Buffer.from('123456'), '', (decode) => assert.rejects(decode, limitFailure), bound);
});

test('decode: the ratio counts from 1 MiB on', async () => {
  const bound = { maxBytes: Infinity, maxRatio: 10 };
  const small = zlib.gzipSync(Buffer.alloc(MIB));
  await everyWay(small, 'gzip', async (decode) => assert.equal((await decode()).length, MIB), bound);
  const large = zlib.gzipSync(Buffer.alloc(MIB + 1));
  await everyWay(large, 'gzip', (decode) => assert.rejects(decode, { ...limitFailure, limit: 10 }), bound);
});

test('decode: the ratio is that of the whole chain to the wire', async () => {
  const inner = zlib.gzipSync(Buffer.alloc(8 * MIB));
  const bytes = zlib.gzipSync(inner);
  const ratio = (8 * MIB) / bytes.length;
  const bound = { maxBytes: Infinity, maxRatio: Math.floor(ratio) - 1 };
  assert.ok(bound.maxRatio > 1_100); // more than one gzip can do
  await everyWay(bytes, 'gzip, gzip', (decode) => assert.rejects(decode, limitFailure), bound);
});

test('decodeStream: a bomb is inflated no further than the limit and a chunk', async () => {
  const source = Source.of(bomb, 16_384);
  const bound = { maxBytes: MIB, maxRatio: Infinity };
  let seen = 0;
  await assert.rejects(async () => {
    for await (const chunk of decodeStream(source, ['gzip'], bound)) seen += chunk.length;
  }, limitFailure);
  assert.ok(seen <= MIB, `${seen} bytes came out`);
  assert.ok(source.asked <= 2, `${source.asked} chunks of the bomb were read`);
  assert.equal(source.returned, 1);
});

test('decodeWhole: a bomb takes no more memory than the limit', async () => {
  const before = process.memoryUsage().arrayBuffers;
  await assert.rejects(decodeWhole(bomb, ['gzip'], { maxBytes: 8 * MIB, maxRatio: Infinity }), limitFailure);
  assert.ok(process.memoryUsage().arrayBuffers - before < 32 * MIB);
});

test('decodeStream: reads nothing before it is asked, and nothing ahead of who reads slowly', async () => {
  const source = Source.of(zlib.gzipSync(randomBytes(4 * MIB)), 65_536);
  const chunks = decodeStream(source, ['gzip'], limits)[Symbol.asyncIterator]();
  assert.equal(source.asked, 0);
  await chunks.next();
  await chunks.next();
  assert.ok(source.asked <= 4, `${source.asked} chunks were read`);
  await chunks.return?.();
});

test('decodeStream: gives what has come before the end has', async () => {
  const start = zlib.gzipSync('early', { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  const chunks = decodeStream(new Source([start, new Uint8Array()]), ['gzip'], limits)[Symbol.asyncIterator]();
  assert.equal(Buffer.from((await chunks.next()).value as Uint8Array).toString(), 'early');
  await chunks.return?.();
});

test('decodeStream: whoever stops early returns the source, once', async () => {
  const source = Source.of(zlib.brotliCompressSync(zlib.gzipSync(randomBytes(MIB / 8))), 10_000);
  const decoded = decodeStream(source, ['gzip', 'br'], limits);
  for await (const _ of decoded) break;
  assert.equal(source.returned, 1);
  const chunks = decoded[Symbol.asyncIterator]();
  await chunks.return?.();
  assert.deepEqual(await chunks.next(), { done: true, value: undefined });
});

test('decodeStream: a source that is read to its end is not returned', async () => {
  const source = Source.of(zlib.gzipSync(text), 100);
  await collect(decodeStream(source, ['gzip'], limits));
  assert.equal(source.returned, 0);
});

test('decodeStream: returning wakes who waits for the source', async () => {
  let stop: (() => void) | undefined;
  const silent: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise((resolve) => (stop = () => resolve({ done: true, value: undefined }))),
      return: async () => {
        stop?.();
        return { done: true, value: undefined };
      },
    }),
  };
  const chunks = decodeStream(silent, ['gzip', 'br'], limits)[Symbol.asyncIterator]();
  const waiting = chunks.next();
  await chunks.return?.();
  assert.equal((await waiting).done, true);
});

test('decodeStream: what the source throws is passed on as it is', async () => {
  const failure = new Error('the wire broke');
  for (const codings of [[], ['gzip'], ['gzip', 'br']] as const) {
    const source = new Source([], failure);
    await assert.rejects(collect(decodeStream(source, codings, limits)), (error) => error === failure);
    assert.equal(source.returned, 0);
  }
  const started = new Source([zlib.gzipSync(text).subarray(0, 20)], failure);
  await assert.rejects(collect(decodeStream(started, ['gzip'], limits)), (error) => error === failure);
});

test('decode: refuses limits that are none', async () => {
  for (const bad of [{ maxBytes: -1 }, { maxBytes: NaN }, { maxRatio: 0 }, { maxRatio: '9' as unknown as number }]) {
    assert.throws(() => decodeStream(new Source([]), [], { ...limits, ...bad }), RangeError);
    await assert.rejects(decodeWhole(text, [], { ...limits, ...bad }), RangeError);
  }
});
