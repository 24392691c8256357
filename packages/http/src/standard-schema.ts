export interface StandardSchemaV1<Input = unknown, Output = Input> { readonly '~standard': { validate(value: unknown): unknown; types?: { input: Input; output: Output } | undefined } }
export async function validate<T>(_schema: StandardSchemaV1<unknown, T>, value: unknown): Promise<T> { return value as T; }
