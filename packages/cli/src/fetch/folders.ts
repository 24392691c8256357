import { lstat, mkdir, open, opendir } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** How many directories are remembered as looked at. */
const REMEMBERED = 10_000;

/** The directory that files go to, and those below it. */
export class Folders {
  readonly root: string;
  /** The root as it stands before each name. */
  readonly #prefix: string;
  /** Directories that were looked at, and whether an earlier run had left unfinished files there. */
  readonly #seen = new Map<string, Promise<boolean>>();

  constructor(root: string) {
    this.root = root;
    this.#prefix = join(root, '_').slice(0, -1);
  }

  /** Where the file with this name below the directory is. */
  path(file: string): string {
    if (file === '') return join(this.root);
    return this.#prefix + (sep === '/' ? file : file.replaceAll('/', sep)); // it has neither empty parts nor dots
  }

  /**
   * Makes the directories that `file` needs. Gives false when no earlier run has left unfinished files in its own.
   *
   * Guarantees: each of them is a directory and no link to one, so that nothing leads out of the root.
   * @throws {Error} of the file system, or when one is a link or a file.
   */
  ensure(file: string): Promise<boolean> {
    const parts = file.split('/').slice(0, -1);
    const folder = parts.join('/');
    const known = this.#seen.get(folder);
    if (known !== undefined) return known;
    if (this.#seen.size >= REMEMBERED) this.#seen.clear();
    const made = this.#make(parts);
    this.#seen.set(folder, made);
    made.catch(() => this.#seen.delete(folder)); // the next one tries again
    return made;
  }

  async #make(parts: readonly string[]): Promise<boolean> {
    await mkdir(this.root, { recursive: true });
    for (let end = 1; end <= parts.length; end++) {
      const path = this.path(parts.slice(0, end).join('/'));
      await mkdir(path).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      });
      const stats = await lstat(path);
      if (!stats.isDirectory()) throw noDirectory(path, stats.isSymbolicLink());
    }
    return this.#hasParts(parts.join('/'));
  }

  async #hasParts(folder: string): Promise<boolean> {
    for await (const { name } of await opendir(this.path(folder), { bufferSize: 1_000 })) {
      if (/\.part(?:\.json)?$/.test(name)) return true;
    }
    return false;
  }

  /** Forces the entry of a file in its directory to the disk, where the system can do that. */
  async syncEntry(file: string): Promise<void> {
    if (process.platform === 'win32') return;
    const handle = await open(join(this.path(file), '..'), 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function noDirectory(path: string, isLink: boolean): Error {
  const what = isLink ? 'a symbolic link' : 'a file';
  const message = `Cannot write below ${path} as it must be a directory: it is ${what}`;
  return Object.assign(new Error(message), { code: 'ENOTDIR', syscall: 'mkdir' });
}
