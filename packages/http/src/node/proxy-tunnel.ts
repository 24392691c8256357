import type { Socket } from 'node:net';

/** How long the answer to CONNECT may be. */
const MAX_ANSWER_BYTES = 16_384;

/** Called once: without a message when there is a way through. */
export type TunnelDone = (message: string | undefined, cause: unknown) => void;

/** Asks a proxy, by CONNECT, for a way through to a host. The socket is the caller's to destroy. */
export class Tunnel {
  readonly #socket: Socket;
  readonly #name: string;
  readonly #done: TunnelDone;
  #answer: Buffer = Buffer.alloc(0);
  #error: Error | undefined;

  constructor(
    socket: Socket,
    proxy: URL,
    target: { readonly hostname: string; readonly port: number },
    done: TunnelDone,
  ) {
    this.#socket = socket;
    this.#name = `proxy ${proxy.host}`;
    this.#done = done;
    socket.on('readable', this.#read);
    socket.on('end', this.#closed);
    socket.on('error', this.#failed);
    socket.on('close', this.#closed);
    const { hostname, port } = target;
    const authority = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
    const authorization = proxyAuthorization(proxy);
    socket.write(
      `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${
        authorization === undefined ? '' : `proxy-authorization: ${authorization}\r\n`
      }proxy-connection: keep-alive\r\n\r\n`,
      'latin1',
    );
  }

  /** Nothing is called any more. */
  abort(): void {
    this.#socket.off('readable', this.#read);
    this.#socket.off('end', this.#closed);
    this.#socket.off('error', this.#failed);
    this.#socket.off('close', this.#closed);
  }

  readonly #read = (): void => {
    for (let chunk = this.#socket.read() as Buffer | null; chunk; chunk = this.#socket.read() as Buffer | null) {
      this.#answer = Buffer.concat([this.#answer, chunk]);
      const end = this.#answer.indexOf('\r\n\r\n');
      if (end >= 0) return this.#decide(this.#answer.toString('latin1', 0, end), this.#answer.length - end - 4);
      if (this.#answer.length > MAX_ANSWER_BYTES) return this.#settle(`${this.#name} answered CONNECT with too much`);
    }
  };

  #decide(head: string, left: number): void {
    const status = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?/.exec(head);
    if (!status) return this.#settle(`${this.#name} answered CONNECT with what is not HTTP`);
    const code = Number(status[1]);
    if (code >= 100 && code < 200 && code !== 101) {
      // Not the answer yet.
      const rest = this.#answer.subarray(this.#answer.length - left);
      this.#answer = Buffer.alloc(0);
      if (rest.length > 0) this.#socket.unshift(rest);
      return this.#read();
    }
    if (code < 200 || code > 299) {
      const text = status[2] ? ` ${status[2]}` : '';
      return this.#settle(`${this.#name} refused CONNECT with status ${code}${text}`);
    }
    // The client speaks first in TLS: whatever came already is not the target's.
    if (left > 0) return this.#settle(`${this.#name} sent more than its answer to CONNECT`);
    this.#settle(undefined);
  }

  readonly #failed = (error: Error): void => {
    this.#error = error;
    this.#settle(`${this.#name} broke the connection: ${error.message}`, error);
  };

  readonly #closed = (): void =>
    this.#settle(`${this.#name} closed the connection before it answered CONNECT`, this.#error);

  #settle(message: string | undefined, cause?: unknown): void {
    this.abort();
    this.#done(message, cause);
  }
}

/** The value of Proxy-Authorization for a proxy's URL with user information; undefined without. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === '' && proxy.password === '') return undefined;
  const credentials = `${decoded(proxy.username)}:${decoded(proxy.password)}`;
  return `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
