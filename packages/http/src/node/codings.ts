import * as zlib from 'node:zlib';
import { decodeError } from '../internal/faults.ts';
import { shown } from '../internal/checks.ts';

/** A content coding that can be undone. */
export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

/** Each coding multiplies what a small body can grow to, and no server needs more than one. */
const MOST = 3;

/** Types of Node 20 know nothing of zstd, which Node has from 22.15 on; see below for what is used of it. */
interface Zstd {
  readonly createZstdDecompress?: (options: zlib.ZlibOptions) => Decoder;
  readonly zstdDecompress?: WholeDecoder;
  readonly zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array;
  readonly constants: { readonly ZSTD_d_windowLogMax?: number };
}

const zstd: Zstd = zlib as unknown as Zstd;
const hasZstd = noticesCutZstd();

/** The value of an `Accept-Encoding` header that asks for all that can be undone here. */
export const acceptEncoding: string = hasZstd ? 'zstd, br, gzip, deflate' : 'br, gzip, deflate';

/**
 * The codings that a `Content-Encoding` header names, in the order in which they were applied; `identity` is none.
 *
 * @throws {DecodeError} when there are more than three, or one is not known here; it is named.
 */
export function parseCodings(value: string | readonly string[] | null | undefined): Coding[] {
  const names = String(value ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length > MOST) {
    throw decodeError(
      `Cannot decode a body as it takes at most ${MOST} content codings: current value is ${names.length}`,
    );
  }
  return names.map(codingOf);
}

function codingOf(name: string): Coding {
  const coding = name === 'x-gzip' ? 'gzip' : name;
  if (coding === 'gzip' || coding === 'deflate' || coding === 'br') return coding;
  if (coding === 'zstd' && hasZstd) return coding;
  throw decodeError(
    `Cannot decode a body as its content codings take ${acceptEncoding}: current value is ${shown(name)}`,
  );
}

/** A stream that undoes a coding. */
export type Decoder = zlib.Gunzip | zlib.Inflate | zlib.InflateRaw | zlib.BrotliDecompress;

/** What all of them take, and `info`, which tells how much of the input was used. */
export type WholeDecoder = (
  bytes: Uint8Array,
  options: zlib.ZlibOptions & { readonly info: true },
  done: (error: Error | null, result: { readonly buffer: Buffer; readonly engine: Decoder }) => void,
) => void;

const CHUNK = 64 * 1024;

/** Makes the stream that undoes a coding, given the first byte of what it will read. */
export function createDecoder(coding: Coding, first: number): Decoder {
  const options = { ...optionsOf(coding), highWaterMark: CHUNK };
  if (coding === 'gzip') return zlib.createGunzip(options);
  if (coding === 'br') return zlib.createBrotliDecompress(options);
  if (coding === 'zstd') return (zstd.createZstdDecompress as NonNullable<Zstd['createZstdDecompress']>)(options);
  return hasZlibHeader(first) ? zlib.createInflate(options) : zlib.createInflateRaw(options);
}

/** The function that undoes a coding of a whole body, given its first byte. */
export function wholeDecoder(coding: Coding, first: number): WholeDecoder {
  if (coding === 'gzip') return zlib.gunzip as unknown as WholeDecoder;
  if (coding === 'br') return zlib.brotliDecompress as unknown as WholeDecoder;
  if (coding === 'zstd') return zstd.zstdDecompress as WholeDecoder;
  return (hasZlibHeader(first) ? zlib.inflate : zlib.inflateRaw) as unknown as WholeDecoder;
}

export function optionsOf(coding: Coding): zlib.ZlibOptions {
  const windowLog = coding === 'zstd' ? zstd.constants.ZSTD_d_windowLogMax : undefined;
  // 8 MiB is the most that HTTP allows (RFC 9659); without a bound, a frame of some bytes asks for 128 MiB.
  return windowLog === undefined ? { chunkSize: CHUNK } : ({ chunkSize: CHUNK, params: { [windowLog]: 23 } } as object);
}

/** `deflate` is the zlib format, but some servers send the raw one, which no encoder begins with these bits. */
function hasZlibHeader(first: number): boolean {
  return (first & 0x0f) === 8;
}

/** Node 22 gives the beginning of a frame that was cut short as if it were all: there, zstd is not asked for. */
function noticesCutZstd(): boolean {
  const cutFrame = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x02, 0x11, 0x00, 0x00, 0x68);
  try {
    zstd.zstdDecompressSync?.(cutFrame);
    return false;
  } catch {
    return true;
  }
}
