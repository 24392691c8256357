import { ambientAvailable, currentFrame } from '../internal/ambient.ts';
import { withFrame } from './current.ts';
import { checkOptions } from '../internal/checks.ts';
import type { Frame } from './frame.ts';

/** Options of {@link ContextVariable}. */
export interface ContextVariableOptions<T> {
  /** What it is called in messages. */
  readonly name?: string | undefined;
  /** What `get` returns where nothing was set. */
  readonly defaultValue?: T;
}

/**
 * A value that flows with the code: into what is awaited, spawned and called back, and never back out.
 *
 * A task sees what its spawner saw when it spawned it. The shape is TC39's AsyncContext.Variable.
 *
 * @example A request id that every log line can see
 * ```ts run
 * import { ContextVariable, taskGroup } from 'corral';
 *
 * const requestId = new ContextVariable<string>({ name: 'requestId', defaultValue: '-' });
 * const log = (text: string) => console.log(requestId.get(), text);
 *
 * await requestId.run('r1', () => taskGroup((group) => void group.spawn(async () => log('in a task'))));
 * ```
 */
export class ContextVariable<T> {
  readonly name: string;
  readonly #defaultValue: T | undefined;

  constructor(options?: ContextVariableOptions<T>) {
    this.name = checkOptions(options, 'new ContextVariable')?.name ?? '';
    this.#defaultValue = options?.defaultValue;
  }

  /** The value in force here. */
  get(): T | undefined {
    const variables = (currentFrame() as Frame | undefined)?.variables;
    return variables?.has(this) ? (variables.get(this) as T) : this.#defaultValue;
  }

  /**
   * Calls `fn` with `value` in force and returns what it returns.
   *
   * @throws {TypeError} where the platform has no AsyncLocalStorage: pass the value as an argument.
   */
  run<A extends readonly unknown[], R>(value: T, fn: (...args: A) => R, ...args: A): R {
    if (!ambientAvailable) {
      throw new TypeError(
        `Cannot set context variable ${this.name} as this platform has no AsyncLocalStorage: pass the value as an argument`,
      );
    }
    const frame = currentFrame() as Frame | undefined;
    const variables = new Map(frame?.variables).set(this, value);
    return withFrame({ scope: frame?.scope, variables }, (all: A) => fn(...all), args);
  }
}
