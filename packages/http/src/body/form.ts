import { shown } from '../internal/checks.ts';

/** A value of a form; what is undefined is left out. */
export type FormValue = string | number | bigint | boolean | undefined;

/** The fields of a form, or of a query: an array gives its name several times. */
export type FormFields =
  | URLSearchParams
  | Readonly<Record<string, FormValue | readonly FormValue[]>>
  | readonly (readonly [name: string, value: FormValue])[];

/**
 * Encodes fields as `application/x-www-form-urlencoded`.
 *
 * @throws {TypeError} when a value is neither text nor number nor boolean: `[object Object]` is what nobody means.
 */
export function encodeForm(fields: FormFields): string {
  if (fields instanceof URLSearchParams) return String(fields);
  if (typeof fields !== 'object' || fields === null) {
    throw new TypeError(`Cannot send a form as it takes fields: current value is ${shown(fields)}`);
  }
  const encoded = new URLSearchParams();
  for (const [name, value] of pairsOf(fields)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (one !== undefined) encoded.append(name, fieldText(name, one));
    }
  }
  return String(encoded);
}

function pairsOf(fields: Exclude<FormFields, URLSearchParams>): readonly (readonly [string, unknown])[] {
  if (!Array.isArray(fields)) return Object.entries(fields);
  for (const pair of fields as readonly unknown[]) {
    if (Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string') continue;
    throw new TypeError(`Cannot send a form as an array of it takes [name, value]: current value has ${shown(pair)}`);
  }
  return fields as readonly (readonly [string, unknown])[];
}

function fieldText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  throw new TypeError(
    `Cannot send form field ${shown(name)} as it takes a string, number or boolean: current value is ${shown(value)}`,
  );
}
