/** Many requests at once, of which nothing is sure but that nothing of them is left at the end. */

import { isCancelled, run, sleep, taskGroup, timeout, TimeoutError, withScope, type Scope } from 'corral';
import { seededRandom } from 'corral/testing';

import '../../src/index.ts';
import { CookieJar } from '../../src/cookies/cookie-jar.ts';
import { HttpError } from '../../src/errors.ts';
import { exponential } from '../../src/retry/retry-policy.ts';
import { ClientSession } from '../../src/session/client-session.ts';
import type { RequestOptions, SessionOptions } from '../../src/session/options.ts';
import { refusedPort, silentServer } from '../faults/dead-ends.ts';
import { startFaultServer } from '../faults/server.ts';
import { until } from './fixture.ts';

export interface StormOptions {
  readonly seed: number;
  readonly requests: number;
  /** All of them are begun within so many milliseconds. */
  readonly withinMs: number;
}

const PATHS = [
  ...Array.from({ length: 8 }, () => '/fault/text'),
  '/fault/bytes?bytes=300000',
  '/fault/lines?n=50&split=7',
  '/fault/encoded?bytes=200000',
  '/fault/cut-encoding',
  '/fault/no-answer',
  '/fault/stall-head',
  '/fault/stall-body',
  '/fault/endless-body',
  '/fault/drip-body?gap=5&bytes=40',
  '/fault/slow-start?ms=40',
  '/fault/cut-length',
  '/fault/cut-chunked',
  '/fault/glued-answer',
  '/fault/long-length',
  '/fault/reset-before',
  '/fault/reset-in-body',
  '/fault/fin-before',
  '/fault/fin-in-head',
  '/fault/close-after',
  '/fault/close-after?reset=true',
  '/fault/close-on-reuse',
  '/fault/says-close',
  '/fault/body-on-204',
  '/fault/early-hints',
  '/fault/endless-1xx?gap=1',
  '/fault/status?status=503',
  '/fault/status?status=429&retryAfter=0',
  '/fault/status?status=503&retryAfter=1',
  '/fault/flaky?fails=3',
  '/fault/flaky?fails=5&how=reset',
  '/fault/busy?limit=2&ms=10',
  '/fault/redirect?to=/fault/text',
  '/fault/redirect-chain?n=4&to=/fault/bytes',
  '/fault/redirect-loop',
  '/fault/redirect-cookie',
  '/fault/redirect-endless-body?to=/fault/text',
  '/fault/redirect?to=file:///etc/passwd',
  '/fault/header-nul',
  '/fault/many-headers',
  '/fault/unsolicited-101',
  '/fault/ssh-banner',
];

const UPLOADS = [
  '/fault/upload',
  '/fault/upload-refused',
  '/fault/close-in-upload',
  '/fault/redirect?status=307&to=/fault/upload',
];

/** A number from 0 up to `most`, not included. */
type Pick = (most: number) => number;

/** What went wrong: nothing, it is to be hoped. */
export async function storm({ seed, requests, withinMs }: StormOptions): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const pick: Pick = (most) => Math.floor(random() * most);
  const faults: string[] = [];
  const rejected = (error: unknown): void => void faults.push(`unhandled: ${describe(error)}`);
  const reported = (error: unknown, where: string): void => void faults.push(`reported: ${where}: ${describe(error)}`);
  process.on('unhandledRejection', rejected);
  try {
    await run(() => play({ pick, requests, withinMs, faults }), { onError: reported });
    await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    process.off('unhandledRejection', rejected);
  }
  return faults;
}

interface Play {
  readonly pick: Pick;
  readonly requests: number;
  readonly withinMs: number;
  readonly faults: string[];
}

async function play({ pick, requests, withinMs, faults }: Play): Promise<void> {
  await using server = await startFaultServer();
  await using silent = await silentServer();
  const session = new ClientSession(optionsOf(pick, server.origin));
  const hosts = [
    ...Array.from({ length: 12 }, () => ''),
    server.origin.replace('127.0.0.1', '127.1'),
    `http://127.0.0.1:${await refusedPort()}`,
    `https://127.0.0.1:${silent.port}`,
    'http://slow.test',
    'http://never.test',
  ];
  const closesEarly = pick(3) === 0;
  const closeMs = closesEarly ? pick(withinMs) : undefined;
  await taskGroup(async (tasks) => {
    for (let n = 0; n < requests; n++) {
      const beginMs = pick(withinMs);
      const request = requestOf(pick, session, hosts);
      tasks.spawn(async () => {
        await sleep(beginMs);
        const error = await request();
        if (error !== undefined && !isExpected(error)) faults.push(`unexpected: ${describe(error)}`);
      });
    }
    if (closeMs !== undefined) tasks.spawn(() => sleep(closeMs).then(() => session.close({ graceMs: 30 })));
  });
  const look = (): string => {
    const { inFlight, waiting, hosts: known, connections } = session.snapshot();
    const busy = known.filter((host) => host.inFlight + host.waiting > 0);
    return inFlight + waiting + busy.length + connections.connecting === 0 ? '' : JSON.stringify(session.snapshot());
  };
  // What is left of a body is read for a moment.
  await until(() => look() === '', 2_000).catch(() => faults.push(`the gate is not empty: ${look()}`));
  await session.close({ graceMs: 0 });
  const { open } = session.snapshot().connections;
  if (open > 0) faults.push(`${open} connections are open after close`);
  await server.idle(2_000).catch((error: unknown) => faults.push(String(error)));
  await until(() => silent.connections === 0, 2_000).catch(() => faults.push('TLS connections are open after close'));
}

