/** Content-Encodings: right, wrong, cut and explosive. Everything is compressed at run time. */
import { brotliCompressSync, constants, crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { Exchange, Headers } from './exchange.ts';
import { fault, type Faults } from './fault.ts';

type Encode = (data: Uint8Array) => Buffer;
const ENCODERS: Readonly<Record<string, Encode>> = {
  gzip: (data) => gzipSync(data),
  'x-gzip': (data) => gzipSync(data),
  deflate: (data) => deflateSync(data),
  // What some servers send under the name of deflate.
  'deflate-raw': (data) => deflateRawSync(data),
  br: (data) => brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } }),
  identity: (data) => Buffer.from(data),
};

/** `length` characters, ASCII and compressible. */
export function textOf(length: number): string {
  const line = 'The quick brown fox jumps over the lazy dog. ';
  return line.repeat(Math.ceil(length / line.length)).slice(0, length);
}

/** Applies encodings in the order of the header: `gzip, br` is gzip inside br. */
function encode(data: Uint8Array, encodings: string): Buffer {
  return encodings.split(/\s*,\s*/).reduce<Buffer>((body, name) => {
    const encoder = ENCODERS[name.toLowerCase()];
    if (!encoder) throw new TypeError(`Cannot encode as the encoding must be known: current value is ${name}`);
    return encoder(body);
  }, Buffer.from(data));
}

const MIB = 1_048_576;
const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);

/** A MiB of zeros as a piece of deflate that can be repeated: it looks back at nothing, and ends on a byte. */
function blockOfZeros(): Buffer {
  return deflateRawSync(Buffer.alloc(MIB), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
}

/** Made of one block, as compressing hundreds of MiB would take seconds. */
function gzipOfZeros(mib: number): Buffer {
  const [block, zeros] = [blockOfZeros(), Buffer.alloc(MIB)];
  const trailer = Buffer.alloc(8);
  let sum = 0;
  for (let n = 0; n < mib; n++) sum = crc32(zeros, sum);
  trailer.writeUInt32LE(sum, 0);
  trailer.writeUInt32LE((mib * MIB) % 2 ** 32, 4);
  const last = Buffer.from([3, 0]);
  return Buffer.concat([GZIP_HEAD, ...Array.from({ length: mib }, () => block), last, trailer]);
}

function send(exchange: Exchange, encoding: string, body: Uint8Array): Promise<void> {
  const headers: Headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Encoding': encoding };
  return exchange.respond(200, body, headers);
}

export const encodings = {
  /** `textOf(bytes)` in one or several of gzip, x-gzip, deflate, deflate-raw (named deflate), br, identity: `gzip, br`. */
  encoded: fault({ encoding: 'gzip', bytes: 12_000 }, (exchange, { encoding, bytes }) =>
    send(exchange, encoding.replace('deflate-raw', 'deflate'), encode(Buffer.from(textOf(bytes)), encoding)),
  ),

  /** `textOf(bytes)` in what Accept-Encoding asks for first of gzip, deflate and br; plain without it. */
  negotiated: fault({ bytes: 12_000 }, async (exchange, { bytes }) => {
    const wanted = (exchange.request.headers['accept-encoding'] ?? '').split(/\s*,\s*/);
    const encoding = wanted.find((name) => ['gzip', 'deflate', 'br'].includes(name)) ?? 'identity';
    const body = encode(Buffer.from(textOf(bytes)), encoding);
    await exchange.respond(200, body, {
      Vary: 'Accept-Encoding',
      ...(encoding !== 'identity' && { 'Content-Encoding': encoding }),
    });
  }),

  /** `mib` MiB of zeros in about a thousandth of that, as one gzip member; `members` of them one after the other. */
  'gzip-bomb': fault({ mib: 64, members: 1 }, (exchange, { mib, members }) => {
    const member = gzipOfZeros(mib);
    return send(exchange, 'gzip', Buffer.concat(Array.from({ length: members }, () => member)));
  }),

  /** The same in any encoding or several of them (`gzip, gzip`); it takes a moment to make. */
  bomb: fault({ encoding: 'br', mib: 16 }, (exchange, { encoding, mib }) =>
    send(exchange, encoding, encode(Buffer.alloc(mib * MIB), encoding)),
  ),

  /** A gzip without end, of zeros. */
  'endless-bomb': fault({}, async (exchange) => {
    await exchange.head(200, { 'Transfer-Encoding': 'chunked', 'Content-Encoding': 'gzip' });
    await exchange.chunk(GZIP_HEAD);
    const block = blockOfZeros();
    while (exchange.isOpen) await exchange.chunk(block);
  }),

  /** Compressed data with some bytes flipped in the middle. */
  'corrupt-encoding': fault({ encoding: 'gzip', bytes: 12_000 }, (exchange, { encoding, bytes }) => {
    const body = encode(Buffer.from(textOf(bytes)), encoding);
    body.fill(0xff, body.length >> 1, (body.length >> 1) + 8);
    return send(exchange, encoding, body);
  }),

  /** Compressed data that lacks its last `missing` bytes, inside complete framing; 8 is a gzip's checksum and size. */
  'cut-encoding': fault(
    { encoding: 'gzip', bytes: 12_000, missing: 20, chunked: false },
    async (exchange, { encoding, bytes, missing, chunked }) => {
      const body = encode(Buffer.from(textOf(bytes)), encoding).subarray(0, -missing);
      if (!chunked) return await send(exchange, encoding, body);
      await exchange.head(200, { 'Transfer-Encoding': 'chunked', 'Content-Encoding': encoding });
      await exchange.chunk(body);
      await exchange.chunk();
    },
  ),

  /** Good compressed data, and `garbage` behind it. */
  'encoding-and-garbage': fault({ encoding: 'gzip', garbage: 'garbage' }, (exchange, { encoding, garbage }) =>
    send(exchange, encoding, Buffer.concat([encode(Buffer.from(textOf(1_000)), encoding), Buffer.from(garbage)])),
  ),

  /** `n` encodings, all of them `encoding` and really applied. */
  'many-encodings': fault({ n: 20, encoding: 'gzip' }, (exchange, { n, encoding }) => {
    const all = Array.from({ length: n }, () => encoding).join(', ');
    return send(exchange, all, encode(Buffer.from(textOf(100)), all));
  }),

  /** A plain `body` that is said to be `encoding`: a known one, or `foo`. An empty body is said to be so by many. */
  'wrong-encoding': fault({ encoding: 'gzip', body: 'this is plain' }, (exchange, { encoding, body }) =>
    send(exchange, encoding, Buffer.from(body)),
  ),
} satisfies Faults;
