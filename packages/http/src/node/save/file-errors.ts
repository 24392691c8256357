import { SaveFileError } from '../../save/errors.ts';

/** Runs what works on files; the system's errors come out as SaveFileError with the path that was asked for. */
export async function onFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : new SaveFileError(path, errno, error);
  }
}

/** Like that; undefined when the file is not there. */
export async function unlessAbsent<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
  return onFile(path, async () => {
    try {
      return await work();
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  });
}

/** 'ENOENT' and the like; undefined when it is no error of the system. */
export function errnoOf(error: unknown): string | undefined {
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  return typeof code === 'string' && typeof syscall === 'string' ? code : undefined;
}
