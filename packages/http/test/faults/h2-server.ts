/**
 * The faults that HTTP/2 alone has. HTTP/2 only; without `tls`, h2c.
 *
 *     await using server = await startH2FaultServer({ tls: certificates.good });
 *     const url = server.url('refused-stream', { times: 1 });
 */
import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';

const { NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_ENHANCE_YOUR_CALM } = constants;
const OF = 1_000;

export interface H2Params {
  /** So often in all; after that the answer is 200 `ok`. Default: always. */
  readonly times?: number;
  /** How much of a body of 1000 bytes comes before. Default 100. */
  readonly bytes?: number;
}

interface H2Exchange {
  readonly stream: ServerHttp2Stream;
  readonly session: Http2Session;
  readonly bytes: number;
  /** Sends RST on the TCP connection. */
  reset(): void;
}

const faults = {
  /** 200 `ok`. */
  text: ({ stream }) => respond(stream),
  /** Never answers. */
  'no-answer': () => {},
  /** RST_STREAM with REFUSED_STREAM: nothing was done, the request may be sent again. */
  'refused-stream': ({ stream }) => stream.close(NGHTTP2_REFUSED_STREAM),
  /** RST_STREAM with INTERNAL_ERROR instead of an answer. */
  'reset-stream': ({ stream }) => stream.close(NGHTTP2_INTERNAL_ERROR),
  /** The same in the middle of the body. */
  'reset-in-body': ({ stream, bytes }) => {
    begin(stream, bytes);
    // What is not sent yet would be lost. `close()` would send END_STREAM first, `destroy()` does not.
    setTimeout(() => stream.destroy(new Error('INTERNAL_ERROR')), 20);
  },
  /** Part of the body, then silence. */
  'stall-body': ({ stream, bytes }) => begin(stream, bytes),
  /** Part of the body, then END_STREAM: less than Content-Length says. */
  'short-body': ({ stream, bytes }) => {
    begin(stream, bytes);
    stream.end();
  },
  /** GOAWAY that excludes this request, which may be sent again; it is never answered here, and the connection ends. */
  'goaway-before': ({ session }) => {
    session.goaway(NGHTTP2_NO_ERROR, 0);
    setTimeout(() => session.destroy(), 20);
  },
  /** 200 `ok`, and a GOAWAY that asks for a new connection for whatever comes next. */
  'goaway-after': ({ stream, session }) => {
    respond(stream);
    session.close();
  },
  /** GOAWAY with ENHANCE_YOUR_CALM in the middle of the body, and the connection ends. */
  'goaway-error': ({ stream, session, bytes }) => {
    begin(stream, bytes);
    setTimeout(() => session.destroy(undefined, NGHTTP2_ENHANCE_YOUR_CALM), 20);
  },
  /** RST on the TCP connection in the middle of the body. */
  'reset-connection': ({ stream, bytes, reset }) => {
    begin(stream, bytes);
    setTimeout(reset, 20);
  },
} satisfies Readonly<Record<string, (exchange: H2Exchange) => void>>;

export type H2FaultName = keyof typeof faults;

export interface H2FaultServerOptions {
  /** Default: none (h2c). */
  readonly tls?: SecureContextOptions;
  /** Default 100. */
  readonly maxConcurrentStreams?: number;
}

export interface H2FaultServer extends AsyncDisposable {
  /** `https://localhost:PORT`, or `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** TCP connections `open` now and `total` ever. */
  readonly connections: { readonly open: number; readonly total: number };
  /** The paths asked for, in order. */
  readonly requests: readonly string[];
  url(name: H2FaultName, params?: H2Params): string;
  /** Stops listening and cuts all connections. */
  close(): Promise<void>;
}

/** Starts an HTTP/2 server on a free port of 127.0.0.1. */
export async function startH2FaultServer(options: H2FaultServerOptions = {}): Promise<H2FaultServer> {
  const { tls, maxConcurrentStreams = 100 } = options;
  const settings = { settings: { maxConcurrentStreams } };
  const server = tls ? createSecureServer({ ...settings, ...tls }) : createServer(settings);
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let total = 0;
  server.on('connection', (socket: Socket) => {
    total++;
    sockets.add(socket.on('error', () => {}));
    socket.once('close', () => sockets.delete(socket));
  });
  const reset = (port: number | undefined) => {
    for (const socket of sockets) if (socket.remotePort === port) socket.resetAndDestroy();
  };
  answer(server, requests, reset);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    origin,
    requests,
    get connections() {
      return { open: sockets.size, total };
    },
    url: (name, params = {}) => `${origin}/${name}?${new URLSearchParams(Object.entries(params)).toString()}`,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function answer(server: Http2Server | Http2SecureServer, requests: string[], reset: (port?: number) => void): void {
  const counts = new Map<string, number>();
  server.on('session', (session: Http2Session) => session.on('error', () => {}));
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const path = String(headers[':path']);
    requests.push(path);
    stream.on('error', () => {}).resume();
    const { pathname, searchParams } = new URL(path, 'http://localhost');
    const name = pathname.slice(1);
    const session = stream.session;
    if (!Object.hasOwn(faults, name) || !session) return stream.respond({ ':status': 404 }, { endStream: true });
    const turn = (counts.get(path) ?? 0) + 1;
    counts.set(path, turn);
    if (turn > Number(searchParams.get('times') ?? Infinity)) return respond(stream);
    const bytes = Number(searchParams.get('bytes') ?? 100);
    // The session's socket is a stand-in, with the same port.
    const { remotePort } = session.socket;
    faults[name as H2FaultName]({ stream, session, bytes, reset: () => reset(remotePort) });
  });
}

function respond(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-length': 2 });
  stream.end('ok');
}

function begin(stream: ServerHttp2Stream, bytes: number): void {
  stream.respond({ ':status': 200, 'content-length': OF });
  stream.write('.'.repeat(bytes));
}
