/** Where a download goes: the file, its part, its sidecar; and who is writing them. */

import { constants } from 'node:fs';
import { access, lstat, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
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

/** The files that are being written by this process. */
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
  const folder = dirname(path);
  // One folder may have many paths, but has one number.
  const there = await onFile(path, () => stat(folder, { bigint: true }));
  const key = `${there.dev}:${there.ino}/${name}`;
  if (!there.isDirectory()) throw new SaveFileError(path, 'ENOTDIR');
  if (busy.has(key)) throw new SaveFileError(path, 'EBUSY');
  busy.add(key);
  const leave = (): void => void busy.delete(key);
  try {
    await onFile(path, () => access(folder, constants.W_OK | constants.X_OK));
    const old = await unlessAbsent(path, () => lstat(path));
    if (old?.isDirectory()) throw new SaveFileError(path, 'EISDIR');
    if (old && !overwrite) throw new SaveFileError(path, 'EEXIST');
    return leave;
  } catch (error) {
    leave();
    throw error;
  }
}
