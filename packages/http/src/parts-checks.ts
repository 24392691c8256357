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

/** Throws a RangeError unless `value` is an integer of at least `least`, or Infinity. */
export function checkCount(value: unknown, action: string, least = 1): number {
  if ((Number.isInteger(value) || value === Infinity) && (value as number) >= least) return value as number;
  throw new RangeError(
    `Cannot ${action} as it takes an integer of at least ${least}, or Infinity: current value is ${shown(value)}`,
  );
}
