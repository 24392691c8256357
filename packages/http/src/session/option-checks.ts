/** Reading options once, by their own properties alone: what is in Object.prototype reaches no request. */

import { shown } from '../internal/checks.ts';

/** What each option must be; gives the requirement when it is not. */
export type OptionChecks = Readonly<Record<string, (value: unknown) => string | undefined>>;

const NONE: object = Object.freeze(Object.create(null));

/**
 * The options that were given, as a record without a prototype. Those that are undefined are left out, but for such as are
 * checked by {@link evenUndefined}.
 *
 * @throws {TypeError} when one is unknown or not what it must be.
 */
export function checkedOptions<T extends object>(given: T | undefined, checks: OptionChecks, call: string): Partial<T> {
  if (given === undefined) return NONE;
  const read: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`Cannot call ${call} as its options are an object: current value is ${shown(given)}`);
  }
  for (const name of Object.keys(given)) {
    const value = (given as Record<string, unknown>)[name];
    if (value === undefined && checks[name] !== evenUndefined) continue;
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (!check) {
      const known = Object.keys(checks).join(', ');
      throw new TypeError(`Cannot call ${call} as its options are ${known}: current value has ${name}`);
    }
    const wanted = check(value);
    if (wanted) {
      const seen = name === 'auth' ? `a ${typeof value}` : shown(value);
      throw new TypeError(`Cannot call ${call} as { ${name} } takes ${wanted}: current value is ${seen}`);
    }
    read[name] = value;
  }
  return read as Partial<T>;
}

type Check = (value: unknown) => string | undefined;

export const anything: Check = () => undefined;
/** Who gives undefined for it is told that it will not do, and not taken to have given nothing. */
export const evenUndefined: Check = () => undefined;
export const isBoolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');
export const isString: Check = (value) => (typeof value === 'string' ? undefined : 'a string');
export const isFunction: Check = (value) => (typeof value === 'function' ? undefined : 'a function');
export const isObject: Check = (value) => (typeof value === 'object' && value !== null ? undefined : 'an object');
export const isCount: Check = (value) =>
  value === Infinity || (Number.isSafeInteger(value) && (value as number) > 0)
    ? undefined
    : 'a whole number from 1 on, or Infinity';
export const isMs: Check = (value) =>
  typeof value === 'number' && value > 0 ? undefined : 'milliseconds above 0, or Infinity';
export const isUrl: Check = (value) => (typeof value === 'string' || value instanceof URL ? undefined : 'a URL');
export const isStrings: Check = (value) =>
  Array.isArray(value) && value.every((each) => typeof each === 'string') ? undefined : 'a list of strings';
export const isFunctions: Check = (value) =>
  Array.isArray(value) && value.every((each) => typeof each === 'function') ? undefined : 'a list of functions';

export function oneOf(...values: readonly unknown[]): Check {
  return (value) => (values.includes(value) ? undefined : `one of ${values.map(shown).join(', ')}`);
}

export function falseOr(check: Check): Check {
  return (value) => {
    const wanted = value === false ? undefined : check(value);
    return wanted && `false, or ${wanted}`;
  };
}
