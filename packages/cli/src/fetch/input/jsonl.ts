import { UsageError } from '../../usage-error.ts';
import type { Fields } from '../item.ts';

const KNOWN = new Set(['url', 'out', 'id', 'headers', 'sha256', 'method', 'body']);

/**
 * A line of a JSONL list; undefined when it is blank. Fields that are not known are left alone: lists carry what others need.
 *
 * @throws {UsageError} when it is no JSON object.
 */
export function readJsonLine(line: string): Fields | undefined {
  if (line.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new UsageError(`it must be JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`it must be a JSON object: current value is ${line.slice(0, 80)}`);
  }
  const wrongCase = Object.keys(value).find((key) => !KNOWN.has(key) && KNOWN.has(key.toLowerCase()));
  if (wrongCase !== undefined)
    throw new UsageError(`its field "${wrongCase}" must be written "${wrongCase.toLowerCase()}"`);
  return value as Fields;
}
