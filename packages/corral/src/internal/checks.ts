/** Checks of what callers hand in. Grammar: "Cannot <do> as <requirement>: current value is <x>". */

/**
 * Throws a TypeError unless `value` is a function; says what to write when it is a promise, and when the function is
 * what was given as `other` argument.
 */
export function checkFunction(value: unknown, action: string, other?: unknown): void {
  if (typeof value === 'function') return;
  const swapped = typeof other === 'function' && ' (the arguments are swapped)';
  const hint = swapped || (isThenable(value) ? ' (it has started already: write () => …)' : '');
  throw new TypeError(`Cannot ${action} as it takes a function: current value is ${shown(value)}${hint}`);
}

/** Throws a RangeError when `ms` is not a number of milliseconds; undefined and null mean none. */
export function checkMs(ms: unknown, action: string): number {
  return ms === undefined || ms === null ? Infinity : checkNumber(ms, action);
}

/** Throws a RangeError when `ms` is not a number of milliseconds. */
export function checkNumber(ms: unknown, action: string): number {
  if (typeof ms === 'number' && !Number.isNaN(ms)) return ms;
  throw new RangeError(`Cannot ${action} as it takes a number of milliseconds: current value is ${shown(ms)}`);
}

/** Throws a RangeError unless `value` is a positive integer or Infinity. */
export function checkConcurrency(value: unknown, call = 'a group'): number {
  if (value === undefined) return Infinity;
  if (value === Infinity || (Number.isInteger(value) && (value as number) > 0)) return value as number;
  throw new RangeError(
    `Cannot set concurrency of ${call} as it takes a positive integer or Infinity: current value is ${shown(value)}`,
  );
}

/** Throws a RangeError unless `value` is an integer from `least` to `most`, or Infinity where that is the most. */
export function checkCount(value: unknown, action: string, least = 1, most = Infinity): number {
  const count = value as number;
  if ((Number.isInteger(value) || (value === Infinity && most === Infinity)) && count >= least && count <= most) {
    return count;
  }
  const range =
    most === Infinity ? `an integer of at least ${least}, or Infinity` : `an integer from ${least} to ${most}`;
  throw new RangeError(`Cannot ${action} as it takes ${range}: current value is ${shown(value)}`);
}

/** Throws a RangeError unless `value` is an integer of at least `least`, and not Infinity. */
export function checkInteger(value: unknown, action: string, least: 0 | 1 = 1): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  const what = least === 1 ? 'a positive integer' : 'an integer of at least 0';
  throw new RangeError(`Cannot ${action} as it takes ${what}: current value is ${shown(value)}`);
}

/** Throws a RangeError unless `value` is a number from `least` to `most`; Infinity only where that is the most. */
export function checkBetween(value: unknown, action: string, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  const above = least === Number.MIN_VALUE ? 'above 0' : `of at least ${least}`;
  const range = most < Number.MAX_VALUE ? `a number ${above} and up to ${most}` : `a number ${above}`;
  throw new RangeError(`Cannot ${action} as it takes ${range}: current value is ${shown(value)}`);
}

/** Throws a TypeError unless `value` is one of some words, or undefined. */
export function checkOneOf(value: unknown, words: readonly string[], action: string): void {
  if (value === undefined || words.includes(value as string)) return;
  throw new TypeError(`Cannot ${action} as it takes ${words.join(' or ')}: current value is ${shown(value)}`);
}

/** Throws a TypeError unless `options` is an object, or undefined or null where none are needed; returns it. */
export function checkOptions<T>(options: T, call: string, needed = false): T {
  if ((options ?? undefined) === undefined ? !needed : typeof options === 'object') return options;
  throw new TypeError(`Cannot call ${call}() as it takes an object of options: current value is ${shown(options)}`);
}

/** Throws a TypeError when `value` is a promise, which whoever takes it would wait for without wanting to; returns it. */
export function checkNoPromise<T>(value: T, action: string): T {
  if (typeof value !== 'object' || !isThenable(value)) return value;
  throw new TypeError(`Cannot ${action} as it takes what a promise gives: current value is a promise (await it first)`);
}

/** How a value is named in a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (isThenable(value)) return 'a promise';
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `an array of ${value.length}`;
  if (value instanceof Date) return String(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const name = value.constructor?.name;
  return !name || name === 'Object' ? 'an object' : `an object of class ${name}`;
}

/** Whether `await` would wait for it. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
