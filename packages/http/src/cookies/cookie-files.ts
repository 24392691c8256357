/** Cookies in files, where the platform has files. */

import { platform, type CookieFiles } from '../platform/platform.ts';
import type { CookieJar, CookieJarOptions } from './cookie-jar.ts';

/** How cookies are written to a file. */
export type CookieFileFormat = 'json' | 'netscape';

/** Options of {@link saveCookies}. */
export interface SaveCookiesOptions {
  /** `json` keeps all; `netscape` is the `cookies.txt` of curl and wget. Default: json. */
  readonly format?: CookieFileFormat | undefined;
}

/** What {@link loadCookies} found. */
export interface LoadedCookies {
  readonly jar: CookieJar;
  /** The format of the file, to save it in again. */
  readonly format: CookieFileFormat;
}

/**
 * Writes the cookies of a jar to a file that only its owner can read (mode 0600).
 *
 * Guarantees: the file is whole, the old or the new one, whatever happens meanwhile: another is written beside it, flushed, and
 * takes its name.
 *
 * @throws when the file system does.
 */
export async function saveCookies(jar: CookieJar, path: string, options?: SaveCookiesOptions): Promise<void> {
  await files('save').save(jar, path, options);
}

/**
 * Reads cookies from a file in either format.
 *
 * @throws {TypeError} when the file is neither.
 * @throws when the file system does: with `ENOENT` when there is no such file.
 */
export async function loadCookies(path: string, options?: CookieJarOptions): Promise<LoadedCookies> {
  return files('load').load(path, options);
}

function files(action: string): CookieFiles {
  const { cookieFiles, name } = platform();
  if (cookieFiles) return cookieFiles;
  throw new TypeError(`Cannot ${action} cookies as the platform must have files: current value is '${name}'`);
}
