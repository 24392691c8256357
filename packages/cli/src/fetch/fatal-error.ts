/** The disk is full, or the report cannot be written: going on would fail for every file. */
export class FatalError extends Error {
  override readonly name = 'FatalError';
}
