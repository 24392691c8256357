import { checkCount, checkPositiveMs, readOptions, shown } from './internal/checks.ts';
import type { MinSpeed } from './speed-meter.ts';

/**
 * How long each part of a request may take, in milliseconds of real time; Infinity for no limit. What a request does not set
 * it has from its session.
 */
export interface TimeoutOptions {
  /** From when the request was let in to the end of its body: redirects, retries and the waits between included. Default: 300,000. */
  readonly totalMs?: number | undefined;
  /** Waiting for its turn. Default: 60,000. */
  readonly acquireMs?: number | undefined;
  /** Making a connection: names, TCP, TLS and proxies. Default: 30,000. */
  readonly connectMs?: number | undefined;
  /** From when the request was sent to the whole head of its response, whatever informational ones come before. Default: 60,000. */
  readonly headersMs?: number | undefined;
  /** Silence within the body, while somebody wants to read it. Default: 60,000. */
  readonly readMs?: number | undefined;
  /** What a body has to come with at the least; false for none. Default: none. */
  readonly minSpeed?: MinSpeed | false | undefined;
}

/** Time limits that have been checked. */
export interface Timeouts {
  readonly totalMs: number;
  readonly acquireMs: number;
  readonly connectMs: number;
  readonly headersMs: number;
  readonly readMs: number;
  readonly minSpeed: MinSpeed | undefined;
}

/** What holds where nothing is set. */
export const DEFAULT_TIMEOUTS: Timeouts = Object.freeze({
  totalMs: 300_000,
  acquireMs: 60_000,
  connectMs: 30_000,
  headersMs: 60_000,
  readMs: 60_000,
  minSpeed: undefined,
});

const LIMITS = ['totalMs', 'acquireMs', 'connectMs', 'headersMs', 'readMs'] as const;

/**
 * The limits of a request over those of its session, or of a session over the defaults; frozen.
 *
 * @throws {TypeError} for an option that is not known.
 * @throws {RangeError} for a number that is not above 0: no limit is Infinity.
 */
export function resolveTimeouts(options: TimeoutOptions | undefined, base: Timeouts = DEFAULT_TIMEOUTS): Timeouts {
  if (options === undefined) return base;
  const own = readOptions(options, [...LIMITS, 'minSpeed'], 'set timeouts');
  const limits = { ...base };
  for (const key of LIMITS) {
    if (own[key] !== undefined) limits[key] = checkPositiveMs(own[key], `set ${key}`);
  }
  const minSpeed = own.minSpeed === undefined ? base.minSpeed : checkMinSpeed(own.minSpeed);
  return Object.freeze({ ...limits, minSpeed });
}

/** The limits of a download: how long one may take in all is known to who asks for it, and to nobody else. */
export function forDownload(timeouts: Timeouts, ...given: readonly (TimeoutOptions | number | undefined)[]): Timeouts {
  const isGiven = given.some((each) => typeof each === 'number' || each?.totalMs !== undefined);
  return isGiven ? timeouts : Object.freeze({ ...timeouts, totalMs: Infinity });
}

function checkMinSpeed(value: MinSpeed | false): MinSpeed | undefined {
  if (value === false) return undefined;
  const { bytes, overMs } = readOptions(value, ['bytes', 'overMs'], 'set minSpeed');
  checkCount(bytes, 'set bytes of minSpeed', 1, false);
  if (!Number.isFinite(overMs)) {
    throw new RangeError(
      `Cannot set overMs of minSpeed as it takes milliseconds above 0: current value is ${shown(overMs)}`,
    );
  }
  checkPositiveMs(overMs, 'set overMs of minSpeed');
  return Object.freeze({ bytes: bytes as number, overMs: overMs as number });
}
