import { validationError, type ValidationIssue } from './internal/faults.ts';
import { shown } from './internal/checks.ts';

/**
 * What validators of many libraries have in common: version 1 of Standard Schema, as described at standardschema.dev. Zod,
 * Valibot, ArkType and others implement it.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>;
}

/** The inside of a {@link StandardSchemaV1}. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  readonly version: 1;
  /** The library. */
  readonly vendor: string;
  readonly validate: (value: unknown) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
  /** For the compiler only. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/** What validating gives: without issues it has succeeded. */
export type StandardSchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardSchemaIssue[] };

/** What a schema found wrong. */
export interface StandardSchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** How many issues a message tells; the error has all. */
const TOLD = 5;

/**
 * The value as its schema gives it: checked, and with defaults and conversions where the schema has some.
 *
 * @throws {ValidationError} when the schema refuses it: the message says where and why, `issues` has all.
 * @throws {TypeError} when that is no schema.
 */
export async function validate<Output>(schema: StandardSchemaV1<unknown, Output>, value: unknown): Promise<Output> {
  const standard = (schema as Partial<StandardSchemaV1<unknown, Output>> | null | undefined)?.['~standard'];
  if (typeof standard?.validate !== 'function') {
    throw new TypeError(`Cannot validate as it takes a Standard Schema: current value is ${shown(schema)}`);
  }
  const result = await standard.validate(value);
  if (!result.issues) return result.value;
  const issues = result.issues.map(readIssue);
  const told = issues.slice(0, TOLD).map(issueText).join('; ');
  const more = issues.length > TOLD ? ` (and ${issues.length - TOLD} more)` : '';
  throw validationError(`Cannot use a value as its schema refuses it: ${told}${more}`, issues);
}

function readIssue({ message, path }: StandardSchemaIssue): ValidationIssue {
  return { message, path: (path ?? []).map((part) => (typeof part === 'object' ? part.key : part)) };
}

function issueText({ message, path }: ValidationIssue): string {
  return path.length === 0 ? message : `${pathText(path)}: ${message}`;
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => {
    if (typeof key === 'string' && /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key)) return `.${key}`;
    return typeof key === 'string' ? `[${JSON.stringify(key)}]` : `[${String(key)}]`;
  });
  return text.join('').replace(/^\./, '');
}
