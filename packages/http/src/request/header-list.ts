/** Headers as they are sent: names and values in turns. */

import { checkHeaderName, checkHeaderValue } from '../headers/validate.ts';

/** Headers as a caller may give them. A value of undefined takes a header of the session away. */
export type HeadersInput =
  | Headers
  | Readonly<Record<string, string | number | readonly string[] | undefined>>
  | readonly (readonly [name: string, value: string])[];

/** Headers that the wire sets by itself: setting them by hand lets one message be read as two. */
const FRAMING = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'proxy-connection',
]);

export class HeaderList {
  readonly flat: readonly string[];

  /** Names in lower case and checked. */
  constructor(flat: readonly string[]) {
    this.flat = flat;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** The first value. */
  get(name: string): string | undefined {
    const { flat } = this;
    for (let at = 0; at < flat.length; at += 2) if (flat[at] === name) return flat[at + 1];
    return undefined;
  }

  /** These, with those of `other` instead of the ones of the same name. */
  with(other: readonly string[], removed: readonly string[] = []): HeaderList {
    if (other.length === 0 && removed.length === 0) return this;
    const names = new Set(removed);
    for (let at = 0; at < other.length; at += 2) names.add(other[at] as string);
    return new HeaderList([...this.#except(names), ...other]);
  }

  without(names: ReadonlySet<string>): HeaderList {
    return new HeaderList(this.#except(names));
  }

  #except(names: ReadonlySet<string>): string[] {
    const kept: string[] = [];
    for (let at = 0; at < this.flat.length; at += 2) {
      const name = this.flat[at] as string;
      if (!names.has(name)) kept.push(name, this.flat[at + 1] as string);
    }
    return kept;
  }
}

/** What a caller gave, checked. */
export interface ReadHeaders {
  readonly flat: string[];
  readonly removed: string[];
}

/** @throws {TypeError} when a name or value may not be sent. The value is not shown: it may be a secret. */
export function readHeaders(given: HeadersInput | undefined, call: string): ReadHeaders {
  const flat: string[] = [];
  const removed: string[] = [];
  for (const [given_, value] of pairs(given, call)) {
    const name = given_.toLowerCase();
    checkHeaderName(name);
    if (FRAMING.has(name)) {
      throw new TypeError(`Cannot ${call} as the header ${name} is set by the connection: leave it out`);
    }
    if (value === undefined) removed.push(name);
    else for (const each of Array.isArray(value) ? value : [value]) flat.push(name, checked(name, each));
  }
  return { flat, removed };
}

function checked(name: string, value: unknown): string {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string')
    throw new TypeError(
      `Cannot send the header ${name} as its value must be a string: current value is of type ${typeof value}`,
    );
  checkHeaderValue(name, text);
  return text;
}

function pairs(given: HeadersInput | undefined, call: string): Iterable<readonly [string, unknown]> {
  if (given === undefined) return [];
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(
      `Cannot ${call} as { headers } takes an object, pairs or Headers: current value is ${String(given)}`,
    );
  }
  if (typeof (given as Headers).entries === 'function' && typeof (given as Headers).append === 'function') {
    return (given as Headers).entries();
  }
  // Arrays, and what else gives pairs, such as a Map.
  if (Symbol.iterator in given) return Array.from(given as Iterable<unknown>, (pair) => checkPair(pair, call));
  return Object.entries(given);
}

function checkPair(pair: unknown, call: string): readonly [string, unknown] {
  if (Array.isArray(pair) && pair.length === 2) return pair as [string, unknown];
  throw new TypeError(
    `Cannot ${call} as { headers } given as a list takes pairs of name and value: current value is ${String(pair)}`,
  );
}
