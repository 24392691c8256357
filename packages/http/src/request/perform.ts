/**
 * From a request to a response:
 *
 *     follow ──► middleware ──► tryHop ──► exchange
 *     redirects    each hop      retries    one try
 */

import { abortable, isCancelled, type Scope } from 'corral';
import type { CookieJarLike } from '../cookies/cookie-jar.ts';
import { BodyLimitError, DecodeError, HttpError, RedirectError, StatusError, type Attempt } from '../errors.ts';
import { redactUrl } from '../headers/redact.ts';
import { parseRetryAfter } from '../headers/retry-after.ts';
import { shown } from '../internal/checks.ts';
import { BodyLimitFault } from '../internal/faults.ts';
import { ClientResponse, toHeaders, type RedirectStep } from '../response/client-response.ts';
import { headerOf, headersOf, lengthOf } from '../response/head.ts';
import { ResponseBody } from '../response/response-body.ts';
import { decide, type RetryDecision } from '../retry/decide.ts';
import type { Decoding } from '../platform/platform.ts';
import type { SessionCore } from '../session/core.ts';
import type { WireHead } from '../wire/transport.ts';
import { Exchange } from './exchange.ts';
import { HeaderList, readHeaders } from './header-list.ts';
import { Hop } from './hop.ts';
import type { Journey } from './journey.ts';
import type { OutgoingRequest } from './middleware.ts';
import type { Plan } from './plan.ts';
import { waitFor } from './wait-for.ts';
import { droppedHeaders, isRedirect, methodAfter, Refused, targetOf } from './redirect.ts';

/** What performs one request of the caller. It lives as long as the response. */
export class Performance {
  readonly #core: SessionCore;
  readonly #plan: Plan;
  readonly #journey: Journey;
  readonly #scope: Scope;
  readonly #history: RedirectStep[] = [];
  /** Of all responses that came. None but the one that is given may be left to middleware, or behind an error. */
  readonly #bodies: ResponseBody[] = [];
  #over = false;

  constructor(core: SessionCore, plan: Plan, journey: Journey, scope: Scope) {
    this.#core = core;
    this.#plan = plan;
    this.#journey = journey;
    this.#scope = scope;
  }

