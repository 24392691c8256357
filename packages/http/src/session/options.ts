import type { NameOption, ScopeOption } from 'corral';
import type { RequestBodyOptions } from '../body/request-body.ts';
import type { CookieJarLike } from '../cookies/cookie-jar.ts';
import { resolveGateOptions, type LimitOptions, type RateOptions } from '../gate-options.ts';
import type { GateOptions } from '../gate.ts';
import type { HeadersInput } from '../request/header-list.ts';
import type { Middleware } from '../request/middleware.ts';
import { SECRET_HEADERS, type RedirectOptions } from '../request/redirect.ts';
import { exponential, isRetryPolicy, never, type RetryOptions, type RetryPolicy } from '../retry/retry-policy.ts';
import { resolveTimeouts, type Timeouts, type TimeoutOptions } from '../timeouts.ts';
import { unknownEvent } from '../trace.ts';
import type { SessionEvents } from '../trace-events.ts';
import type { AddressPolicy, LookupFunction, TlsOptions } from '../wire/transport.ts';
import {
  anything,
  evenUndefined,
  falseOr,
  isBoolean,
  isCount,
  isFunction,
  isFunctions,
  isMs,
  isObject,
  isString,
  isStrings,
  isUrl,
  oneOf,
  checkedOptions,
  type OptionChecks,
} from './option-checks.ts';

/** What a session and its single requests can be given alike; a request's own go first. */
export interface SharedOptions {
  /** Sent with each request. A request's value of undefined takes one of the session's away. Default: none. */
  readonly headers?: HeadersInput | undefined;
  /** How long things may take; a number is `totalMs`. Default: see {@link TimeoutOptions}. */
  readonly timeout?: TimeoutOptions | number | undefined;
  /** When a request is sent again: what {@link exponential} makes, or its options; false for never. Default: exponential(). */
  readonly retry?: RetryPolicy | RetryOptions | false | undefined;
  /**
   * How redirects are followed; false gives the response that is one. What a request does not set it has from its session.
   * Default: up to 10, never from https to http.
   */
  readonly redirect?: RedirectOptions | false | undefined;
  /** Whether a status of 400 or more throws {@link StatusError}. Default: false. */
  readonly raiseForStatus?: boolean | undefined;
  /** The largest body that is read as a whole, in bytes, decoded. Default: 256 MiB. */
  readonly maxBytes?: number | undefined;
  /** Whether bodies are asked for compressed, and decoded. Default: true. */
  readonly decompress?: boolean | undefined;
  /** Middleware, the first one outermost; a request's own list replaces the session's. Default: none. */
  readonly use?: readonly Middleware[] | undefined;
}

/** Options of {@link ClientSession}. */
export interface SessionOptions extends SharedOptions, NameOption, ScopeOption {
  /** What the URLs of requests are relative to. Default: none, they are absolute. */
  readonly baseUrl?: string | URL | undefined;
  /** Names of headers that no redirect takes to another origin, besides Authorization, Cookie and the usual ones. */
  readonly secretHeaders?: readonly string[] | undefined;
  readonly limits?: LimitOptions | undefined;
  /** How many requests may begin in a time, per host and in total: `{ perHost: { limit: 10, perMs: 1_000 } }`. Default: any. */
  readonly rate?: RateOptions | undefined;
  /** Keeps and sends cookies: a `CookieJar`. Default: false, none. */
  readonly cookies?: CookieJarLike | false | undefined;
  /** How many times larger than what was sent a body may become by decoding, from 1 MiB on. Default: 1000. */
  readonly maxRatio?: number | undefined;
  /** Which addresses may be connected to. Default: 'any'. */
  readonly addressPolicy?: AddressPolicy | undefined;
  readonly tls?: TlsOptions | undefined;
  /** 1 for HTTP/1.1; 'auto' for HTTP/2 where the server has it. Default: 1. */
  readonly http?: 1 | 'auto' | undefined;
  /** A proxy's URL, or 'environment' for HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Default: none. */
  readonly proxy?: string | URL | undefined;
  /** How long an unused connection is kept, in milliseconds; at most 256 are. Default: 15 000, or less if the server says so. */
  readonly keepAliveMs?: number | undefined;
  /** How long an address that was looked up is used, in milliseconds. Default: 10 000. */
  readonly dnsCacheMs?: number | undefined;
  /** Finds the addresses of names. Default: the platform's. */
  readonly lookup?: LookupFunction | undefined;
  /** How long one address is tried before the next one is, in milliseconds. Default: 2 000. */
  readonly happyEyeballsMs?: number | undefined;
  /** The largest head of a response, in bytes. Default: 16 KiB. */
  readonly maxHeaderBytes?: number | undefined;
  readonly localAddress?: string | undefined;
  /** The path of a Unix socket to connect to instead of the host. Default: none. */
  readonly socketPath?: string | undefined;
  /** How long `close` waits for requests under way, in milliseconds. Default: 5 000. */
  readonly graceMs?: number | undefined;
  /** Told of what happens. Default: nobody. */
  readonly listener?: SessionEvents | undefined;
}

/** A name and a password, sent as Basic authentication. */
export interface BasicAuth {
  readonly username: string;
  readonly password: string;
}

/** Values for the query of a URL. Undefined leaves one out, a list repeats it. */
export type QueryInput =
  | URLSearchParams
  | Readonly<
      Record<string, string | number | boolean | bigint | undefined | readonly (string | number | boolean | bigint)[]>
    >;

