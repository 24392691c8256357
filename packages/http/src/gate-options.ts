import type { GateOptions, GateRates } from './gate.ts';
import { checkCount, readOptions } from './internal/checks.ts';
import type { Rate } from './internal/rate-meter.ts';

/** How many requests of a session may be in flight, or wait; redirects and retries are none of their own. */
export interface LimitOptions {
  /** In flight, to all hosts. Default: 100. */
  readonly total?: number | undefined;
  /** In flight, to one host. Default: 8. */
  readonly perHost?: number | undefined;
  /** Waiting: one more fails at once. Default: 10,000. */
  readonly queue?: number | undefined;
}

/** How fast requests may follow one another. Default: no limit. */
export interface RateOptions {
  /** To one host. */
  readonly perHost?: Rate | undefined;
  /** To all hosts. */
  readonly total?: Rate | undefined;
}

/**
 * What a gate is made of, checked and frozen.
 *
 * @throws {TypeError} for an option that is not known.
 * @throws {RangeError} for a number that is no positive integer; limits may be Infinity, the queue may be 0.
 */
export function resolveGateOptions(limits: LimitOptions | undefined, rate: RateOptions | undefined): GateOptions {
  const { total = 100, perHost = 8, queue = 10_000 } = readOptions(limits, ['total', 'perHost', 'queue'], 'set limits');
  const rates = readOptions(rate, ['perHost', 'total'], 'set rate');
  return Object.freeze({
    total: checkCount(total, 'set total of limits'),
    perHost: checkCount(perHost, 'set perHost of limits'),
    queue: checkCount(queue, 'set queue of limits', 0),
    rate: Object.freeze<GateRates>({
      perHost: rates.perHost && checkRate(rates.perHost, 'perHost'),
      total: rates.total && checkRate(rates.total, 'total'),
    }),
  });
}

function checkRate(rate: Rate, name: string): Rate {
  const { limit, perMs, burst = 1 } = readOptions(rate, ['limit', 'perMs', 'burst'], `set ${name} of rate`);
  return Object.freeze({
    limit: checkCount(limit, `set limit of rate.${name}`, 1, false),
    perMs: checkCount(perMs, `set perMs of rate.${name}`, 1, false),
    burst: checkCount(burst, `set burst of rate.${name}`, 1, false),
  });
}
