import { lstat, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';

/** How many directories are remembered as looked at. */
const REMEMBERED = 10_000;

/** The directory that files go to, and those below it. */
export class Folders {
  readonly root: string;
  readonly #seen = new Set<string>();

  constructor(root: string) {
    this.root = root;
  }

  /** Where the file with this name below the directory is. */
  path(file: string): string {
    return join(this.root, file);
  }

  /**
   * Makes the directories that `file` needs.
   *
   * Guarantees: each of them is a directory and no link to one, so that nothing leads out of the root.
   * @throws {Error} of the file system, or when one is a link or a file.
   */
  async ensure(file: string): Promise<void> {
    const parts = file.split('/').slice(0, -1);
    const whole = parts.join('/');
    if (this.#seen.has(whole)) return;
    await mkdir(this.root, { recursive: true });
    for (let end = 1; end <= parts.length; end++) {
      const path = this.path(parts.slice(0, end).join('/'));
      await mkdir(path).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      });
      const stats = await lstat(path);
      if (!stats.isDirectory()) {
        const what = stats.isSymbolicLink() ? 'a symbolic link' : 'a file';
        throw Object.assign(new Error(`Cannot write below ${path} as it must be a directory: it is ${what}`), {
          code: 'ENOTDIR',
          syscall: 'mkdir',
        });
      }
    }
    if (this.#seen.size >= REMEMBERED) this.#seen.clear();
    this.#seen.add(whole);
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
