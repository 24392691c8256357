/** Connections that end: when they should not, and when they may but the client does not know yet. */
import type { Exchange } from './exchange.ts';
import { fault, type Faults } from './fault.ts';

/** What is sent right before a RST can be lost with it: this is how long it gets to arrive. */
const ARRIVAL_MS = 20;

export const closing = {
  /** RST as soon as the request is there: not a byte of an answer. */
  'reset-before': fault({ ms: 0 }, async (exchange, { ms }) => {
    if (ms > 0) await exchange.sleep(ms);
    exchange.reset();
  }),

  /** RST in the middle of the headers. */
  'reset-in-head': fault({}, async (exchange) => {
    await exchange.write('HTTP/1.1 200 OK\r\nContent-Le');
    await exchange.sleep(ARRIVAL_MS);
    exchange.reset();
  }),

  /** RST after `bytes` bytes of a body of `of`. */
  'reset-in-body': fault({ bytes: 100, of: 1_000 }, async (exchange, { bytes, of }) => {
    await exchange.head(200, { 'Content-Length': of });
    await exchange.write('.'.repeat(bytes));
    await exchange.sleep(ARRIVAL_MS);
    exchange.reset();
  }),

  /** FIN as soon as the request is there: not a byte of an answer. */
  'fin-before': fault({ ms: 0 }, async (exchange, { ms }) => {
    if (ms > 0) await exchange.sleep(ms);
    exchange.end();
  }),

  /** FIN in the middle of the headers. */
  'fin-in-head': fault({}, async (exchange) => {
    await exchange.write('HTTP/1.1 200 OK\r\nContent-Le');
    exchange.end();
  }),

  /** FIN once `bytes` bytes of the request's body have come, before any answer. `reset`: RST. */
  'close-in-upload': fault({ bytes: 1_000, reset: false }, async (exchange, { bytes, reset }) => {
    const { request } = exchange;
    if (request.headers['expect']) await exchange.head(100);
    await exchange.until(() => request.bodyBytes >= bytes || request.bodyComplete);
    hangUp(exchange, reset);
  }),

  /** 200 `ok` that promises to keep the connection, which is then closed `ms` later: with FIN, or `reset`. */
  'close-after': fault({ ms: 0, reset: false }, async (exchange, { ms, reset }) => {
    await exchange.respond(200, 'ok', { Connection: 'keep-alive' });
    if (ms > 0) await exchange.sleep(ms);
    hangUp(exchange, reset);
  }),

  /** 200 `ok` to the first `good` requests of a connection; the next is read and the connection closed unanswered. */
  'close-on-reuse': fault({ good: 1, reset: false }, async (exchange, { good, reset }) => {
    if (exchange.request.turn <= good) await exchange.respond(200, 'ok', { Connection: 'keep-alive' });
    else hangUp(exchange, reset);
  }),

  /** 200 `ok` with `Connection: close`, and yet the connection stays open. */
  'says-close': fault({}, (exchange) => exchange.respond(200, 'ok', { Connection: 'close' })),

  /** 200 `ok` with `Keep-Alive: timeout=…`, in seconds; closed when that is over. */
  'keep-alive': fault({ timeout: 1 }, async (exchange, { timeout }) => {
    await exchange.respond(200, 'ok', { Connection: 'keep-alive', 'Keep-Alive': `timeout=${timeout}` });
    const timer = setTimeout(() => exchange.end(), timeout * 1_000);
    void exchange.gone.then(() => clearTimeout(timer));
  }),
} satisfies Faults;

function hangUp(exchange: Exchange, reset: boolean): void {
  if (reset) exchange.reset();
  else exchange.end();
}
