import { abortable, isCancelled, resource, withScope, type Resource, type Scope } from 'corral';
import { encodeBody } from '../body/request-body.ts';
import { DeadlineWheel } from '../deadlines.ts';
import { SessionClosedError, type RequestFacts } from '../errors.ts';
import { isToken } from '../headers/validate.ts';
import { readOptions, shown } from '../internal/checks.ts';
import { ambientScope } from '../internal/ambient-scope.ts';
import { Gate, type GateSnapshot } from '../gate.ts';
import { platform } from '../platform/platform.ts';
import { Journey } from '../request/journey.ts';
import type { Plan } from '../request/plan.ts';
import { Prepared } from '../request/prepared.ts';
import { RequestHandle, type RequestWork } from '../request/request-handle.ts';
import { defaultHeaders, requestHeaders } from '../request/request-headers.ts';
import { RetryTokens } from '../retry/retry-budget.ts';
import type { Timeouts } from '../timeouts.ts';
import { Tracer } from '../trace.ts';
import type { TransportSnapshot } from '../wire/transport.ts';
import { SessionCore } from './core.ts';
import {
  readRequestOptions,
  readSessionOptions,
  resolveOptions,
  resolveRedirect,
  retryOf,
  timeoutsOf,
  type RequestOptions,
  type SessionOptions,
} from './options.ts';
import { proxyChooser } from './proxy.ts';
import { requestUrl } from './request-url.ts';
import { checkSupported, openTransport } from './transport-options.ts';

/** A frozen picture of a session. */
export interface SessionSnapshot extends GateSnapshot {
  readonly name: string;
  readonly closed: boolean;
  readonly connections: TransportSnapshot;
}

/**
 * A client's side of HTTP: connections, limits, cookies and defaults that many requests share.
 *
 * Guarantees: no more requests are in flight than its limits allow, whoever sends them, in a fair order between hosts; a
 * request belongs to the scope that makes it, and is given up at once with it; what fails is sent again only where that is
 * safe; no limit is passed on any way, be it a redirect, a retry or a stream. The session itself belongs to the scope in
 * which it is made: it ends no later than that. Make one for a program, or one for each service that it talks to.
 *
 * @example One session, many requests
 * ```ts
 * import { gather } from 'corral';
 * import { ClientSession } from '@corral/http';
 *
 * await using session = new ClientSession({ timeout: { totalMs: 10_000 } });
 * const urls = ['https://example.org/a', 'https://example.org/b'];
 * const pages = await gather(urls.map((url) => () => session.get(url).text()));
 * console.log(pages.map((page) => page.length));
 * ```
 */
export class ClientSession implements AsyncDisposable {
  readonly #core: SessionCore;
  #closing: Promise<void> | undefined;
  #leave: (() => void) | undefined;

