/** One request as it is sent to one server: the first, or what a redirect has made of it. */

import type { EncodedBody } from '../body/request-body.ts';
import type { WireRequest } from '../wire/transport.ts';
import { inThisContext } from './context-body.ts';
import type { HeaderList } from './header-list.ts';

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']);

export class Hop {
  readonly method: string;
  readonly url: URL;
  /** What the gate counts by: host and port. */
  readonly host: string;
  readonly headers: HeaderList;
  readonly body: EncodedBody | undefined;
  readonly proxy: URL | undefined;

  constructor(method: string, url: URL, headers: HeaderList, body: EncodedBody | undefined, proxy: URL | undefined) {
    this.method = method;
    this.url = url;
    this.host = url.host;
    this.headers = headers;
    this.body = body;
    this.proxy = proxy;
  }

  /** Whether the server may get it twice. */
  get idempotent(): boolean {
    return IDEMPOTENT.has(this.method) || this.headers.has('idempotency-key');
  }

  /** Whether it can be sent again. */
  get replayable(): boolean {
    return this.body?.replayable ?? true;
  }

  /** With a body that streams opened for this try. */
  toWire(): WireRequest {
    const { method, url, body, proxy } = this;
    const opened = body ? body.open() : null;
    return {
      method,
      url,
      headers: this.headers.flat,
      body: opened === null || opened instanceof Uint8Array ? opened : inThisContext(opened),
      bodyLength: body?.length,
      proxy,
    };
  }
}
