/** The one place where the stand-alone parts make the errors that callers are meant to catch. */

/** What arrived cannot be read: a broken or unknown coding, an unknown charset. */
export class DecodeError extends Error {
  override get name(): string {
    return 'DecodeError';
  }
  get code(): 'CORRAL_HTTP_DECODE' {
    return 'CORRAL_HTTP_DECODE';
  }
}

/** A body is larger than was allowed. */
export class BodyLimitError extends Error {
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
  return new DecodeError(message, cause === undefined ? undefined : { cause });
}

export function bodyLimitError(message: string, limit: number): Error {
  return new BodyLimitError(message, limit);
}

/** What a schema found wrong with a value. */
export interface ValidationIssue {
  readonly message: string;
  /** Where it is, from the outside to the inside; empty for the value itself. */
  readonly path: readonly PropertyKey[];
}

/** A value is not what its schema describes. */
export class ValidationError extends Error {
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
  return new ValidationError(message, issues);
}
