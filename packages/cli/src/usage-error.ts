/** What was asked for makes no sense: the message says which option, and what is wanted. The process ends with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