function optionsOf(pick: Pick, baseUrl: string): SessionOptions {
  return {
    baseUrl,
    limits: { total: 1 + pick(20), perHost: 1 + pick(10), queue: pick(4) === 0 ? 1 + pick(20) : 10_000 },
    ...(pick(4) === 0 && { rate: { perHost: { limit: 200, perMs: 1_000, burst: 20 } } }),
    timeout: {
      acquireMs: 200 + pick(1_000),
      connectMs: 50 + pick(150),
      headersMs: 50 + pick(150),
      readMs: 50 + pick(150),
      totalMs: 200 + pick(800),
      ...(pick(3) === 0 && { minSpeed: { bytes: 1_000, overMs: 100 } }),
    },
    retry: exponential({ attempts: 1 + pick(4), baseMs: pick(20), capMs: 50, maxRetryAfterMs: 200 }),
    ...(pick(2) === 0 && { cookies: new CookieJar({ allowIpHosts: true }) }),
    keepAliveMs: 1 + pick(200),
    maxBytes: 1_000_000,
    lookup: (hostname) =>
      hostname === 'never.test'
        ? new Promise(() => {})
        : new Promise((resolve) => setTimeout(resolve, 20, [{ address: '127.0.0.1', family: 4 }])),
  };
}

/** A request, and how it is used and ended; gives what it failed with. */
function requestOf(pick: Pick, session: ClientSession, hosts: readonly string[]): () => Promise<unknown> {
  const upload = pick(6) === 0;
  const list = upload ? UPLOADS : PATHS;
  const url = `${hosts[pick(hosts.length)]}${list[pick(list.length)]}`;
  const consume = CONSUMERS[pick(CONSUMERS.length)] as Consumer;
  const body = upload ? bodyOf(pick) : undefined;
  const afterMs = pick(150);
  const ending = pick(6);
  const act = (options: RequestOptions): Promise<unknown> =>
    upload
      ? consume(session, 'POST', url, { ...options, body: body as string })
      : consume(session, 'GET', url, options);
  const ended = async (): Promise<unknown> => {
    if (ending === 0) return await timeout(afterMs, () => act({}));
    if (ending === 1) return await cancelled(afterMs, (scope) => act({ scope }));
    if (ending === 2) return await aborted(afterMs, act);
    return await act(ending === 3 ? { retry: false } : {});
  };
  // A request that fails, and that nobody awaits, fails the scope that it is in.
  return () =>
    withScope(ended).then(
      () => undefined,
      (error: unknown) => error,
    );
}

function bodyOf(pick: Pick): unknown {
  const size = 1 + pick(300_000);
  const stream = async function* (): AsyncGenerator<Uint8Array> {
    for (let left = size; left > 0; left -= 50_000) {
      await sleep(1);
      yield new Uint8Array(Math.min(left, 50_000));
    }
  };
  return [() => new Uint8Array(size), () => stream, () => stream()][pick(3)]?.();
}

async function cancelled(ms: number, act: (scope: Scope) => Promise<unknown>): Promise<void> {
  await withScope(async (scope) => {
    const timer = setTimeout(() => scope.cancel('enough'), ms);
    try {
      await act(scope);
    } finally {
      clearTimeout(timer);
    }
  });
}

const FOREIGN = new Error('foreign');

async function aborted(ms: number, act: (options: RequestOptions) => Promise<unknown>): Promise<void> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(FOREIGN), ms);
  try {
    await act({ signal: controller.signal });
  } finally {
    clearTimeout(timer);
  }
}

type Consumer = (session: ClientSession, method: string, url: string, options: RequestOptions) => Promise<unknown>;

const CONSUMERS: readonly Consumer[] = [
  (session, ...request) => session.request(...request).bytes(),
  (session, ...request) => session.request(...request).text(),
  (session, method, url, options) => session.request(method, url, { ...options, raiseForStatus: true }).bytes(),
  async (session, ...request) => {
    for await (const _chunk of session.request(...request).stream());
  },
  async (session, ...request) => {
    for await (const _chunk of session.request(...request).stream()) break;
  },
  async (session, ...request) => {
    for await (const _line of session.request(...request).lines()) await sleep(1);
  },
  // Unread.
  async (session, ...request) => {
    await session.request(...request);
  },
  async (session, ...request) => {
    await using response = await session.request(...request);
    await sleep(response.status % 7);
  },
  // Half read.
  async (session, ...request) => {
    await using response = await session.request(...request);
    await response.body.read(10);
    await sleep(20);
  },
  async (session, ...request) => {
    const response = await session.request(...request);
    await response.body.readExactly(1_000);
  },
  // Never awaited.
  async (session, ...request) => {
    void session.request(...request);
    await sleep(10);
  },
];

function isExpected(error: unknown): boolean {
  if (error instanceof HttpError || isCancelled(error) || error instanceof TimeoutError || error === FOREIGN)
    return true;
  // A scope may fail in several ways at once.
  if (error instanceof AggregateError) return error.errors.every((each) => isExpected(each));
  return error instanceof TypeError && /not awaited/.test(error.message);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}
