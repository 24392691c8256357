/** @corral/http: an HTTP client session for corral. */

export type { AddressPolicy, LookupFunction, TlsOptions, TransportSnapshot } from './wire/transport.ts';
export { digestAuth } from './auth/digest-auth.ts';
export { findNetrc, parseNetrc, type NetrcEntry } from './auth/netrc.ts';
export type { BodyBytes, BodyData, BodyFactory, BodyStream } from './body/byte-source.ts';
export type { FormFields, FormValue } from './body/form.ts';
export type { MultipartPart } from './body/multipart.ts';
export type { RequestBodyOptions } from './body/request-body.ts';
export { parseServerSentEvents, type ServerSentEvent, type ServerSentEventsOptions } from './body/sse.ts';
export {
  loadCookies,
  saveCookies,
  type CookieFileFormat,
  type LoadedCookies,
  type SaveCookiesOptions,
} from './cookies/cookie-files.ts';
export {
  CookieJar,
  type CookieJarJson,
  type CookieJarLike,
  type CookieJarOptions,
  type CookieJarSnapshot,
} from './cookies/cookie-jar.ts';
export type { StoredCookie } from './cookies/stored-cookie.ts';
export * from './errors.ts';
export type { LimitOptions, RateOptions } from './gate-options.ts';
export type { GateHostSnapshot, GateSnapshot } from './gate.ts';
export { fileNameFrom } from './headers/content-disposition.ts';
export { parseLinks, type Link } from './headers/link.ts';
export { redactUrl } from './headers/redact.ts';
export type { Rate } from './internal/rate-meter.ts';
export type { HeadersInput } from './request/header-list.ts';
export type { Middleware, OutgoingRequest } from './request/middleware.ts';
export type { RedirectOptions } from './request/redirect.ts';
export { RequestHandle } from './request/request-handle.ts';
export { ClientResponse, type RedirectStep, type ResponseTimings } from './response/client-response.ts';
export { ResponseBody } from './response/response-body.ts';
export {
  exponential,
  never,
  type RetryOptions,
  type RetryOutcome,
  type RetryPolicy,
  type RetryResponse,
} from './retry/retry-policy.ts';
export type { SaveProgress, SaveResult, SaveToOptions } from './save/contract.ts';
export { ChecksumError, SaveFileError } from './save/errors.ts';
export { ClientSession, session, type SessionSnapshot } from './session/client-session.ts';
export type { BasicAuth, QueryInput, RequestOptions, SessionOptions, SharedOptions } from './session/options.ts';
export type { MinSpeed } from './speed-meter.ts';
export type {
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaV1,
} from './standard-schema.ts';
export type { TimeoutOptions } from './timeouts.ts';
export type * from './trace-events.ts';
