/** Where errors go that have nobody to be thrown at: late failures of abandoned work, throwing abort listeners. */

export type ErrorReporter = (error: unknown, where: string) => void;

let reporter: ErrorReporter = (error, where) => console.error(`corral: ${where}:`, error);

/** Hands an error to a reporter, or to the one in force. */
export function report(error: unknown, where: string, to: ErrorReporter = reporter): void {
  try {
    to(error, where);
  } catch (failure) {
    console.error('corral: the error reporter failed:', failure, error);
  }
}

/** Puts another reporter in force; returns the one before. */
export function installReporter(next: ErrorReporter): ErrorReporter {
  const before = reporter;
  reporter = next;
  return before;
}
