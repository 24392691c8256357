/** Every phase in which a request can hang: how it gets there, how one knows that it is there, and what is to be gone afterwards. */

import { constants, deflateRawSync } from 'node:zlib';
import { moveOnAfter } from 'corral';

import { exponential } from '../../src/retry/retry-policy.ts';
import { ClientSession } from '../../src/session/client-session.ts';
import type { RequestOptions, SessionOptions } from '../../src/session/options.ts';
import { blackHole, silentServer } from '../faults/dead-ends.ts';
import type { Exchange } from '../faults/exchange.ts';
import { startFaultServer, type FaultServer } from '../faults/server.ts';
import { until } from './fixture.ts';

/** A request that hangs, when `act` is called, in some phase. */
export interface Stage {
  readonly session: ClientSession;
  act(options: RequestOptions): Promise<unknown>;
  /** Settles when it hangs there. */
  reached(): Promise<unknown>;
  /** Settles when the other side sees nothing of it any more. */
  gone(): Promise<unknown>;
  close(): Promise<void>;
}

export type Phase = () => Promise<Stage | { readonly missing: string }>;

interface Play {
  readonly options?: SessionOptions;
  readonly path?: string;
  before?(session: ClientSession, server: FaultServer): Promise<unknown>;
  act?(session: ClientSession, url: string, options: RequestOptions): Promise<unknown>;
  reached?(session: ClientSession, server: FaultServer): Promise<unknown>;
  /** How many connections stay open: those of the requests that are in front. */
  readonly staying?: number;
  /** The server does not hear of what the client does. */
  readonly deaf?: boolean;
}

const settled = (work: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(work).then(undefined, () => undefined);
const waits = (session: ClientSession): Promise<void> => until(() => session.snapshot().waiting === 1);
const arrived = (_session: ClientSession, server: FaultServer): Promise<unknown> =>
  server.waitFor(({ requests }) => requests.length > 0);
/** What was sent has come back, and nothing is under way. */
const rests = (session: ClientSession, server: FaultServer): Promise<unknown> =>
  until(() => server.requests[0]?.answered === true && session.snapshot().inFlight === 0);

/** A phase that is played with a fault server. */
function played(play: Play): Phase {
  return async () => {
    const server = await startFaultServer({ routes: { '/bomb': endlessBomb } });
    const session = new ClientSession({ retry: false, ...play.options });
    await play.before?.(session, server);
    const url = server.origin + (play.path ?? '/fault/no-answer');
    const {
      act = (on, to, options) => on.get(to, options).bytes(),
      reached = arrived,
      staying = 0,
      deaf = false,
    } = play;
    return {
      session,
      act: (options) => act(session, url, options),
      reached: () => reached(session, server),
      gone: () => {
        const ours = (): number => session.snapshot().connections.open - session.snapshot().connections.idle;
        if (deaf) return until(() => ours() === 0);
        return server.waitFor(({ connections }) => ours() <= staying && connections.open <= staying + 1);
      },
      close: async () => {
        await session.close({ graceMs: 0 });
        if (!deaf) await server.idle();
        await server.close();
      },
    };
  };
}

/** A phase before there is a connection. */
async function connecting(
  url: string,
  options: SessionOptions,
  phase: (session: ClientSession) => boolean,
  end?: AsyncDisposable & { readonly connections?: number },
): Promise<Stage> {
  const session = new ClientSession({ retry: false, ...options });
  return {
    session,
    act: (given) => session.get(url, given).bytes(),
    reached: () => until(() => session.snapshot().connections.connecting === 1 && phase(session)),
    gone: () => until(() => (end?.connections ?? 0) === 0),
    close: async () => {
      await session.close({ graceMs: 0 });
      await end?.[Symbol.asyncDispose]();
    },
  };
}

/** 4 MiB in each piece, and some time for all others behind it. */
async function endlessBomb(exchange: Exchange): Promise<void> {
  await exchange.head(200, { 'Transfer-Encoding': 'chunked', 'Content-Encoding': 'gzip' });
  const piece = Buffer.alloc(4 * 1_048_576);
  const block = deflateRawSync(piece, { level: 1, finishFlush: constants.Z_FULL_FLUSH });
  await exchange.chunk(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]));
  while (exchange.isOpen) {
    await exchange.chunk(block);
    await exchange.sleep(5);
  }
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(65_536);
}

