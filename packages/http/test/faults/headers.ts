/** Headers that are too large, too many or no headers. The body is `ok`. */
import { fault, type Faults } from './fault.ts';

const answer = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}Content-Length: 2\r\n\r\nok`;

export const headers = {
  /** One header of `bytes` bytes. */
  'large-header': fault({ bytes: 100_000 }, (exchange, { bytes }) =>
    exchange.write(answer(`X-Large: ${'x'.repeat(bytes)}\r\n`)),
  ),

  /** `n` headers of a few bytes. */
  'many-headers': fault({ n: 3_000 }, (exchange, { n }) =>
    exchange.write(answer(Array.from({ length: n }, (_, i) => `X-${i}: ${i}\r\n`).join(''))),
  ),

  /** Headers without end, as fast as they are taken. */
  'endless-headers': fault({}, async (exchange) => {
    await exchange.write('HTTP/1.1 200 OK\r\n');
    for (let n = 0; exchange.isOpen; n++) {
      await exchange.write(`X-${n}: ${'x'.repeat(1_000)}\r\n`);
      if (n % 100 === 0) await exchange.sleep(0);
    }
  }),

  /** The header line that `line` is, byte for byte (Latin-1). */
  header: fault({ line: 'X-a: b' }, (exchange, { line }) => exchange.write(answer(`${line}\r\n`))),

  /** A NUL in a value. */
  'header-nul': fault({}, (exchange) => exchange.write(answer('X-Nul: a\0b\r\n'))),

  /** A CR without LF in a value. */
  'header-cr': fault({}, (exchange) => exchange.write(answer('X-Cr: a\rSet-Cookie: b=1\r\n'))),

  /** A line that ends with LF alone. */
  'header-bare-lf': fault({}, (exchange) => exchange.write(answer('X-Lf: a\n'))),

  /** A value that goes on in the next line (obs-fold). */
  'header-fold': fault({}, (exchange) => exchange.write(answer('X-Fold: a\r\n  b\r\n'))),

  /** A blank between name and colon. */
  'header-space': fault({}, (exchange) => exchange.write(answer('X-Space : a\r\n'))),

  /** A line without a colon. */
  'header-no-colon': fault({}, (exchange) => exchange.write(answer('no colon here\r\n'))),

  /** A value in Latin-1 and one in UTF-8: `Zürich`. */
  'header-bytes': fault({}, (exchange) => exchange.write(answer('X-Latin1: Z\xfcrich\r\nX-Utf8: Z\xc3\xbcrich\r\n'))),

  /** Names that are properties of every object: `__proto__`, `constructor`, `hasOwnProperty`. */
  'header-proto': fault({}, (exchange) =>
    exchange.write(answer('__proto__: a\r\nconstructor: b\r\nhasOwnProperty: c\r\n')),
  ),

  /** The status line that `line` is, byte for byte: `HTTP/1.1 abc`, `HTTP/9.9 200 OK`, `HTTP/1.1 099 X`, `HTTP/1.0 200 OK`. */
  'status-line': fault({ line: 'HTTP/1.1 abc' }, (exchange, { line }) =>
    exchange.write(`${line}\r\nContent-Length: 2\r\n\r\nok`),
  ),
} satisfies Faults;