  async perform(): Promise<ClientResponse> {
    this.#core.budget.deposit();
    this.#core.performing++;
    let given: ResponseBody | undefined;
    try {
      const { method, url, headers, body, redirect, raiseForStatus } = this.#plan;
      let hop = new Hop(method, url, headers, body, this.#core.proxyFor(url));
      for (;;) {
        let response: ClientResponse;
        if (this.#direct) {
          // What #tryHop does, written out: an async function more costs every request two promises.
          const exchange = this.#newExchange(hop);
          try {
            await this.#head(exchange, false);
          } catch (error) {
            exchange.abort();
            throw error;
          }
          const failed = failureOf(exchange);
          response = isFine(exchange, failed) ? this.#response(exchange) : await this.#tryAgain(exchange, failed);
        } else response = checkResponse(await this.#send(hop));
        const location = redirect && isRedirect(response.status) ? response.header('location') : undefined;
        if (location === undefined) {
          if (raiseForStatus && response.status >= 400) await response.raiseForStatus();
          given = response.body;
          given.deliver();
          return response;
        }
        hop = this.#next(hop, response, location);
      }
    } catch (error) {
      if (!isCancelled(error)) this.#journey.trace?.error(error);
      else {
        this.#journey.trace?.cancelled();
        for (const body of this.#bodies) body.abort();
      }
      throw error;
    } finally {
      this.#over = true;
      this.#core.performing--;
      if (this.#core.closed) this.#core.checkIdle();
      for (const body of this.#bodies.splice(0)) if (body !== given) body.release();
    }
  }

  // Redirects --------------------------------------------------------------------------------------------------------

  #next(hop: Hop, response: ClientResponse, location: string): Hop {
    const { redirect = {} } = this.#plan;
    const max = redirect.max ?? 10;
    try {
      if (this.#history.length >= max) throw this.#refused('too-many', response, `more than ${max} redirects`);
      const to = targetOf(hop.url, location, redirect);
      if (to instanceof Refused) throw this.#refused(to.reason, response, to.message);
      const { method, keepsBody } = methodAfter(response.status, hop.method);
      if (keepsBody && hop.body && !hop.body.replayable) {
        const message =
          'the redirect wants the body again, and it was a stream that is gone: give a function that opens it';
        throw this.#refused('body', response, message);
      }
      // Credentials that a server puts into a URL are not taken from it.
      to.username = '';
      to.password = '';
      this.#history.push(Object.freeze({ status: response.status, url: redactUrl(hop.url) }));
      this.#journey.movedTo(to);
      this.#journey.trace?.redirect(response.status, redactUrl(to), method);
      const dropped = droppedHeaders(hop.url, to, keepsBody, this.#core.options.secretHeaders);
      return new Hop(
        method,
        to,
        hop.headers.without(dropped),
        keepsBody ? hop.body : undefined,
        this.#core.proxyFor(to),
      );
    } finally {
      response.body.release();
    }
  }

  #refused(reason: RedirectError['reason'], response: ClientResponse, message: string): RedirectError {
    const facts = this.#journey.facts('headers', true, false, response.attempts.at(-1));
    return new RedirectError(reason, redactUrl(response.header('location') ?? ''), message, facts);
  }

  /** Whether nothing stands between a hop and its tries. */
  get #direct(): boolean {
    return this.#plan.use.length === 0 && !this.#core.options.cookies;
  }

  // Middleware -------------------------------------------------------------------------------------------------------

  #send(hop: Hop): Promise<ClientResponse> {
    const { use } = this.#plan;
    if (use.length === 0) return this.#answer(hop);
    const call = (index: number, request: OutgoingRequest): Promise<ClientResponse> => {
      const middleware = use[index];
      if (!middleware) return this.#answer(changed(hop, request.headers));
      return middleware(request, (next) => call(index + 1, checkRequest(next)));
    };
    return call(0, outgoing(hop));
  }

  #answer(hop: Hop): Promise<ClientResponse> {
    const { cookies } = this.#core.options;
    return cookies ? this.#answerWith(cookies, hop) : this.#tryHop(hop);
  }

  async #answerWith(cookies: CookieJarLike, hop: Hop): Promise<ClientResponse> {
    const found = cookies.getCookieHeader(hop.url);
    const header = typeof found === 'object' ? await waitFor(found, this.#scope) : found;
    const response = await this.#tryHop(header ? withCookies(hop, header) : hop);
    const set = response.headerValues('set-cookie');
    const kept = set.length > 0 ? cookies.setFromResponse(hop.url, set) : undefined;
    if (kept) await waitFor(kept, this.#scope);
    return response;
  }

  // Retries ----------------------------------------------------------------------------------------------------------

  async #tryHop(hop: Hop): Promise<ClientResponse> {
    const exchange = this.#newExchange(hop);
    try {
      await this.#head(exchange, false);
    } catch (error) {
      exchange.abort();
      throw error;
    }
    const failed = failureOf(exchange);
    return isFine(exchange, failed) ? this.#response(exchange) : this.#tryAgain(exchange, failed);
  }

  /** After a first try that did not go well, until one does or there is to be no other. */
  async #tryAgain(first: Exchange, firstFailed: Failed | undefined): Promise<ClientResponse> {
    let exchange = first;
    let failed = firstFailed;
    let attempt = 1;
    let reconnected = false;
    while (!isFine(exchange, failed)) {
      const { hop } = exchange;
      const decision = this.#decideOrEnd(exchange, failed?.error, attempt, reconnected);
      if (decision.closeHostMs) this.#core.gate.closeHost(hop.host, decision.closeHostMs);
      if (!decision.retry || !this.#isTimeFor(decision.delayMs)) {
        if (failed) throw failed.error;
        break;
      }
      this.#journey.trace?.retry({
        attempt,
        delayMs: decision.delayMs,
        reconnect: decision.free,
        status: exchange.head?.status,
        error: failed?.error,
      });
      await this.#putAside(exchange, decision.delayMs);
      if (decision.free) reconnected = true;
      else attempt++;
      exchange = this.#newExchange(hop);
      try {
        await this.#head(exchange, true);
      } catch (error) {
        exchange.abort();
        throw error;
      }
      failed = failureOf(exchange);
    }
    return this.#response(exchange);
  }

  /** Nothing is sent for those who have been cancelled. */
  #newExchange(hop: Hop): Exchange {
    if (this.#scope.reason) throw this.#scope.reason;
    return new Exchange(this.#core, this.#journey, hop);
  }

  /** Sends, and waits for the head, or the failure. */
  #head(exchange: Exchange, front: boolean): Promise<void> {
    return abortable(exchange.start(front), { scope: this.#scope, abandon: true });
  }

  /** What `retryIf` throws ends the request. */
  #decideOrEnd(exchange: Exchange, error: unknown, attempt: number, reconnected: boolean): RetryDecision {
    try {
      return this.#decide(exchange, error, attempt, reconnected);
    } catch (thrown) {
      exchange.discard(lengthOf(exchange.head));
      throw thrown;
    }
  }

  #decide(exchange: Exchange, error: unknown, attempt: number, reconnected: boolean): RetryDecision {
    const { hop, failure, head } = exchange;
    const retryAfterMs = head && this.#retryAfter(exchange);
    return decide(
      this.#plan.retry,
      {
        method: hop.method,
        attempt,
        stage: exchange.stage,
        replayable: hop.replayable,
        idempotencyKey: hop.headers.has('idempotency-key'),
        reused: exchange.connection?.reused ?? false,
        reconnected,
        failure,
        response: head && { status: head.status, headers: toHeaders(head.headers) },
        retryAfterMs,
        error,
      },
      this.#core.budget,
    );
  }

  #retryAfter(exchange: Exchange): number | undefined {
    return parseRetryAfter(headerOf(exchange.head, 'retry-after'), Date.now());
  }

  /** To wait longer than all of it may take helps nobody. */
  #isTimeFor(delayMs: number): boolean {
    return performance.now() + delayMs < this.#journey.totalAt;
  }

  async #putAside(exchange: Exchange, delayMs: number): Promise<void> {
    const { head } = exchange;
    this.#journey.attempts.push(exchange.attempt(head && this.#retryAfter(exchange)));
    exchange.discard(lengthOf(exchange.head));
    if (delayMs > 0) await this.#core.pause(delayMs, this.#scope);
  }

  // Responses --------------------------------------------------------------------------------------------------------

  #response(exchange: Exchange): ClientResponse {
    const { status, statusText, headers, url } = exchange.head as WireHead;
    const body = this.#body(exchange);
    // When all is over it was asked for by middleware that has not waited for it.
    if (this.#over) body.release();
    else this.#bodies.push(body);
    return new ClientResponse({
      status,
      statusText,
      rawHeaders: headers,
      url: url ?? exchange.hop.url,
      moved: url !== undefined,
      history: this.#history.length > 0 ? Object.freeze([...this.#history]) : NONE,
      http: exchange.connection?.protocol === 'h2' ? '2' : '1.1',
      body,
      exchange,
      owner: this,
    });
  }

  /** @internal For a response: all its tries. */
  attempts(exchange: Exchange): readonly Attempt[] {
    return [...this.#journey.attempts, exchange.attempt()];
  }

  /** @internal For a response whose status is to be an error. */
  statusError(exchange: Exchange, response: ClientResponse, bodySnippet: string): StatusError {
    const { status, statusText, headers } = response;
    const waitMs = this.#retryAfter(exchange);
    const retryAt = waitMs === undefined ? undefined : Date.now() + waitMs;
    const retryable = exchange.hop.idempotent && RETRYABLE.has(status);
    const facts = this.#journey.facts('headers', true, retryable, exchange.attempt());
    return new StatusError({ status, statusText, headers, bodySnippet, retryAt }, facts);
  }

  #body(exchange: Exchange): ResponseBody {
    const { decompress, maxBytes } = this.#plan;
    const { decoding, options } = this.#core;
    const bodyless = exchange.hop.method === 'HEAD';
    return new ResponseBody({
      exchange,
      codings: decompress && !bodyless ? this.#codings(exchange, decoding) : NONE,
      decoding,
      limits: { maxBytes, maxRatio: options.maxRatio },
      bodyless,
      scope: this.#scope,
      owner: this,
    });
  }

  #codings(exchange: Exchange, decoding: Decoding | undefined): readonly string[] {
    const first = headerOf(exchange.head, 'content-encoding');
    if (first === undefined) return NONE;
    try {
      // What the platform has decoded has no such header any more.
      if (!decoding) throw new Error(`the body is encoded in '${first}', which this platform does not undo`);
      return decoding.parse(headersOf(exchange.head, 'content-encoding').join(','));
    } catch (error) {
      exchange.abort();
      throw this.decodeError(exchange, error);
    }
  }

  /** @internal What the parts throw, with what is known of the request. */
  decodeError(exchange: Exchange, error: unknown): unknown {
    if (error instanceof HttpError || isCancelled(error) || error instanceof TypeError) return withCaller(error);
    const facts = this.#journey.facts('body', true, false, exchange.attempt());
    if (error instanceof BodyLimitFault) return new BodyLimitError(error.limit, error.message, facts);
    return error instanceof Error ? new DecodeError(error.message, facts, error) : error;
  }
}

