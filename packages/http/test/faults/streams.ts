/** Bodies that come in pieces: lines and events. */
import { lineOf } from './bodies.ts';
import type { Exchange } from './exchange.ts';
import { fault, type Faults } from './fault.ts';

/** Sends the text in writes of `split` bytes (0: at once), which cuts lines and characters in two. */
async function send(exchange: Exchange, text: string, split: number): Promise<void> {
  const bytes = Buffer.from(text);
  const size = split > 0 ? split : bytes.length;
  for (let at = 0; at < bytes.length && exchange.isOpen; at += size) {
    await exchange.chunk(bytes.subarray(at, at + size));
    // Let it go out on its own.
    if (split > 0) await exchange.sleep(0);
  }
}

export const streams = {
  /** `lineOf(1)` … `lineOf(n)` as NDJSON, `gap` ms apart; `split`: in writes of so many bytes; `end`: what ends a line. */
  lines: fault({ n: 10, gap: 0, split: 0, end: '\n', last: true }, async (exchange, { n, gap, split, end, last }) => {
    await exchange.head(200, { 'Content-Type': 'application/x-ndjson', 'Transfer-Encoding': 'chunked' });
    for (let i = 1; i <= n && exchange.isOpen; i++) {
      // `last`: whether the last line is ended as well.
      await send(exchange, lineOf(i) + (i < n || last ? end : ''), split);
      if (gap > 0) await exchange.sleep(gap);
    }
    await exchange.chunk();
  }),

  /** `bytes` bytes and no line break. */
  'endless-line': fault({ bytes: 10_000_000 }, async (exchange, { bytes }) => {
    await exchange.head(200, { 'Content-Type': 'application/x-ndjson', 'Content-Length': bytes });
    for (let left = bytes; left > 0 && exchange.isOpen; left -= 65_536) {
      await exchange.write('.'.repeat(Math.min(left, 65_536)));
    }
  }),

  /**
   * Server-sent events with the ids from Last-Event-ID + 1 to `n`, `gap` ms apart, data `event N`; every third is of
   * type `tick`. A connection gives `per` of them and ends; 204 when there are no more. `retry`: ms, if not 0.
   */
  events: fault({ n: 9, per: 1_000, gap: 0, retry: 0, split: 0 }, async (exchange, { n, per, gap, retry, split }) => {
    const from = Number(exchange.request.headers['last-event-id'] ?? 0) + 1;
    if (from > n) return await exchange.head(204);
    await exchange.head(200, { 'Content-Type': 'text/event-stream', 'Transfer-Encoding': 'chunked' });
    if (retry > 0) await send(exchange, `retry: ${retry}\n\n`, split);
    for (let id = from; id < from + per && id <= n && exchange.isOpen; id++) {
      const type = id % 3 === 0 ? 'event: tick\n' : '';
      await send(exchange, `: comment\nid: ${id}\n${type}data: event ${id}\n\n`, split);
      if (gap > 0) await exchange.sleep(gap);
    }
    await exchange.chunk();
  }),
} satisfies Faults;
