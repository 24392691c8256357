/** Status codes, and servers that are busy for a while. */
import type { Exchange, Headers } from './exchange.ts';
import { fault, type Faults } from './fault.ts';

/** Retry-After as text (`3`, a date, `soon`, `99999999999`, `-1`), or as the HTTP date that is so many seconds away. */
function retryHeaders(retryAfter: string, retryDateIn: number): Headers {
  if (retryDateIn !== 0) return { 'Retry-After': new Date(Date.now() + retryDateIn * 1_000).toUTCString() };
  return retryAfter === '' ? {} : { 'Retry-After': retryAfter };
}

async function fail(exchange: Exchange, how: string, extra: Headers): Promise<void> {
  if (how === 'reset') return exchange.reset();
  if (how === 'fin') return exchange.end();
  if (how === 'silence') return await exchange.gone;
  if (how !== 'cut') return await exchange.respond(Number(how), `failed with ${how}`, extra);
  await exchange.head(200, { 'Content-Length': 1_000 });
  await exchange.write('part of');
  exchange.end();
}

export const statuses = {
  /** `status` with `body`; Retry-After as `retryAfter` says it, or as the HTTP date in `retryDateIn` seconds. */
  status: fault(
    { status: 503, body: '', retryAfter: '', retryDateIn: 0 },
    async (exchange, { status, body, retryAfter, retryDateIn }) => {
      await exchange.body();
      await exchange.respond(status, body, retryHeaders(retryAfter, retryDateIn));
    },
  ),

  /**
   * Fails the first `fails` times that it is asked with this `key`, then 200 `ok`. `how`: a status, `reset`, `fin`,
   * `silence`, or `cut` (a body that ends too early). `server.count()` has the key `flaky:KEY`.
   */
  flaky: fault(
    { key: '', fails: 2, how: '503', retryAfter: '', retryDateIn: 0 },
    async (exchange, { key, fails, how, retryAfter, retryDateIn }) => {
      await exchange.body();
      if (exchange.server.count(`flaky:${key}`) > fails) return await exchange.respond(200, 'ok');
      await fail(exchange, how, retryHeaders(retryAfter, retryDateIn));
    },
  ),

  /** 200 while fewer than `limit` requests with this `key` are being answered, which takes `ms`; else 503. */
  busy: fault({ key: '', limit: 2, ms: 50 }, async (exchange, { key, limit, ms }) => {
    const { server } = exchange;
    const others = server.requests.filter(
      ({ fault, query, answered, abandoned }) =>
        fault === 'busy' && !answered && !abandoned && (query.get('key') ?? '') === key,
    );
    if (others.length > limit) return await exchange.respond(503, 'busy');
    await exchange.sleep(ms);
    await exchange.respond(200, 'ok');
  }),

  /** 429 with `Retry-After: seconds` from the request after the first `n` on, until that time has passed; per `key`. */
  'rate-limited': fault({ key: '', n: 5, seconds: 1 }, async (exchange, { key, n, seconds }) => {
    const { server, request } = exchange;
    const since = request.at - seconds * 1_000;
    const recent = server.requests.filter(
      ({ at, fault, query }) => at > since && fault === 'rate-limited' && (query.get('key') ?? '') === key,
    );
    if (recent.length <= n) return await exchange.respond(200, 'ok');
    await exchange.respond(429, 'too many', { 'Retry-After': seconds });
  }),
} satisfies Faults;
