/**
 * What goes wrong in parts that know nothing of a request: who performs one makes the errors of these that callers catch.
 */

/** What arrived cannot be read: a broken or unknown coding, an unknown charset. */
export class DecodeFault extends Error {
  override get name(): string {
    return 'DecodeError';
  }
  get code(): 'CORRAL_HTTP_DECODE' {
    return 'CORRAL_HTTP_DECODE';
  }
}

/** A body is larger than was allowed. */
export class BodyLimitFault extends Error {
  /** The limit that was passed: bytes, or with `maxRatio` decoded bytes for one received. */
  readonly limit: number;
  constructor(message: string, limit: number) {
    super(message);
    this.limit = limit;
  }
  override get name(): string {
    return 'BodyLimitError';
  }
  get code(): 'CORRAL_HTTP_BODY_LIMIT' {
    return 'CORRAL_HTTP_BODY_LIMIT';
  }
}

export function decodeError(message: string, cause?: unknown): Error {
  return new DecodeFault(message, cause === undefined ? undefined : { cause });
}

export function bodyLimitError(message: string, limit: number): Error {
  return new BodyLimitFault(message, limit);
}

/** What a schema found wrong with a value. */
export interface ValidationIssue {
  readonly message: string;
  /** Where it is, from the outside to the inside; empty for the value itself. */
  readonly path: readonly PropertyKey[];
}

/** A value is not what its schema describes. */
export class ValidationFault extends Error {
  readonly issues: readonly ValidationIssue[];
  constructor(message: string, issues: readonly ValidationIssue[]) {
    super(message);
    this.issues = issues;
  }
  override get name(): string {
    return 'ValidationError';
  }
  get code(): 'CORRAL_HTTP_VALIDATION' {
    return 'CORRAL_HTTP_VALIDATION';
  }
}

export function validationError(message: string, issues: readonly ValidationIssue[]): Error {
  return new ValidationFault(message, issues);
}
