/** What a fault is: a name in a table, parameters with their defaults, and what it does to the connection. */
import type { Exchange } from './exchange.ts';

export type Params = Readonly<Record<string, string | number | boolean>>;

export interface Fault<P extends Params = Params> {
  /** The parameters and their defaults; the kind of the default is the kind of the parameter. */
  readonly defaults: P;
  /** Answers, or does not. When it returns and the socket is still open, the next request on it is read. */
  run(exchange: Exchange, params: P): Promise<void> | void;
}

export type Faults = Readonly<Record<string, Fault>>;

export function fault<P extends Params>(
  defaults: P,
  run: (exchange: Exchange, params: P) => Promise<void> | void,
): Fault<P> {
  return { defaults, run };
}

/** Reads the parameters of a request. A misspelt one is refused: ignored, it would make a test that tests nothing. */
export function readParams<P extends Params>(defaults: P, query: Iterable<readonly [string, string]>): P {
  const params: Record<string, string | number | boolean> = { ...defaults };
  for (const [name, text] of query) {
    const standard = Object.hasOwn(defaults, name) ? defaults[name] : undefined;
    if (standard === undefined) {
      const known = Object.keys(defaults).join(', ') || 'none';
      throw new TypeError(`Cannot run the fault as its parameters are ${known}: current value is ${name}`);
    }
    if (typeof standard === 'number') params[name] = Number(text);
    else params[name] = typeof standard === 'boolean' ? text === 'true' : text;
  }
  return params as P;
}
