import { statSync } from 'node:fs';
import { UsageError } from '../usage-error.ts';
import { InputReader } from './input/read-input.ts';
import type { FetchOptions } from './options.ts';

export interface Prescan {
  /** How many entries there are, the malformed ones included. */
  readonly total: number;
}

/**
 * Reads all of the input once before anything is sent, if it can be read twice; else only what is on the command line.
 *
 * Cancellable.
 * @throws {UsageError} when an argument is no URL, a file cannot be read, a name is asked for twice, or, with --fail-fast, a
 *   line is malformed.
 */
export async function prescan(options: FetchOptions, onOut: (out: string) => void): Promise<Prescan | undefined> {
  const { urls, inputs, format, failFast } = options;
  const twice = inputs.every((file) => file !== '-' && isRegular(file));
  let total = 0;
  for await (const { item, bad } of new InputReader({ urls, files: twice ? inputs : [], format }).entries()) {
    total++;
    if (item?.out !== undefined) onOut(item.out);
    if (bad !== undefined && (failFast || bad.isFatal || bad.place.file === 'argument'))
      throw new UsageError(bad.message);
  }
  return twice ? { total } : undefined;
}

function isRegular(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch (error) {
    throw new UsageError(`Cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}
