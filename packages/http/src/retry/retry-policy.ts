import { checkBetween, checkCount, checkOneOf, readOptions, shown } from '../internal/checks.ts';

/** What is known of an attempt that failed, for {@link RetryOptions.retryIf}. */
export interface RetryOutcome {
  readonly method: string;
  /** Which attempt it was; 1 is the first. */
  readonly attempt: number;
  /** The error; undefined when there is a response. */
  readonly error: unknown;
  /** The head of the response; undefined when there is none. */
  readonly response: RetryResponse | undefined;
}

/** The head of a response that may be asked for again. */
export interface RetryResponse {
  readonly status: number;
  readonly headers: Headers;
}

/** Options of {@link exponential}. */
export interface RetryOptions {
  /** How often the request is sent at the most, the first time included. Default: 4. */
  readonly attempts?: number | undefined;
  /** Milliseconds before the second attempt; twice as long before each one after. Default: 500. */
  readonly baseMs?: number | undefined;
  /** The longest wait between attempts in milliseconds, unless the server asks for a longer one. Default: 30,000. */
  readonly capMs?: number | undefined;
  /** `full`: anything from nothing to the wait. `equal`: from half of it. `none`. Default: full. */
  readonly jitter?: 'full' | 'equal' | 'none' | undefined;
  /** A server that asks for a longer wait is not asked again. Milliseconds; default: 120,000. */
  readonly maxRetryAfterMs?: number | undefined;
  /** How many retries each request of the session adds to what all may spend, from 0 to 1; Infinity for no such bound. Default: 0.2. */
  readonly budget?: number | undefined;
  /** Default: 408, 425, 429, 500, 502, 503 and 504. */
  readonly statuses?: readonly number[] | undefined;
  /** The methods that may be sent again when the server may have seen the request. Default: those that are idempotent. */
  readonly methods?: readonly string[] | undefined;
  /**
   * Whether a request is sent anew, once and at once, when the connection on which it went had served before and was
   * closed without a byte of a response: a server may close an idle connection at any moment. It does not count as an
   * attempt. Default: true.
   */
  readonly reconnect?: boolean | undefined;
  /**
   * Decides itself: true retries, whatever the status, the error or the method; false does not; undefined leaves it to the
   * other options. Not asked where nothing can be retried: within a body, with a body that cannot be sent twice, and when
   * a time limit for the whole request has passed.
   */
  readonly retryIf?: ((outcome: RetryOutcome) => boolean | undefined) | undefined;
  /** A number from 0 up to 1, for the jitter. Default: Math.random. */
  readonly random?: (() => number) | undefined;
}

/** When a request is sent again; made by {@link exponential}. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly baseMs: number;
  readonly capMs: number;
  readonly jitter: 'full' | 'equal' | 'none';
  readonly maxRetryAfterMs: number;
  readonly budget: number;
  readonly statuses: readonly number[];
  /** In capitals. */
  readonly methods: readonly string[];
  readonly reconnect: boolean;
  readonly retryIf: ((outcome: RetryOutcome) => boolean | undefined) | undefined;
  readonly random: () => number;
}

const STATUSES = [408, 425, 429, 500, 502, 503, 504];
const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'];
const KNOWN = [
  'attempts',
  'baseMs',
  'capMs',
  'jitter',
  'maxRetryAfterMs',
  'budget',
  'statuses',
  'methods',
  'reconnect',
  'retryIf',
  'random',
] as const;

const made = new WeakSet();

/**
 * Sends a request again after waits that double, with jitter, within a budget that all requests of a session share.
 *
 * Guarantees: nothing is sent twice that the server may have acted upon, unless its method is idempotent or it has an
 * `Idempotency-Key`; no response is spliced of two; a wait that the server asks for holds for all requests to its host.
 *
 * @throws {TypeError} for an option that is not known or of the wrong type.
 * @throws {RangeError} for a number that makes no sense.
 *
 * @example Patient with a slow service
 * ```ts no-check
 * const session = new ClientSession({ retry: exponential({ attempts: 6, capMs: 60_000 }) });
 * ```
 */
export function exponential(options?: RetryOptions): RetryPolicy {
  const own = readOptions(options, KNOWN, 'make a retry policy');
  const { retryIf, random = Math.random, reconnect = true } = own;
  for (const [name, value] of Object.entries({ retryIf, random })) {
    if (value !== undefined && typeof value !== 'function') {
      throw new TypeError(`Cannot set ${name} as it takes a function: current value is ${shown(value)}`);
    }
  }
  return policy({
    attempts: checkCount(own.attempts ?? 4, 'set attempts'),
    baseMs: checkBetween(own.baseMs ?? 500, 'set baseMs', 0, Number.MAX_VALUE),
    capMs: checkBetween(own.capMs ?? 30_000, 'set capMs', 0, Number.MAX_VALUE),
    jitter: checkOneOf(own.jitter ?? 'full', ['full', 'equal', 'none'], 'set jitter'),
    maxRetryAfterMs: checkBetween(own.maxRetryAfterMs ?? 120_000, 'set maxRetryAfterMs', 0, Infinity),
    budget: own.budget === Infinity ? Infinity : checkBetween(own.budget ?? 0.2, 'set budget', 0, 1),
    statuses: Object.freeze(listed(own.statuses ?? STATUSES, 'statuses').map((status) => checkStatus(status))),
    methods: Object.freeze(listed(own.methods ?? IDEMPOTENT, 'methods').map((method) => checkMethod(method))),
    reconnect: checkBoolean(reconnect),
    retryIf,
    random,
  });
}

/** Sends each request once; not even a connection that was closed while idle has it sent anew. */
export const never: RetryPolicy = exponential({ attempts: 1, reconnect: false });

/** Whether it is a policy that {@link exponential} has made, and not its options. */
export function isRetryPolicy(value: object): value is RetryPolicy {
  return made.has(value);
}

function policy(policy: RetryPolicy): RetryPolicy {
  made.add(policy);
  return Object.freeze(policy);
}

function listed<T>(value: readonly T[], name: string): readonly T[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`Cannot set ${name} as it takes an array: current value is ${shown(value)}`);
}

function checkStatus(status: unknown): number {
  if (Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599) return status as number;
  throw new RangeError(`Cannot set statuses as they are from 400 to 599: current value is ${shown(status)}`);
}

function checkMethod(method: unknown): string {
  if (typeof method === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(method)) return method.toUpperCase();
  throw new TypeError(`Cannot set methods as they are names of methods: current value is ${shown(method)}`);
}

function checkBoolean(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`Cannot set reconnect as it takes true or false: current value is ${shown(value)}`);
}
