/** Cookies: given and shown. */
import { fault, type Faults } from './fault.ts';

export const cookies = {
  /** The cookies that came, as `{ cookie: the header or null }`. */
  cookies: fault({}, (exchange) => exchange.json({ cookie: exchange.request.headers['cookie'] ?? null })),

  /** A Set-Cookie for each line of `cookie`, as it is; the body is `ok`. */
  'set-cookie': fault({ cookie: 'a=1; Path=/' }, (exchange, { cookie }) =>
    exchange.respond(200, 'ok', { 'Set-Cookie': cookie.split('\n') }),
  ),

  /** `n` cookies of `bytes` bytes each. */
  'cookie-flood': fault({ n: 200, bytes: 10 }, (exchange, { n, bytes }) =>
    exchange.respond(200, 'ok', {
      'Set-Cookie': Array.from({ length: n }, (_, i) => `flood${i}=${'x'.repeat(bytes)}; Path=/`),
    }),
  ),
} satisfies Faults;
