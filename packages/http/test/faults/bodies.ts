/** Servers that do as they should: what is asked for as text, bytes, JSON, lines, events, and what was sent back. */
import { fault, type Faults } from './fault.ts';

/** The bytes that `bytes` and `file` send: the same for the same seed, different at each place. */
export function bytesOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** The line `n` of `lines`, from 1. */
export function lineOf(n: number): string {
  return JSON.stringify({ n, text: `line ${n} ü` });
}

const JSON_TYPE = 'application/json';

export const bodies = {
  /** `{ method, target, headers: [name, value][], body: text, bodyBytes }` of the request; any method. */
  echo: fault({ status: 200 }, async (exchange, { status }) => {
    const body = await exchange.body();
    const { method, target, rawHeaders: headers, bodyBytes } = exchange.request;
    await exchange.json({ method, target, headers, body: body.toString(), bodyBytes }, status);
  }),

  /** A text, `ok` if none is given. */
  text: fault({ body: 'ok', type: 'text/plain; charset=utf-8' }, (exchange, { body, type }) =>
    exchange.respond(200, body, { 'Content-Type': type }),
  ),

  /** The text of `value` as JSON, valid or not. */
  json: fault({ value: '{"ok":true}', type: JSON_TYPE, status: 200 }, (exchange, { value, type, status }) =>
    exchange.respond(status, value, { 'Content-Type': type }),
  ),

  /** `bytesOf(bytes, seed)`, in writes of `chunk` bytes; framed by `length`, `chunked` or `close`. */
  bytes: fault(
    { bytes: 1_000, seed: 1, chunk: 65_536, framing: 'length' },
    async (exchange, { bytes, seed, chunk, framing }) => {
      const body = bytesOf(bytes, seed);
      const type = { 'Content-Type': 'application/octet-stream' };
      if (framing === 'length') await exchange.head(200, { ...type, 'Content-Length': bytes });
      else if (framing === 'chunked') await exchange.head(200, { ...type, 'Transfer-Encoding': 'chunked' });
      else await exchange.head(200, { ...type, Connection: 'close' });
      if (exchange.request.method === 'HEAD') return;
      for (let at = 0; at < bytes && exchange.isOpen; at += chunk) {
        const piece = body.subarray(at, at + chunk);
        await (framing === 'chunked' ? exchange.chunk(piece) : exchange.write(piece));
      }
      if (framing === 'chunked') await exchange.chunk();
      if (framing === 'close') exchange.end();
    },
  ),
} satisfies Faults;
