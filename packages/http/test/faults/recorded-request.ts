import { createHash, type Hash } from 'node:crypto';

/** How much of each body is kept; all of it is counted and hashed. */
const KEPT_BYTES = 1_048_576;

/** What arrived. Everything about the body grows while it comes in. */
export class RecordedRequest {
  /** From 1, in the order of arrival at this server. */
  readonly number: number;
  /** The number of the connection it came on, from 1. */
  readonly connection: number;
  /** Which request of its connection this is, from 1. */
  readonly turn: number;
  /** When its head was complete, by `performance.now()`. */
  readonly at = performance.now();
  readonly method: string;
  /** The request target as sent. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The name of the fault, if the path has one. */
  readonly fault: string | undefined;
  /** `HTTP/1.1` */
  readonly version: string;
  /** Names and values as sent, in the order sent. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  /** By lower-case name; several of one name are joined with `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** How many bytes of the body have come, without the framing. */
  bodyBytes = 0;
  /** All of the body has come. */
  bodyComplete = false;
  /** The answer was written completely, or the fault had its way, before the client went. */
  answered = false;
  /** The client went before that, or the server was closed. */
  abandoned = false;
  readonly #chunks: Buffer[] = [];
  #hash: Hash | undefined;
  #sha256: string | undefined;

  constructor(head: string, number: number, connection: number, turn: number) {
    const [line = '', ...lines] = head.split(/\r?\n/);
    const [method = '', target = '', version = ''] = line.split(' ');
    [this.method, this.target, this.version] = [method, target, version];
    [this.number, this.connection, this.turn] = [number, connection, turn];
    // A proxy is sent the whole URL.
    const [path = '', query = ''] = target.replace(/^[a-z]+:\/\/[^/?]*/i, '').split('?', 2);
    this.path = path || '/';
    this.fault = /^\/fault\/([^/]+)/.exec(this.path)?.[1];
    this.query = new URLSearchParams(query);
    this.rawHeaders = lines.map((text) => {
      const colon = text.indexOf(':');
      return [text.slice(0, colon), text.slice(colon + 1).trim()] as const;
    });
    const headers: Record<string, string | undefined> = Object.create(null) as Record<string, string>;
    for (const [name, value] of this.rawHeaders) {
      const key = name.toLowerCase();
      headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
    }
    this.headers = headers;
  }

  /** The first mebibyte of the body. */
  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Of the whole body, in hexadecimal. Ask when it is complete. */
  get bodySha256(): string {
    return (this.#sha256 ??= (this.#hash ?? createHash('sha256')).digest('hex'));
  }

  /** @internal */
  take(chunk: Buffer): void {
    const room = KEPT_BYTES - this.bodyBytes;
    if (room > 0) this.#chunks.push(chunk.subarray(0, room));
    (this.#hash ??= createHash('sha256')).update(chunk);
    this.bodyBytes += chunk.length;
  }
}
