/** Redirects: loops, chains, places where nobody should go. What arrived at the end is in `server.requests`. */
import type { Exchange } from './exchange.ts';
import { fault, type Faults } from './fault.ts';

const ECHO = '/fault/echo';

/** This request's path and query with some parameters changed. */
function here(exchange: Exchange, changes: Readonly<Record<string, string | number>>): string {
  const query = new URLSearchParams(exchange.request.query);
  for (const [name, value] of Object.entries(changes)) query.set(name, String(value));
  return `${exchange.request.path}?${query.toString()}`;
}

export const redirects = {
  /**
   * `status` with Location `to`, as it is: a path, `server.url('echo')` of another server, `file:///etc/passwd`,
   * `ftp://…`, `data:,x`, `http://[`, `//host/path`, `../x`, nothing. After `ms`, with a Set-Cookie `cookie` if given.
   */
  redirect: fault({ to: ECHO, status: 302, ms: 0, cookie: '' }, async (exchange, { to, status, ms, cookie }) => {
    await exchange.body();
    if (ms > 0) await exchange.sleep(ms);
    await exchange.respond(status, 'elsewhere', { Location: to, ...(cookie && { 'Set-Cookie': cookie }) });
  }),

  /** `status` without a Location. */
  'redirect-nowhere': fault({ status: 302 }, (exchange, { status }) => exchange.respond(status, 'nowhere')),

  /** `status` with two Locations. */
  'redirect-twice': fault({ a: ECHO, b: '/fault/text' }, (exchange, { a, b }) =>
    exchange.respond(302, 'two', { Location: [a, b] }),
  ),

  /** To itself, for ever. */
  'redirect-loop': fault({ status: 302 }, (exchange, { status }) =>
    exchange.respond(status, 'again', { Location: exchange.request.target }),
  ),

  /** Each time to a new URL, for ever, `ms` each. `n` counts. */
  'redirect-endless': fault({ n: 0, ms: 0, status: 302 }, async (exchange, { n, ms, status }) => {
    if (ms > 0) await exchange.sleep(ms);
    await exchange.respond(status, 'further', { Location: here(exchange, { n: n + 1 }) });
  }),

  /** `n` redirects of `ms` each, then to `to`. */
  'redirect-chain': fault({ n: 3, ms: 0, status: 302, to: ECHO }, async (exchange, { n, ms, status, to }) => {
    await exchange.body();
    if (ms > 0) await exchange.sleep(ms);
    await exchange.respond(status, 'further', { Location: n > 1 ? here(exchange, { n: n - 1 }) : to });
  }),

  /** To itself with `Set-Cookie: pass=1`, until that cookie comes: then 200 `welcome`. */
  'redirect-cookie': fault({ status: 302 }, async (exchange, { status }) => {
    if (/\bpass=1\b/.test(exchange.request.headers['cookie'] ?? '')) return await exchange.respond(200, 'welcome');
    await exchange.respond(status, 'take this', { Location: exchange.request.target, 'Set-Cookie': 'pass=1; Path=/' });
  }),

  /** A redirect whose own body never ends. */
  'redirect-endless-body': fault({ to: ECHO }, async (exchange, { to }) => {
    await exchange.head(302, { Location: to, 'Transfer-Encoding': 'chunked' });
    while (exchange.isOpen) await exchange.chunk('.'.repeat(16_384));
  }),
} satisfies Faults;
