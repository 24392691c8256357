/** Where a download goes: the file, its part, its sidecar; and who is writing them. */

import { constants } from 'node:fs';
import { access, lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SaveFileError } from '../../save/errors.ts';
import { onFile, unlessAbsent } from './file-errors.ts';

export interface Place {
  readonly path: string;
  readonly part: string;
  readonly sidecar: string;
}

/** What is added to the longest of the names, and what file systems allow. */
const SIDECAR = '.part.json';
const NAME_BYTES = 255 - `${SIDECAR}~`.length;

/** The files that are being written by this process, by the real path of their folder. */
const busy = new Set<string>();

/** Throws a TypeError for what is no path. */
export function placeOf(path: string | URL): Place {
  const given = path instanceof URL && path.protocol === 'file:' ? fileURLToPath(path) : path;
  if (typeof given !== 'string' || given === '' || given.includes('\0')) {
    const shown = typeof given === 'string' ? JSON.stringify(given) : given instanceof URL ? given.href : typeof given;
    throw new TypeError(`Cannot save as it takes a path or a file: URL: current value is ${shown}`);
  }
  const absolute = resolve(given);
  if (/[/\\]$/.test(given) && !isName(given)) throw new SaveFileError(absolute, 'EISDIR');
  return { path: absolute, part: `${absolute}.part`, sidecar: absolute + SIDECAR };
}

/** A backslash ends a name where it does not divide them. */
function isName(given: string): boolean {
  return given.endsWith('\\') && basename('a\\b') === 'a\\b';
}

/**
 * Refuses what cannot be written, and what is being written; returns how to give the place up.
 *
 * @throws {SaveFileError} with the name that the system has for it.
 */
export async function claim(place: Place, overwrite: boolean): Promise<() => void> {
  const { path } = place;
  const name = basename(path);
  if (name === '') throw new SaveFileError(path, 'EISDIR');
  if (Buffer.byteLength(name) > NAME_BYTES) throw new SaveFileError(path, 'ENAMETOOLONG');
  const folder = await onFile(path, () => realpath(dirname(path)));
  const key = join(folder, name);
  if (busy.has(key)) throw new SaveFileError(path, 'EBUSY');
  busy.add(key);
  const leave = (): void => void busy.delete(key);
  try {
    if (!(await onFile(path, () => lstat(folder))).isDirectory()) throw new SaveFileError(path, 'ENOTDIR');
    await onFile(path, () => access(folder, constants.W_OK | constants.X_OK));
    const there = await unlessAbsent(path, () => lstat(path));
    if (there?.isDirectory()) throw new SaveFileError(path, 'EISDIR');
    if (there && !overwrite) throw new SaveFileError(path, 'EEXIST');
    return leave;
  } catch (error) {
    leave();
    throw error;
  }
}
