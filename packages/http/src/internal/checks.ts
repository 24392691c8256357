/** Checks of what callers hand in. Grammar: "Cannot <do> as <requirement>: current value is <x>". */

/** How a value is named in a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `an array of ${value.length}`;
  if (typeof value !== 'object' || value === null) return String(value);
  const name = value.constructor?.name;
  return !name || name === 'Object' ? 'an object' : `an object of class ${name}`;
}

/**
 * The options of an object, read once: those of its own that are known, as what somebody put on a prototype is no option.
 *
 * @throws {TypeError} when it is no object, or has others.
 */
export function readOptions<T extends object>(
  options: T | undefined,
  known: readonly (keyof T & string)[],
  call: string,
): { readonly [K in keyof T]?: T[K] } {
  const read = Object.create(null) as { [K in keyof T]?: T[K] };
  if ((options ?? undefined) === undefined) return read;
  if (typeof options !== 'object') {
    throw new TypeError(`Cannot ${call} as it takes an object of options: current value is ${shown(options)}`);
  }
  for (const key of Object.keys(options) as (keyof T & string)[]) {
    if (!known.includes(key)) {
      throw new TypeError(`Cannot ${call} as its options are ${known.join(', ')}: current value is ${shown(key)}`);
    }
    if (options[key] !== undefined) read[key] = options[key];
  }
  return read;
}

/** Throws a RangeError unless `value` is an integer of at least `least`, or Infinity where that is allowed. */
export function checkCount(value: unknown, action: string, least = 1, infinite = true): number {
  if ((Number.isSafeInteger(value) || (infinite && value === Infinity)) && (value as number) >= least) {
    return value as number;
  }
  const what = `an integer of at least ${least}${infinite ? ', or Infinity' : ''}`;
  throw new RangeError(`Cannot ${action} as it takes ${what}: current value is ${shown(value)}`);
}

/** Throws a RangeError unless `value` is a number from `least` to `most`. */
export function checkBetween(value: unknown, action: string, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw new RangeError(
    `Cannot ${action} as it takes a number from ${least} to ${most}: current value is ${shown(value)}`,
  );
}

/** Throws a RangeError unless `value` is a positive number of milliseconds, or Infinity. */
export function checkPositiveMs(value: unknown, action: string): number {
  if (typeof value === 'number' && value > 0) return value;
  throw new RangeError(
    `Cannot ${action} as it takes milliseconds above 0, or Infinity for none: current value is ${shown(value)}`,
  );
}

/** Throws a TypeError unless `value` is one of some words. */
export function checkOneOf<T extends string>(value: T, words: readonly T[], action: string): T {
  if (words.includes(value)) return value;
  throw new TypeError(`Cannot ${action} as it takes ${words.join(' or ')}: current value is ${shown(value)}`);
}

/** A property of the object itself: what somebody put on a prototype is no option. */
export function own(options: object, key: string): unknown {
  return Object.hasOwn(options, key) ? (options as Record<string, unknown>)[key] : undefined;
}

/** Throws a TypeError when an object has options that are not known. */
export function checkKnown(options: object, known: readonly string[], action: string): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw new TypeError(`Cannot ${action} as its options are ${known.join(', ')}: current value has ${shown(key)}`);
  }
}
