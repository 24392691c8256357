/** @corral/http: an HTTP client session for corral. */

export * from './errors.ts';
export { ClientSession, session, type SessionSnapshot } from './session/client-session.ts';
export type {
  BasicAuth,
  LimitOptions,
  QueryInput,
  RequestOptions,
  SessionOptions,
  SharedOptions,
} from './session/options.ts';
export { exponential, never, type RetryOptions, type RetryOutcome, type RetryPolicy, type RetryResponse } from './retry/retry-policy.ts';
