/** Servers that take their time. */
import { fault, type Faults } from './fault.ts';

export const timing = {
  /** Reads the request and never answers. */
  'no-answer': fault({}, (exchange) => exchange.gone),

  /** Answers after `ms`. */
  'slow-start': fault({ ms: 200, status: 200, body: 'ok' }, async (exchange, { ms, status, body }) => {
    await exchange.sleep(ms);
    await exchange.respond(status, body);
  }),

  /** Half of the headers, then silence. */
  'stall-head': fault({}, async (exchange) => {
    await exchange.write('HTTP/1.1 200 OK\r\nContent-Type: text/pl');
    await exchange.gone;
  }),

  /** The head, a byte each `gap` ms, for ever: the headers never end. */
  'drip-head': fault({ gap: 200 }, async (exchange, { gap }) => {
    await exchange.write('HTTP/1.1 200 OK\r\n');
    for (let n = 0; exchange.isOpen; n++) {
      for (const byte of `X-Drip-${n}: ${n}\r\n`) {
        await exchange.write(byte);
        await exchange.sleep(gap);
      }
    }
  }),

  /** The body, `chunk` bytes each `gap` ms, until `bytes` are sent. */
  'drip-body': fault({ gap: 200, bytes: 100, chunk: 1 }, async (exchange, { gap, bytes, chunk }) => {
    await exchange.head(200, { 'Content-Length': bytes });
    for (let left = bytes; left > 0 && exchange.isOpen; left -= chunk) {
      await exchange.write('.'.repeat(Math.min(chunk, left)));
      await exchange.sleep(gap);
    }
  }),

  /** The first `bytes` of a body of `of`, then silence. */
  'stall-body': fault({ bytes: 100, of: 1_000, chunked: false }, async (exchange, { bytes, of, chunked }) => {
    await exchange.head(200, chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': of });
    if (bytes > 0) await (chunked ? exchange.chunk('.'.repeat(bytes)) : exchange.write('.'.repeat(bytes)));
    await exchange.gone;
  }),

  /** A body without end, as fast as it is taken. */
  'endless-body': fault({}, async (exchange) => {
    await exchange.head(200, { 'Transfer-Encoding': 'chunked' });
    const data = Buffer.alloc(65_536, '.');
    while (exchange.isOpen) await exchange.chunk(data);
  }),
} satisfies Faults;