const NONE: readonly never[] = Object.freeze([]);
/** Those that may go away by themselves. */
const RETRYABLE = new Set([408, 425, 429, 500, 502, 503, 504]);

/** It was made where the socket is served: here, in what the caller awaits, the stack shows who asked. */
function withCaller(error: unknown, hidden: (...given: never[]) => unknown = withCaller): unknown {
  if (error instanceof HttpError) Error.captureStackTrace?.(error, hidden);
  return error;
}

/** What a try failed with. */
interface Failed {
  readonly error: unknown;
}

/** Whether a try has brought what need not be looked at for a retry. */
function isFine(exchange: Exchange, failed: Failed | undefined): boolean {
  return !failed && (exchange.head as WireHead).status < 400;
}

/** What a try failed with, if it did. What is no failure of the request, such as a cancellation, is thrown. */
function failureOf({ thrown, head }: Exchange): Failed | undefined {
  if (!thrown || head) return undefined;
  if (isCancelled(thrown.error)) throw thrown.error;
  return { error: withCaller(thrown.error, failureOf) };
}

/** Cookies that the caller has set by hand are sent beside those of the jar. */
function withCookies(hop: Hop, header: string): Hop {
  const own = hop.headers.get('cookie');
  const headers = hop.headers.with(['cookie', own ? `${own}; ${header}` : header]);
  return new Hop(hop.method, hop.url, headers, hop.body, hop.proxy);
}

function outgoing(hop: Hop): OutgoingRequest {
  const headers = new Headers();
  const { flat } = hop.headers;
  for (let at = 0; at < flat.length; at += 2) headers.append(flat[at] as string, flat[at + 1] as string);
  return { method: hop.method, url: new URL(hop.url), headers, replayable: hop.replayable };
}

function checkRequest(given: OutgoingRequest): OutgoingRequest {
  if (given?.headers) return given;
  throw new TypeError(`Cannot call next as it takes the request: current value is ${shown(given)}`);
}

function checkResponse(given: ClientResponse): ClientResponse {
  if (given instanceof ClientResponse) return given;
  throw new TypeError(
    `Cannot use middleware as it gives a response that next() gave: current value is ${shown(given)}`,
  );
}

function changed(hop: Hop, headers: Headers): Hop {
  return new Hop(hop.method, hop.url, new HeaderList(readHeaders(headers, 'send').flat), hop.body, hop.proxy);
}
