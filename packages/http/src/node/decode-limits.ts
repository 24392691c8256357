import { bodyLimitError } from '../internal/faults.ts';
import { shown } from '../internal/checks.ts';

/** How far a body may grow when its content codings are undone. */
export interface DecodeLimits {
  /** Decoded bytes. */
  readonly maxBytes: number;
  /** Decoded bytes for one that was received; it counts once 1 MiB has been decoded. */
  readonly maxRatio: number;
}

/** Small bodies may be as repetitive as they like. */
const RATIO_COUNTS_FROM = 1024 * 1024;

/** @throws {RangeError} when a limit is not a number, or too small. */
export function checkLimits({ maxBytes, maxRatio }: DecodeLimits): void {
  if (!(maxBytes === Infinity || (Number.isSafeInteger(maxBytes) && maxBytes >= 0))) {
    throw new RangeError(
      `Cannot decode as maxBytes takes an integer of at least 0, or Infinity: current value is ${shown(maxBytes)}`,
    );
  }
  if (!(typeof maxRatio === 'number' && maxRatio >= 1)) {
    throw new RangeError(`Cannot decode as maxRatio takes a number of at least 1: current value is ${shown(maxRatio)}`);
  }
}

/** The most that this many received bytes may become. */
export function mostDecoded(received: number, { maxBytes, maxRatio }: DecodeLimits): number {
  return Math.min(maxBytes, Math.max(RATIO_COUNTS_FROM, Math.floor(received * maxRatio)));
}

export function limitPassed(decoded: number, limits: DecodeLimits): Error {
  if (decoded > limits.maxBytes) {
    const { maxBytes } = limits;
    return bodyLimitError(
      `Cannot decode a body as it must not have more than ${maxBytes} bytes when decoded`,
      maxBytes,
    );
  }
  const { maxRatio } = limits;
  return bodyLimitError(
    `Cannot decode a body as it must not become more than ${maxRatio} times as long as it was received`,
    maxRatio,
  );
}
