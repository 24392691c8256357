/** Where bodies go. */
import { fault, type Faults } from './fault.ts';

export const uploads = {
  /** Takes a body of any size: `{ bytes, sha256, framing }`, where framing is `chunked`, `length` or `none`. */
  upload: fault({}, async (exchange) => {
    await exchange.body();
    const { bodyBytes: bytes, bodySha256: sha256, headers } = exchange.request;
    const framing = headers['transfer-encoding'] ? 'chunked' : headers['content-length'] ? 'length' : 'none';
    await exchange.json({ bytes, sha256, framing });
  }),

  /**
   * Takes `bytes` bytes of the body, more or less, then no more, and never answers. Who reads nothing does not see that
   * the client has gone: before `server.idle()`, call `server.resetConnections()`.
   */
  'upload-stall': fault({ bytes: 0 }, async (exchange, { bytes }) => {
    const { request } = exchange;
    await exchange.until(() => request.bodyBytes >= bytes || request.bodyComplete);
    exchange.socket.pause();
    await exchange.gone;
  }),

  /** Answers `status` at once, before the body is there, which it goes on taking; with `close`, it hangs up instead. */
  'upload-refused': fault({ status: 413, close: false }, async (exchange, { status, close }) => {
    await exchange.respond(status, 'no', close ? { Connection: 'close' } : {});
    if (close) exchange.end();
  }),

  /** Never sends the 100 that was asked for; takes the body nevertheless, if it comes. */
  'no-continue': fault({}, async (exchange) => {
    const { request } = exchange;
    await exchange.until(() => request.bodyComplete);
    await exchange.json({ bytes: request.bodyBytes });
  }),

  /** 417, before any body. */
  'expectation-failed': fault({}, (exchange) => exchange.respond(417, 'no', { Connection: 'close' })),
} satisfies Faults;
