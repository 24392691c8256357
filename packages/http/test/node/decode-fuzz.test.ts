import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import * as fc from 'fast-check';
import type { Coding } from '../../src/node/codings.ts';
import { decodeStream, decodeWhole } from '../../src/node/decode.ts';

const RUNS = 150;
const limits = { maxBytes: 50_000, maxRatio: 1_000 };
const encoders: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
  gzip: zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
};

const codings = fc.array(fc.constantFrom<Coding>('gzip', 'deflate', 'br'), { minLength: 1, maxLength: 3 });
const content = fc.oneof(
  fc.uint8Array({ maxLength: 3_000 }),
  fc
    .tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(3_000))
    .map(([bytes, times]) => Buffer.concat(Array<Uint8Array>(times).fill(bytes))),
);
/** What happens to the encoded bytes on the way. */
const damage = fc.oneof(
  fc.constant((bytes: Buffer) => bytes),
  fc.nat().map((at) => (bytes: Buffer) => bytes.subarray(0, at % (bytes.length + 1))),
  fc.uint8Array({ maxLength: 4 }).map((more) => (bytes: Buffer) => Buffer.concat([bytes, more])),
  fc.tuple(fc.nat(), fc.nat(255)).map(([at, byte]) => (bytes: Buffer) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[at % copy.length] = byte;
    return copy;
  }),
);

async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] as number;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function outcome(decode: () => Promise<Uint8Array>): Promise<string> {
  try {
    return Buffer.from(await decode()).toString('base64');
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.ok(error.name === 'DecodeError' || error.name === 'BodyLimitError', error.stack);
    return 'refused';
  }
}

test('decode: at once and in pieces it gives the same, whatever happened to the bytes', async () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 5_000 })), {
    minLength: 1,
    maxLength: 5,
  });
  await fc.assert(
    fc.asyncProperty(codings, content, damage, sizes, async (chain, bytes, damaged, pieces) => {
      const encoded = chain.reduce<Buffer>(
        (inner, coding) => (encoders[coding] as (bytes: Uint8Array) => Buffer)(inner),
        Buffer.from(bytes),
      );
      const received = damaged(encoded);
      const whole = await outcome(() => decodeWhole(received, chain, limits));
      const streamed = await outcome(async () => {
        const chunks: Uint8Array[] = [];
        const source = inPieces(received, pieces.some((size) => size > 0) ? pieces : [1]);
        for await (const chunk of decodeStream(source, chain, limits)) chunks.push(chunk);
        return Buffer.concat(chunks);
      });
      assert.equal(streamed, whole);
      if (received.equals(encoded) && bytes.length <= limits.maxBytes)
        assert.equal(whole, Buffer.from(bytes).toString('base64'));
    }),
    { numRuns: RUNS },
  );
});