const patient = exponential({ baseMs: 60_000, jitter: 'none' });

/** By name. */
export const phases: Readonly<Record<string, Phase>> = {
  'queued behind a full gate': played({
    options: { limits: { total: 1 }, headers: { 'x-n': '1' } },
    before: async (session, server) => {
      void settled(session.get(server.url('no-answer')));
      await server.waitFor(({ requests }) => requests.length === 1);
    },
    reached: waits,
    staying: 1,
  }),

  'held up by a rate': played({
    options: { rate: { perHost: { limit: 1, perMs: 60_000 } } },
    before: (session, server) => session.get(server.url('text')).text(),
    reached: waits,
  }),

  'held up by a host that is closed (Retry-After)': played({
    before: (session, server) => {
      const url = server.url('status', { status: 503, retryAfter: '60' });
      return moveOnAfter(100, () => session.get(url, { retry: exponential() }).text());
    },
    reached: waits,
  }),

  'asking a DNS that never answers': () =>
    connecting('http://slow.test/', { lookup: () => new Promise(() => {}) }, () => true),

  'connecting to a black hole': async () => {
    const hole = await blackHole();
    if ('missing' in hole) return hole;
    return connecting(`http://127.0.0.1:${hole.port}/`, {}, () => true, hole);
  },

  'in a TLS handshake that never ends': async () => {
    const silent = await silentServer();
    return connecting(`https://127.0.0.1:${silent.port}/`, {}, () => silent.connections === 1, silent);
  },

  'waiting for the proxy to answer CONNECT': async () => {
    const silent = await silentServer();
    const proxy = `http://127.0.0.1:${silent.port}`;
    return connecting('https://behind.test/', { proxy }, () => silent.connections === 1, silent);
  },

  'waiting for the head': played({}),

  'in the middle of the head': played({ path: '/fault/stall-head' }),

  'waiting for the rest of the body': played({ path: '/fault/stall-body' }),

  'waiting for the rest of the body, piece by piece': played({
    path: '/fault/stall-body',
    act: async (session, url, options) => {
      for await (const _chunk of session.get(url, options).stream());
    },
  }),

  'waiting for the rest of a compressed body': played({
    path: '/bomb',
    options: { maxRatio: Infinity },
    act: async (session, url, options) => {
      let n = 0;
      for await (const chunk of session.get(url, options).stream()) n += chunk.byteLength;
      return n;
    },
  }),

  'in the middle of an endless body': played({
    path: '/fault/endless-body',
    options: { maxBytes: Infinity },
    act: async (session, url, options) => {
      for await (const _chunk of session.get(url, options).stream());
    },
  }),

  'uploading to a server that takes no more': played({
    path: '/fault/upload-stall',
    deaf: true,
    act: (session, url, options) => session.post(url, { ...options, body: endless() }).bytes(),
  }),

  'uploading from a source that gives no more': played({
    path: '/fault/upload',
    act: (session, url, options) => {
      const body = (async function* () {
        yield new Uint8Array(10);
        await new Promise(() => {});
      })();
      return session.post(url, { ...options, body }).bytes();
    },
  }),

  'waiting to try again': played({
    path: '/fault/status?status=500',
    options: { retry: patient },
    reached: rests,
  }),

  'waiting to try again as the server wants it (Retry-After)': played({
    path: '/fault/status?status=503&retryAfter=60',
    options: { retry: patient },
    reached: rests,
  }),

  'in an endless chain of redirects': played({
    path: '/fault/redirect-endless?ms=10',
    options: { redirect: { max: 1_000_000 } },
    reached: (_session, server) => server.waitFor(({ requests }) => requests.length > 3),
  }),
};
