/** Bodies that do not end where they say. */
import { fault, type Faults } from './fault.ts';

const OK = 'HTTP/1.1 200 OK\r\n';

export const framing = {
  /** Content-Length `of`, then `bytes` bytes and FIN. */
  'cut-length': fault({ bytes: 100, of: 1_000 }, async (exchange, { bytes, of }) => {
    await exchange.head(200, { 'Content-Length': of });
    await exchange.write('.'.repeat(bytes));
    exchange.end();
  }),

  /** A chunk of `bytes`, then FIN without the last chunk; with `inside`, the FIN comes in the middle of the chunk. */
  'cut-chunked': fault({ bytes: 100, inside: false }, async (exchange, { bytes, inside }) => {
    await exchange.head(200, { 'Transfer-Encoding': 'chunked' });
    await (inside
      ? exchange.write(`${(bytes * 2).toString(16)}\r\n${'.'.repeat(bytes)}`)
      : exchange.chunk('.'.repeat(bytes)));
    exchange.end();
  }),

  /** `bytes` as promised and `extra` more; the connection stays open. */
  'long-length': fault({ bytes: 100, extra: 20 }, (exchange, { bytes, extra }) =>
    exchange.write(`${OK}Content-Length: ${bytes}\r\n\r\n${'.'.repeat(bytes)}${'!'.repeat(extra)}`),
  ),

  /** A good answer `first`, and behind it another one, `poison`, that nobody asked for. */
  'glued-answer': fault({}, (exchange) =>
    exchange.write(`${OK}Content-Length: 5\r\n\r\nfirst${OK}Content-Length: 6\r\nSet-Cookie: poison=1\r\n\r\npoison`),
  ),

  /** Two Content-Lengths, `a` and `b`, 20 bytes, FIN. The same twice is allowed by the standard, others are not. */
  'two-lengths': fault({ a: '5', b: '10' }, async (exchange, { a, b }) => {
    await exchange.write(`${OK}Content-Length: ${a}\r\nContent-Length: ${b}\r\n\r\n${'.'.repeat(20)}`);
    exchange.end();
  }),

  /** A chunked body that has a Content-Length too. */
  'length-and-chunked': fault({ length: '5' }, async (exchange, { length }) => {
    await exchange.write(`${OK}Content-Length: ${length}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    await exchange.chunk('hello chunked world');
    await exchange.chunk();
  }),

  /** Content-Length as `value` says: `-1`, `99999999999999999999`, `1e3`, `+5`, `5, 5`, or nothing. Then 5 bytes, FIN. */
  'bad-length': fault({ value: '-1' }, async (exchange, { value }) => {
    await exchange.write(`${OK}Content-Length: ${value}\r\n\r\nhello`);
    exchange.end();
  }),

  /** A chunk whose size is as `size` says: `zz`, `-5`, `fffffffffffffffff` (17 digits), `5 5`, or nothing. Then FIN. */
  'bad-chunk-size': fault({ size: 'zz' }, async (exchange, { size }) => {
    await exchange.write(`${OK}Transfer-Encoding: chunked\r\n\r\n${size}\r\nhello\r\n0\r\n\r\n`);
    exchange.end();
  }),

  /** A chunk that is not followed by CRLF. */
  'bad-chunk-end': fault({}, async (exchange) => {
    await exchange.write(`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n`);
    exchange.end();
  }),

  /** A Transfer-Encoding that is not chunked at its end: `gzip`, `chunked, identity`, `xchunked`. */
  'bad-transfer-encoding': fault({ value: 'xchunked' }, async (exchange, { value }) => {
    await exchange.write(`${OK}Transfer-Encoding: ${value}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`);
    exchange.end();
  }),

  /** A correct body of `n` chunks of one byte. */
  'many-chunks': fault({ n: 10_000 }, async (exchange, { n }) => {
    await exchange.head(200, { 'Transfer-Encoding': 'chunked' });
    await exchange.write('1\r\n.\r\n'.repeat(n));
    await exchange.chunk();
  }),

  /** A correct chunked body `hello` with `n` trailers. */
  trailers: fault({ n: 1 }, async (exchange, { n }) => {
    await exchange.head(200, { 'Transfer-Encoding': 'chunked', Trailer: 'X-Trailer-0' });
    await exchange.chunk('hello');
    const lines = Array.from({ length: n }, (_, i) => `X-Trailer-${i}: ${i}\r\n`);
    await exchange.write(`0\r\n${lines.join('')}\r\n`);
  }),

  /** A chunked body `hello` with trailers without end. */
  'endless-trailers': fault({}, async (exchange) => {
    await exchange.head(200, { 'Transfer-Encoding': 'chunked' });
    await exchange.chunk('hello');
    await exchange.write('0\r\n');
    for (let n = 0; exchange.isOpen; n++) {
      await exchange.write(`X-Trailer-${n}: ${'x'.repeat(1_000)}\r\n`);
      if (n % 100 === 0) await exchange.sleep(0);
    }
  }),

  /** A `status` that has no body (204, 304) with one, `poison`; the connection stays open. `late` ms behind the head. */
  'body-on-204': fault({ status: 204, late: 0 }, async (exchange, { status, late }) => {
    const head = `HTTP/1.1 ${status} No\r\nContent-Length: 6\r\n\r\n`;
    if (late === 0) return await exchange.write(`${head}poison`);
    await exchange.write(head);
    await exchange.sleep(late);
    await exchange.write('poison');
  }),

  /** A body of 5 bytes in answer to anything, so to a HEAD as well; the connection stays open. */
  'body-on-head': fault({}, (exchange) => exchange.write(`${OK}Content-Length: 5\r\n\r\nhello`)),
} satisfies Faults;
