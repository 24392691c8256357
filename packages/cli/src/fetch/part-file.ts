/** `NAME.part`, a file that is not complete, and `NAME.part.json`, which says of what it is a part. */
import { createHash, type Hash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, readFile, rename, rm, writeFile } from 'node:fs/promises';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR, O_WRONLY } = constants;
/** So much is collected before it is written. */
const BATCH_BYTES = 2 ** 18;
/** Windows has no O_NOFOLLOW. */
const NO_FOLLOW = O_NOFOLLOW ?? 0;

/** Of what a file is a part. A server that says that `validator` still holds will send the rest of the same thing. */
export interface Sidecar {
  readonly v: 1;
  readonly url: string;
  readonly finalUrl: string;
  /** A strong ETag, or a Last-Modified that is old enough: what If-Range takes. */
  readonly validator: string;
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly total: number | null;
}

/** A part of an earlier attempt that can be gone on with. */
export interface Resumable {
  readonly sidecar: Sidecar;
  readonly bytes: number;
}

/** What is there of `path`, if it can be gone on with. */
export async function findPart(path: string, url: string): Promise<Resumable | undefined> {
  try {
    const sidecar = JSON.parse(await readFile(`${path}.part.json`, 'utf8')) as Partial<Sidecar> | null;
    const stats = await lstat(`${path}.part`);
    if (sidecar?.v !== 1 || sidecar.url !== url || typeof sidecar.validator !== 'string') return undefined;
    if (!stats.isFile() || stats.size === 0 || stats.size > (sidecar.total ?? Infinity)) return undefined;
    return { sidecar: sidecar as Sidecar, bytes: stats.size };
  } catch {
    return undefined; // there is none, or it was cut off
  }
}

export async function removePart(path: string): Promise<void> {
  await rm(`${path}.part.json`, { force: true }); // first: a sidecar must never describe another part
  await rm(`${path}.part`, { force: true });
}

/**
 * Writes `NAME.part` and makes it `NAME` when it is complete.
 *
 * Guarantees: whenever the process dies, there is nothing, or the sidecar describes what is in the part, or the whole file
 * is there under its name. Links are not followed.
 */
export class PartFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #hash: Hash;
  readonly #hasSidecar: boolean;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #bytes: number;
  #open = true;

  /** A new one; with a sidecar it can be gone on with later. `isClean` when there is nothing that is to be removed first. */
  static async create(path: string, sidecar: Sidecar | undefined, isClean: boolean): Promise<PartFile> {
    if (!isClean) await removePart(path);
    const handle = await open(`${path}.part`, O_CREAT | O_EXCL | O_WRONLY | NO_FOLLOW, 0o666);
    try {
      if (sidecar !== undefined) await writeFile(`${path}.part.json`, JSON.stringify(sidecar), { flag: 'wx' });
      return new PartFile(path, handle, createHash('sha256'), 0, sidecar !== undefined);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Goes on with what `findPart` has found. */
  static async reopen(path: string, { bytes }: Resumable): Promise<PartFile> {
    const handle = await open(`${path}.part`, O_RDWR | NO_FOLLOW);
    try {
      const hash = createHash('sha256');
      const buffer = Buffer.allocUnsafe(2 ** 20);
      for (let at = 0; at < bytes;) {
        const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, bytes - at), at);
        if (bytesRead === 0) throw new Error(`Cannot go on with ${path}.part as it became shorter`);
        hash.update(buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
      return new PartFile(path, handle, hash, bytes, true);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  private constructor(path: string, handle: FileHandle, hash: Hash, bytes: number, hasSidecar: boolean) {
    this.path = path;
    this.#handle = handle;
    this.#hash = hash;
    this.#bytes = bytes;
    this.#hasSidecar = hasSidecar;
  }

  /** Whether a later attempt can go on with what is written. */
  get isResumable(): boolean {
    return this.#hasSidecar;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a chunk, which must not be changed afterwards. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    this.#batch.push(chunk);
    this.#batchBytes += chunk.length;
    this.#bytes += chunk.length;
    if (this.#batchBytes >= BATCH_BYTES) await this.#writeBatch();
  }

  /** The sha256 of all that was written; to be called once. */
  digest(): string {
    return this.#hash.digest('hex');
  }

  /** All of it is there: gives it its name, `path` if it is to be another one. */
  async commit(options: {
    readonly path?: string;
    readonly fsync: boolean;
    readonly modified: Date | undefined;
  }): Promise<void> {
    await this.#writeBatch();
    if (options.modified !== undefined) await this.#handle.utimes(options.modified, options.modified);
    if (options.fsync) await this.#handle.sync();
    if (this.#bytes > BATCH_BYTES) await this.#checkItIsOurs();
    await this.#close();
    if (this.#hasSidecar) await rm(`${this.path}.part.json`, { force: true });
    await rename(`${this.path}.part`, options.path ?? this.path);
  }

  /** It ends here for now; what was written stays if it can be gone on with. Does nothing after `commit`. */
  async leave(): Promise<void> {
    if (!this.#open) return;
    try {
      if (this.#hasSidecar) await this.#writeBatch();
    } finally {
      await this.#close();
      if (!this.#hasSidecar) await removePart(this.path);
    }
  }

  /** Another process that fetches to the same name has put its own beginning where our part was. */
  async #checkItIsOurs(): Promise<void> {
    const name = `${this.path}.part`;
    const [ours, found] = await Promise.all([this.#handle.stat({ bigint: true }), statOf(name)]);
    if (ours.ino === found?.ino && ours.dev === found.dev) return;
    const message = `Cannot rename ${name} as it must be what was written: another process has replaced it`;
    throw Object.assign(new Error(message), { code: 'EBUSY', syscall: 'rename' });
  }

  async #writeBatch(): Promise<void> {
    let batch = this.#batch;
    let left = this.#batchBytes;
    this.#batch = [];
    this.#batchBytes = 0;
    while (left > 0) {
      const at = this.#bytes - left;
      const { bytesWritten } = await this.#handle.writev(batch, at);
      left -= bytesWritten;
      if (left > 0) batch = [Buffer.concat(batch).subarray(bytesWritten)]; // a full disk, or a signal
    }
  }

  async #close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#handle.close();
  }
}

function statOf(path: string): Promise<BigIntStats | undefined> {
  return lstat(path, { bigint: true }).catch(() => undefined);
}
