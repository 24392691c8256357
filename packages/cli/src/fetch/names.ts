import { HashIndex } from './hash-index.ts';
import { numbered } from './safe-name.ts';

/** What `Names` knows of a path: a directory, or a file and the next number to try for whoever wants the same name. */
const DIRECTORY = 1;
const FILE = 2;
/** How many directories are remembered as they are written. */
const REMEMBERED = 1_000;

/**
 * Which names are taken. No two are alike, even where upper and lower case are the same, and no file has the name of a
 * directory that another needs.
 *
 * Guarantees: the same requests in the same order get the same names.
 */
export class Names {
  readonly #taken = new HashIndex();
  /** Some of the directories, as they are written: most files are in the same one as those before. */
  readonly #folders = new Set<string>();

  /** Takes a name as it is: one that is in the report, or that of the report itself. */
  claim(path: string): void {
    const parts = path.split('/');
    for (let end = 1; end < parts.length; end++) {
      const key = keyOf(parts.slice(0, end).join('/'));
      if (this.#taken.get(key) === undefined) this.#taken.set(key, DIRECTORY);
    }
    const key = keyOf(path);
    if (this.#taken.get(key) === undefined) this.#taken.set(key, FILE);
  }

  /** Whether a file or directory is called so, or would have to be one to hold the other. */
  has(path: string): boolean {
    return this.#taken.get(keyOf(path)) !== undefined;
  }

  /** Takes `path`, or what comes closest: `a.txt`, `a-2.txt`, `a-3.txt`. `free` may refuse names for reasons of its own. */
  allocate(path: string, free: (path: string) => boolean = () => true): string {
    const parts = path.split('/');
    const name = parts.pop() ?? '_';
    let folder = '';
    for (const part of parts) {
      folder = this.#folder(folder, part);
      if (this.#folders.has(folder)) continue;
      this.#taken.set(keyOf(folder), DIRECTORY);
      if (this.#folders.size >= REMEMBERED) this.#folders.clear();
      this.#folders.add(folder);
    }
    const found = this.#file(folder, name, free);
    this.#taken.set(keyOf(found), FILE);
    return found;
  }

  /** The directory, or beside a file of that name another one, which is the same for all who want it. */
  #folder(folder: string, name: string): string {
    let path = join(folder, name);
    if (this.#folders.has(path)) return path;
    for (let number = 2; (this.#taken.get(keyOf(path)) ?? DIRECTORY) !== DIRECTORY; number++) {
      path = join(folder, numbered(name, number));
    }
    return path;
  }

  #file(folder: string, name: string, free: (path: string) => boolean): string {
    const base = join(folder, name);
    const state = this.#taken.get(keyOf(base));
    if (state === undefined && free(base)) return base;
    for (let number = Math.max(state ?? FILE, FILE); ; number++) {
      const path = join(folder, numbered(name, number));
      if (this.#taken.get(keyOf(path)) !== undefined || !free(path)) continue;
      if (state !== undefined && state !== DIRECTORY) this.#taken.set(keyOf(base), number + 1); // the next one begins there
      return path;
    }
  }
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

function keyOf(path: string): string {
  return path.normalize('NFC').toLowerCase();
}
