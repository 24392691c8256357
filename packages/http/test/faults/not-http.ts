/** What is not HTTP/1.1 at all. */
import { fault, type Faults } from './fault.ts';

export const notHttp = {
  /** What an SSH server says; then it waits. */
  'ssh-banner': fault({}, async (exchange) => {
    await exchange.write('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n');
    await exchange.gone;
  }),

  /** The preface of HTTP/2 and an empty SETTINGS frame. */
  'h2-preface': fault({}, async (exchange) => {
    await exchange.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    await exchange.gone;
  }),

  /** A body without any head, then FIN: HTTP/0.9. */
  'http-0.9': fault({}, async (exchange) => {
    await exchange.write('<html>hello</html>\r\n');
    exchange.end();
  }),

  /** A TLS alert, as a TLS server answers to plain HTTP. */
  'tls-alert': fault({}, async (exchange) => {
    await exchange.write('\x15\x03\x01\0\x02\x02\x46');
    exchange.end();
  }),

  /** `bytes` (Latin-1), exactly these, then `then`: `fin`, `rst`, `silence`, or `keep` to read the next request. */
  raw: fault(
    { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', then: 'fin' },
    async (exchange, { bytes, then }) => {
      await exchange.write(bytes);
      if (then === 'fin') exchange.end();
      if (then === 'rst') {
        await exchange.sleep(20);
        exchange.reset();
      }
      if (then === 'silence') await exchange.gone;
    },
  ),
} satisfies Faults;