  /** @throws {TypeError} when an option is unknown, is not what it must be, or cannot be had on this platform. */
  constructor(options?: SessionOptions) {
    const given = readSessionOptions(options);
    const resolved = resolveOptions(given);
    const { decoding, channel } = platform();
    const transport = openTransport(given);
    this.#core = new SessionCore({
      name: resolved.name,
      gate: new Gate(resolved.gate),
      wheel: new DeadlineWheel(),
      transport,
      decoding,
      options: resolved,
      headers: defaultHeaders(given.headers, resolved.decompress ? decoding?.accepted : undefined),
      tracer: new Tracer({ listeners: given.listener ? [given.listener] : [], channel, onFault: listenerFailed }),
      budget: new RetryTokens(resolved.retry.budget),
      proxyFor: proxyChooser(given.proxy),
    });
    this.#live(given.scope);
  }

  get name(): string {
    return this.#core.name;
  }

  /** Whether it takes no requests any more. */
  get closed(): boolean {
    return this.#core.closing;
  }

  get(url: string | URL, options?: RequestOptions): RequestHandle {
    return this.request('GET', url, options);
  }

  head(url: string | URL, options?: RequestOptions): RequestHandle {
    return this.request('HEAD', url, options);
  }

  post(url: string | URL, options?: RequestOptions): RequestHandle {
    return this.request('POST', url, options);
  }

  put(url: string | URL, options?: RequestOptions): RequestHandle {
    return this.request('PUT', url, options);
  }

  patch(url: string | URL, options?: RequestOptions): RequestHandle {
    return this.request('PATCH', url, options);
  }

  delete(url: string | URL, options?: RequestOptions): RequestHandle {
    return this.request('DELETE', url, options);
  }

  options(url: string | URL, options?: RequestOptions): RequestHandle {
    return this.request('OPTIONS', url, options);
  }

  /**
   * Sends a request. What is wrong with it rejects, before anything is sent.
   *
   * Cancellable: see {@link RequestHandle}.
   */
  request(method: string, url: string | URL, options?: RequestOptions): RequestHandle {
    return new RequestHandle(() => this.#prepare(method, url, options));
  }

  snapshot(): SessionSnapshot {
    const { name, closing, gate, transport } = this.#core;
    return Object.freeze({ name, closed: closing, ...gate.snapshot(), connections: transport.snapshot() });
  }

  /**
   * Ends the session: nothing new is sent, requests that wait for their turn fail, those under way have `graceMs` to
   * end, then they fail too, and all connections are closed. Idempotent; whoever calls again waits as well.
   *
   * Cancellable: no; in a cancelled scope there is no grace, or no more of it.
   *
   * @throws {RangeError} when `graceMs` is not a number from 0 on, {@link TypeError} when there is another option; the
   * session is not closed then.
   */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void> {
    try {
      const { graceMs = this.#core.options.graceMs } = readOptions(options, ['graceMs'], 'close');
      if (typeof graceMs !== 'number' || !(graceMs >= 0)) {
        const wanted = '{ graceMs } takes milliseconds from 0 on, or Infinity';
        throw new RangeError(`Cannot close as ${wanted}: current value is ${shown(graceMs)}`);
      }
      this.#closing ??= this.#close(graceMs);
      return this.#closing;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(graceMs: number): Promise<void> {
    const core = this.#core;
    core.closing = true;
    // What was begun just before is under way, although it is sent in the next microtask only.
    if (graceMs > 0) for (let turn = 0; turn < JUST_BEGUN; turn++) await nextTurn;
    core.shut();
    for (const exchange of core.exchanges.all()) if (exchange.queued) exchange.fail(closedError);
    if (graceMs > 0) await this.#untilIdle(graceMs);
    await this.#destroy();
    this.#leave?.();
  }

  /** Whoever is cancelled is in no mood to wait. */
  async #untilIdle(graceMs: number): Promise<void> {
    const scope = ambientScope();
    if (scope?.cancelled) return;
    const idle = this.#core.untilIdle(graceMs);
    try {
      await (scope ? abortable(idle, { scope, abandon: true }) : idle);
    } catch (error) {
      if (!isCancelled(error)) throw error;
    }
  }

  async #destroy(): Promise<void> {
    const core = this.#core;
    core.shut();
    core.destroyed = true;
    for (const exchange of core.exchanges.all()) exchange.fail(closedError);
    await core.transport.destroy();
  }

  /** It ends with the scope that it was made in. */
  #live(given: Scope | undefined): void {
    const scope = given ?? ambientScope();
    if (!scope) return;
    const left = new Promise<void>((resolve) => (this.#leave = resolve));
    const life = withScope(
      async (own) => {
        try {
          await abortable(left, { scope: own, abandon: true });
        } finally {
          await this.#destroy();
        }
      },
      { scope, name: this.name },
    );
    life.catch((error: unknown) => {
      // The scope had ended before: so has the session.
      if (!isCancelled(error)) void this.#destroy();
    });
  }

  // Requests ---------------------------------------------------------------------------------------------------------

  #prepare(method: string, input: string | URL, given: RequestOptions | undefined): RequestWork {
    const core = this.#core;
    const call = `${CALLS[method] ?? 'request'}()`;
    const options = readRequestOptions(given, call);
    checkSupported(options, core.transport.capabilities, call);
    const url = requestUrl(input, core.options.baseUrl, options.query, call);
    const plan = this.#plan(method, url, options, call);
    const timeouts = timeoutsOf(options.timeout, core.options.timeouts);
    if (core.closing) throw this.#refusal(plan, timeouts);
    return new Prepared(core, plan, timeouts, options);
  }

  #refusal({ method, url, body }: Plan, timeouts: Timeouts): SessionClosedError {
    if (body?.replayable === false) void body.discard();
    const facts = new Journey(method, url, timeouts, undefined).facts('acquire', false, false);
    return new SessionClosedError('the session is closed', facts);
  }

  #plan(method: string, url: URL, options: Partial<RequestOptions>, call: string): Plan {
    const { options: session, headers: defaults } = this.#core;
    const body = encodeBody(options);
    return {
      method: checkMethod(method),
      url,
      headers: requestHeaders(defaults, options, url, body, call),
      body,
      retry: options.retry === undefined ? session.retry : retryOf(options.retry),
      redirect:
        options.redirect === undefined ? session.redirect : resolveRedirect(options.redirect, session.redirect, call),
      raiseForStatus: options.raiseForStatus ?? session.raiseForStatus,
      maxBytes: options.maxBytes ?? session.maxBytes,
      decompress: options.decompress ?? session.decompress,
      use: options.use ?? session.use,
    };
  }
}

const CALLS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'head',
  POST: 'post',
  PUT: 'put',
  PATCH: 'patch',
  DELETE: 'delete',
  OPTIONS: 'options',
};

function checkMethod(method: string): string {
  if (Object.hasOwn(CALLS, method)) return method;
  if (typeof method === 'string' && isToken(method) && method.toUpperCase() !== 'CONNECT') return method.toUpperCase();
  throw new TypeError(`Cannot request as the method is a token other than CONNECT: current value is ${shown(method)}`);
}

/** A faulty listener is no reason for requests to fail, and no secret either. */
function listenerFailed(error: unknown): void {
  console.error('A listener of a ClientSession failed, and is not called any more:', error);
}

/** So many microtasks after it was made a request is in the gate, if it has not to wait for middleware. */
const JUST_BEGUN = 4;
const nextTurn = Promise.resolve();

function closedError(facts: RequestFacts): SessionClosedError {
  return new SessionClosedError('the session was closed', facts);
}

/**
 * A session as a resource: `use(session(options), async (session) => …)`.
 *
 * Guarantees: it is closed when the body has ended, whichever way.
 *
 * @example Open as long as it is used
 * ```ts
 * import { use } from 'corral';
 * import { session } from '@corral/http';
 *
 * const page = await use(session(), (client) => client.get('https://example.org/').text());
 * console.log(page.length);
 * ```
 */
export const session: (options?: SessionOptions) => Resource<ClientSession, never> = resource(
  async function* session(options?: SessionOptions) {
    const client = new ClientSession(options);
    try {
      yield client;
    } finally {
      await client.close();
    }
  },
  { suppresses: false },
);
