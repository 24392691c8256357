import type { Scope } from 'corral';
import type { SaveProgress, SaveToOptions } from './contract.ts';

/** The options, read once and checked. */
export interface SaveSettings {
  readonly resume: boolean;
  readonly sha256: string | undefined;
  readonly onProgress: ((progress: SaveProgress) => void) | undefined;
  readonly overwrite: boolean;
  readonly fsync: boolean;
  readonly maxBytes: number;
  readonly attempts: number;
  readonly url: string | undefined;
  readonly scope: Scope | undefined;
}

const NAMES = ['resume', 'sha256', 'onProgress', 'overwrite', 'fsync', 'maxBytes', 'attempts', 'url', 'scope'];

/** Throws a TypeError or RangeError for what cannot be meant. */
export function readSettings(options: SaveToOptions | undefined): SaveSettings {
  if (options !== undefined && (typeof options !== 'object' || options === null)) {
    throw new TypeError(`Cannot save as it takes an object of options: current value is ${shown(options)}`);
  }
  const given = new Map<string, unknown>(Object.entries(options ?? {}));
  for (const name of given.keys()) {
    if (!NAMES.includes(name)) {
      throw new TypeError(`Cannot save as its options are ${NAMES.join(', ')}: current value is ${shown(name)}`);
    }
  }
  const flag = (name: string, otherwise: boolean): boolean =>
    checked(name, given.get(name) ?? otherwise, 'true or false', (value) => typeof value === 'boolean') as boolean;
  const count = (name: string, otherwise: number, least: number): number => {
    const fits = (value: unknown): boolean =>
      value === Infinity || (Number.isSafeInteger(value) && Number(value) >= least);
    const what = `an integer of at least ${least}, or Infinity`;
    return checked(name, given.get(name) ?? otherwise, what, fits, RangeError) as number;
  };
  const digest = checked('sha256', given.get('sha256'), '64 hexadecimal digits', isDigest) as string | undefined;
  return {
    resume: flag('resume', false),
    sha256: digest?.toLowerCase(),
    onProgress: checked(
      'onProgress',
      given.get('onProgress'),
      'a function',
      isAbsentOr('function'),
    ) as SaveSettings['onProgress'],
    overwrite: flag('overwrite', true),
    fsync: flag('fsync', false),
    maxBytes: count('maxBytes', Infinity, 0),
    attempts: count('attempts', 4, 1),
    url: checked('url', given.get('url'), 'a string', isAbsentOr('string')) as string | undefined,
    scope: given.get('scope') as Scope | undefined, // corral checks it
  };
}

function checked(
  name: string,
  value: unknown,
  what: string,
  fits: (value: unknown) => boolean,
  Kind: new (message: string) => Error = TypeError,
): unknown {
  if (fits(value)) return value;
  throw new Kind(`Cannot save as ${name} takes ${what}: current value is ${shown(value)}`);
}

function isAbsentOr(type: 'function' | 'string'): (value: unknown) => boolean {
  return (value) => value === undefined || typeof value === type;
}

function isDigest(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value));
}

function isSimple(value: unknown): value is number | boolean | null | undefined {
  return value === null || ['number', 'boolean', 'undefined'].includes(typeof value);
}

function shown(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value)
    : isSimple(value)
      ? String(value)
      : `of type ${typeof value}`;
}
