/**
 * NAME.part, from its first byte until it is renamed.
 *
 * Invariant, whenever the process may be killed: when there is a sidecar, all bytes of the part are of the version that
 * it names. So it goes first and comes last when the part begins anew, and there is none for bytes of unknown version.
 */

import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SaveFileError } from '../../save/errors.ts';
import type { Version } from '../../save/version.ts';
import { errnoOf, onFile, unlessAbsent } from './file-errors.ts';
import type { Place } from './place.ts';
import { O_NOFOLLOW, readSidecar, removeSidecar, writeSidecar } from './sidecar.ts';

const { O_CREAT, O_EXCL, O_RDWR, O_WRONLY } = constants;
const READ_BYTES = 256 * 1024;

export class PartFile {
  readonly #place: Place;
  #file: FileHandle | undefined;
  #size = 0;
  #version: Version | undefined;
  #ours = false;
  /** Which file it is: another process may put its own in its place. */
  #id = '';

  constructor(place: Place) {
    this.#place = place;
  }

  /** Whether there is a part that this download has made or goes on with. */
  get begun(): boolean {
    return this.#ours;
  }

  /** How many bytes are in it. */
  get size(): number {
    return this.#size;
  }

  /** Opens what an earlier run has left, and says of which version it is; undefined when it is of no use. */
  async reopen(): Promise<Version | undefined> {
    const version = await readSidecar(this.#place);
    if (version?.validator === undefined) return undefined;
    const { path, part } = this.#place;
    const file = await unlessAbsent(path, () => open(part, O_RDWR | O_NOFOLLOW));
    if (!file) return undefined;
    const stat = await onFile(path, () => file.stat({ bigint: true }));
    const size = Number(stat.size);
    // With a second name it might be a file that somebody wants to keep as it is.
    if (!stat.isFile() || stat.nlink > 1n || size === 0 || size > (version.total ?? Infinity)) {
      await file.close();
      return undefined;
    }
    this.#file = file;
    this.#id = idOf(stat);
    this.#size = size;
    this.#version = version;
    this.#ours = true;
    return version;
  }

  /** Begins anew. With a version, what is written can be gone on with by another run. */
  async begin(version: Version | undefined): Promise<void> {
    const { path } = this.#place;
    await this.close();
    await removeSidecar(this.#place);
    if (version) {
      await removeOld(this.#place);
      await writeSidecar(this.#place, version, 0);
    }
    this.#version = version;
    const file = await onFile(path, () => create(this.#place));
    this.#file = file;
    this.#id = idOf(await onFile(path, () => file.stat({ bigint: true })));
    this.#ours = true;
    this.#size = 0;
  }

  /** Appends. All of it is there when it resolves. */
  async write(chunks: Uint8Array[]): Promise<void> {
    const file = this.#file as FileHandle;
    let rest = chunks;
    while (rest.length > 0) {
      const pieces = rest;
      const { bytesWritten } = await onFile(this.#place.path, () => file.writev(pieces, this.#size));
      this.#size += bytesWritten;
      rest = after(pieces, bytesWritten);
    }
  }

  /** Reads what is in it from the beginning. */
  async read(use: (chunk: Uint8Array) => void): Promise<void> {
    const file = this.#file as FileHandle;
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    for (let at = 0; at < this.#size;) {
      const length = Math.min(READ_BYTES, this.#size - at);
      const from = at;
      const { bytesRead } = await onFile(this.#place.path, () => file.read(buffer, 0, length, from));
      if (bytesRead === 0) throw new SaveFileError(this.#place.path, 'EIO'); // somebody has cut it meanwhile
      use(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  }

  /** Gives it its name. Not undone by anything that comes after. */
  async commit({ overwrite, fsync }: { readonly overwrite: boolean; readonly fsync: boolean }): Promise<void> {
    const { path, part } = this.#place;
    if (fsync) await onFile(path, () => (this.#file as FileHandle).sync());
    // Half of what another process is writing must not get the name.
    if (!(await this.#isThere())) throw new SaveFileError(path, 'EBUSY');
    await this.close();
    await onFile(path, () => (overwrite ? rename(part, path) : renameToNew(part, path)));
    this.#ours = false;
    if (this.#version) await removeSidecar(this.#place);
    if (fsync) await onFile(path, () => syncFolder(dirname(path)));
  }

  /** Leaves it for another run; one of unknown version is removed. */
  async keep(): Promise<void> {
    if (!this.#version) return this.remove();
    const there = await this.#isThere();
    await this.close();
    if (there) await writeSidecar(this.#place, this.#version, this.#size);
  }

  /** Removes it, if it is ours. */
  async remove(): Promise<void> {
    if (!this.#ours) return;
    this.#ours = false;
    const there = await this.#isThere();
    await this.close();
    if (!there) return;
    await removeSidecar(this.#place);
    await unlessAbsent(this.#place.path, () => unlink(this.#place.part));
  }

  /**
   * Whether what has the name of the part is what was written here, and not what another process has put there. Asked
   * before it is closed: after, its number may be given to another file.
   */
  async #isThere(): Promise<boolean> {
    const { path, part } = this.#place;
    const there = await unlessAbsent(path, () => lstat(part, { bigint: true }));
    return there !== undefined && idOf(there) === this.#id;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file) await onFile(this.#place.path, () => file.close());
  }
}

function idOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** Makes the part. That there is none is tried first: it is what is to be expected. */
async function create(place: Place): Promise<FileHandle> {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  try {
    return await open(place.part, flags, 0o666);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    await removeOld(place);
    return open(place.part, flags, 0o666);
  }
}

/** Removes the part of an earlier run. A link that was put there is not ours to remove, let alone to follow. */
async function removeOld({ path, part }: Place): Promise<void> {
  const there = await unlessAbsent(path, () => lstat(part));
  if (!there) return;
  if (there.isSymbolicLink()) throw new SaveFileError(part, 'ELOOP');
  if (there.isDirectory()) throw new SaveFileError(part, 'EISDIR');
  await unlessAbsent(path, () => unlink(part));
}

/** A rename that replaces nothing, also when the file has come meanwhile. */
async function renameToNew(part: string, path: string): Promise<void> {
  try {
    await link(part, path);
  } catch (error) {
    const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errnoOf(error) ?? '');
    if (!noLinks) throw error;
    if (await unlessAbsent(path, () => lstat(path))) throw new SaveFileError(path, 'EEXIST');
    return rename(part, path);
  }
  await unlink(part);
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // it cannot be opened there
  const file = await open(folder, constants.O_RDONLY);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What is left of chunks when so many bytes have gone: the disk may take less than it is given. */
function after(chunks: Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  let index = 0;
  while (index < chunks.length && left >= (chunks[index] as Uint8Array).length) {
    left -= (chunks[index] as Uint8Array).length;
    index++;
  }
  const rest = chunks.slice(index);
  if (left > 0) rest[0] = (rest[0] as Uint8Array).subarray(left);
  return rest;
}