/** Options of a request. */
export interface RequestOptions extends SharedOptions, RequestBodyOptions, ScopeOption {
  /** Added to the query of the URL. Default: none. */
  readonly query?: QueryInput | undefined;
  readonly auth?: BasicAuth | undefined;
  /** A foreign signal that cancels the request; it then throws the signal's reason. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

const SHARED: OptionChecks = {
  headers: anything,
  timeout: anything,
  retry: falseOr((value) => isObject(value) && 'exponential(…) or its options, such as { attempts: 3 }'),
  redirect: falseOr(isObject),
  raiseForStatus: isBoolean,
  maxBytes: isCount,
  decompress: isBoolean,
  use: isFunctions,
  scope: isObject,
};

const JAR = ['getCookieHeader', 'setFromResponse'] as const;

function isJar(value: unknown): string | undefined {
  const jar = value as Partial<CookieJarLike> | null;
  const has = typeof jar === 'object' && jar !== null && JAR.every((name) => typeof jar[name] === 'function');
  return has ? undefined : `a CookieJar, or what has ${JAR.join(' and ')}`;
}

const SESSION: OptionChecks = {
  ...SHARED,
  name: isString,
  baseUrl: isUrl,
  secretHeaders: isStrings,
  limits: isObject,
  rate: isObject,
  cookies: falseOr(isJar),
  maxRatio: isCount,
  addressPolicy: (value) => (typeof value === 'function' ? undefined : oneOf('any', 'public')(value)),
  tls: isObject,
  http: oneOf(1, 'auto'),
  proxy: isUrl,
  keepAliveMs: isMs,
  dnsCacheMs: isMs,
  lookup: isFunction,
  happyEyeballsMs: isMs,
  maxHeaderBytes: isCount,
  localAddress: isString,
  socketPath: isString,
  graceMs: (value) => (typeof value === 'number' && value >= 0 ? undefined : 'milliseconds from 0 on, or Infinity'),
  listener: (value) => isObject(value) ?? unknownEvent(value as object),
};

const REQUEST: OptionChecks = {
  ...SHARED,
  query: isObject,
  auth: isObject,
  signal: isObject,
  json: evenUndefined,
  form: anything,
  multipart: anything,
  body: anything,
};

const REDIRECT: OptionChecks = {
  max: (value) => (value === 0 ? undefined : isCount(value)),
  downgrade: oneOf('error', 'follow'),
  allow: isFunction,
};

/** What a session holds to. */
export interface ResolvedOptions {
  readonly name: string;
  readonly baseUrl: URL | undefined;
  readonly secretHeaders: ReadonlySet<string>;
  readonly gate: GateOptions;
  readonly timeouts: Timeouts;
  /** What was given of them. */
  readonly timeout: TimeoutOptions | number | undefined;
  readonly retry: RetryPolicy;
  readonly redirect: RedirectOptions | undefined;
  readonly cookies: CookieJarLike | undefined;
  readonly raiseForStatus: boolean;
  readonly maxBytes: number;
  readonly maxRatio: number;
  readonly decompress: boolean;
  readonly use: readonly Middleware[];
  readonly graceMs: number;
}

const MiB = 1024 * 1024;

export function readSessionOptions(given: SessionOptions | undefined): Partial<SessionOptions> {
  return checkedOptions(given, SESSION, 'new ClientSession');
}

export function resolveOptions(options: Partial<SessionOptions>): ResolvedOptions {
  const call = 'new ClientSession';
  const secret = (options.secretHeaders ?? []).map((name) => name.toLowerCase());
  return Object.freeze({
    name: options.name ?? 'ClientSession',
    baseUrl: options.baseUrl === undefined ? undefined : baseOf(options.baseUrl),
    secretHeaders: new Set([...SECRET_HEADERS, ...secret]),
    gate: resolveGateOptions(options.limits, options.rate),
    timeouts: timeoutsOf(options.timeout, undefined),
    timeout: options.timeout,
    retry: options.retry === undefined ? exponential() : retryOf(options.retry),
    redirect: resolveRedirect(options.redirect ?? {}, undefined, call),
    cookies: options.cookies || undefined,
    raiseForStatus: options.raiseForStatus ?? false,
    maxBytes: options.maxBytes ?? 256 * MiB,
    maxRatio: options.maxRatio ?? 1_000,
    decompress: options.decompress ?? true,
    use: Object.freeze([...(options.use ?? [])]),
    graceMs: options.graceMs ?? 5_000,
  });
}

/** What a request does not say of redirects it has from its session: to allow more of them is not to allow any. */
export function resolveRedirect(
  options: RedirectOptions | false,
  base: RedirectOptions | undefined,
  call: string,
): RedirectOptions | undefined {
  if (options === false) return undefined;
  const own = checkedOptions(options, REDIRECT, `${call}, { redirect },`);
  return Object.freeze(Object.assign(Object.create(null), base, own) as RedirectOptions);
}

export function readRequestOptions(given: RequestOptions | undefined, call: string): Partial<RequestOptions> {
  return checkedOptions(given, REQUEST, call);
}

export function timeoutsOf(given: TimeoutOptions | number | undefined, base: Timeouts | undefined): Timeouts {
  return resolveTimeouts(typeof given === 'number' ? { totalMs: given } : given, base);
}

export function retryOf(given: RetryPolicy | RetryOptions | false): RetryPolicy {
  if (given === false) return never;
  return isRetryPolicy(given) ? given : exponential(given);
}

function baseOf(given: string | URL): URL {
  let url: URL | undefined;
  try {
    url = new URL(given);
  } catch {
    // told below
  }
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new TypeError(
    `Cannot call new ClientSession as { baseUrl } takes an absolute http or https URL: current value is '${String(given)}'`,
  );
}
