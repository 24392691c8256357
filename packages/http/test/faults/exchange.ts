import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Connection } from './connection.ts';
import type { RecordedRequest } from './recorded-request.ts';
import type { FaultServer } from './server.ts';

export type Headers = Readonly<Record<string, string | number | readonly string[]>>;

/** A request and the socket to answer on: what a fault plays with. */
export class Exchange {
  readonly server: FaultServer;
  readonly request: RecordedRequest;
  /** What bytes are written to: the TLS socket, if there is TLS. */
  readonly socket: Socket;
  /** Resolves when the socket is closed. A fault that never answers returns it. */
  readonly gone: Promise<void>;
  readonly #connection: Connection;
  readonly #bodyEnd: Promise<void>;
  #hasContinued = false;

  /** @internal */
  constructor(server: FaultServer, request: RecordedRequest, connection: Connection, bodyEnd: Promise<void>) {
    this.server = server;
    this.request = request;
    this.socket = connection.socket;
    this.gone = connection.gone;
    this.#connection = connection;
    this.#bodyEnd = bodyEnd;
  }

  /** Whether bytes can still be written. */
  get isOpen(): boolean {
    return this.socket.writable;
  }

  /** Writes bytes as they are (text as Latin-1) and waits while the client does not take them. */
  async write(data: string | Uint8Array): Promise<void> {
    if (!this.isOpen) return;
    const isTaken = typeof data === 'string' ? this.socket.write(data, 'latin1') : this.socket.write(data);
    if (isTaken) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.socket.off('drain', done).off('close', done);
        resolve();
      };
      this.socket.on('drain', done).on('close', done);
    });
  }

  /** Writes a status line and headers. */
  async head(status: number, headers: Headers = {}): Promise<void> {
    await this.write(headOf(status, headers));
  }

  /** Writes a complete answer with a Content-Length; text is UTF-8. */
  async respond(status: number, body: string | Uint8Array = '', headers: Headers = {}): Promise<void> {
    const bytes = Buffer.from(body as Uint8Array);
    const head = Buffer.from(headOf(status, { ...headers, 'Content-Length': bytes.length }), 'latin1');
    // One write: a client may not see the head without the body.
    await this.write(this.request.method === 'HEAD' ? head : Buffer.concat([head, bytes]));
  }

  async json(value: unknown, status = 200, headers: Headers = {}): Promise<void> {
    await this.respond(status, JSON.stringify(value), { 'Content-Type': 'application/json', ...headers });
  }

  /** Writes a chunk of a chunked body; without data, the last one. */
  async chunk(data: string | Uint8Array = ''): Promise<void> {
    const bytes = Buffer.from(data as Uint8Array);
    if (bytes.length === 0) return await this.write('0\r\n\r\n');
    const size = Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1');
    await this.write(Buffer.concat([size, bytes, Buffer.from('\r\n')]));
  }

  /** Waits in real time, but no longer than the client stays. */
  async sleep(ms: number): Promise<void> {
    if (!this.isOpen) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.socket.off('close', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.socket.on('close', done);
    });
  }

  /** Waits until `look` is true, or the client goes; it is asked after everything that happens at this server. */
  async until(look: () => boolean): Promise<void> {
    await this.server.waitFor(() => look() || !this.isOpen, Infinity);
  }

  /** The body of the request when all of it has come, or what came before the client went. Sends the 100 asked for. */
  async body(): Promise<Buffer> {
    if (!this.#hasContinued && /^100-continue$/i.test(this.request.headers['expect'] ?? '')) {
      this.#hasContinued = true;
      await this.head(100);
    }
    await this.#bodyEnd;
    return this.request.body;
  }

  /** Sends FIN after what was written. */
  end(): void {
    this.#connection.hangUp('fin');
  }

  /** Sends RST. What was written and not yet sent is lost. */
  reset(): void {
    this.#connection.hangUp('rst');
  }
}

function headOf(status: number, headers: Headers): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? (value as readonly string[]) : [value]).map((one) => `${name}: ${one}\r\n`),
  );
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`;
}
