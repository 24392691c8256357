import { ScopeClosedError, isCancellation } from '../errors.ts';

/**
 * What waits in several steps: nobody need await it to be told that it was cancelled, as with the single operations that
 * it is made of. `steps` is an async function.
 */
export function quietly<T>(steps: () => Promise<T>): Promise<T> {
  const result = watched();
  return result;

  async function watched(): Promise<T> {
    try {
      return await steps();
    } catch (error) {
      if (isCancellation(error) || error instanceof ScopeClosedError) result.catch(() => {});
      throw error;
    }
  }
}
