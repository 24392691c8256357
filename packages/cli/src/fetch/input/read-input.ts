/** The input of a job: arguments, files and stdin, as one stream of items. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { fromNodeStream, isCancelled } from 'corral';
import { UsageError } from '../../usage-error.ts';
import { HashIndex } from '../hash-index.ts';
import { type Entry, type Fields, formatPlace, type Item, makeItem, type Place, withoutLogins } from '../item.ts';
import type { InputFormat } from '../options.ts';
import { readJsonLine } from './jsonl.ts';
import { LineSplitter } from './lines.ts';
import { readTextLine } from './text.ts';

export interface Input {
  readonly urls: readonly string[];
  readonly files: readonly string[];
  readonly format: InputFormat | undefined;
}

/** More lines than a file can have: `place = file * LINES + line`. */
const LINES = 2 ** 40;

/**
 * All that is to be fetched, in order: what is malformed is an entry too. Nothing is kept but a hash of each id and name.
 *
 * Guarantees: ids are unique. A URL that comes again without an id of its own is called `URL#2`, `URL#3`; an id or a
 * file (`out`) that is given twice is an error that names both lines.
 *
 * Cancellable: between two chunks of a file.
 * @throws {UsageError} when a file cannot be read.
 */
export class InputReader {
  readonly #input: Input;
  readonly #names: readonly string[];
  readonly #ids = new HashIndex();
  readonly #outs = new HashIndex();
  #n = 0;

  constructor(input: Input) {
    this.#input = input;
    this.#names = ['argument', ...input.files.map((file) => (file === '-' ? 'stdin' : file))];
  }

  async *entries(): AsyncGenerator<Entry> {
    for (const [index, url] of this.#input.urls.entries()) yield this.#entry(0, index + 1, () => ({ url }));
    for (const [index, file] of this.#input.files.entries()) yield* this.#file(index + 1, file);
  }

  async *#file(index: number, file: string): AsyncGenerator<Entry> {
    const format = this.#input.format ?? formatOf(file);
    const source = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 2 ** 18 });
    try {
      if (format === 'csv') yield* this.#rows(index, source);
      else yield* this.#lines(index, source, format === 'jsonl' ? readJsonLine : readTextLine);
    } catch (error) {
      if (isCancelled(error) || (error as NodeJS.ErrnoException).syscall === undefined) throw error;
      throw new UsageError(`Cannot read ${this.#names[index]}: ${(error as Error).message}`, { cause: error });
    } finally {
      if (file !== '-') source.destroy();
    }
  }

  async *#lines(index: number, source: Readable, read: (line: string) => Fields | undefined): AsyncGenerator<Entry> {
    const splitter = new LineSplitter();
    for await (const chunk of fromNodeStream<Uint8Array>(source)) {
      for (const line of splitter.push(chunk)) {
        const entry = this.#line(index, line.number, line.text, line.fault, read);
        if (entry !== undefined) yield entry;
      }
    }
    for (const line of splitter.end()) {
      const entry = this.#line(index, line.number, line.text, line.fault, read);
      if (entry !== undefined) yield entry;
    }
  }

  async *#rows(index: number, source: Readable): AsyncGenerator<Entry> {
    const { readRows } = await import('./csv.ts');
    for await (const row of readRows(source)) {
      yield this.#entry(index, row.line, () => {
        if (row.fault !== undefined) throw new UsageError(row.fault);
        const { url, out, id, sha256 } = row.fields;
        return { url, out, id, sha256 };
      });
    }
  }

  #line(
    index: number,
    number: number,
    text: string,
    fault: string | undefined,
    read: (line: string) => Fields | undefined,
  ): Entry | undefined {
    let blank = false;
    const entry = this.#entry(
      index,
      number,
      () => {
        if (fault !== undefined) throw new UsageError(fault);
        const fields = read(text);
        blank = fields === undefined;
        return fields ?? {};
      },
      () => blank,
    );
    return blank ? undefined : entry;
  }

  #entry(index: number, line: number, read: () => Fields, skip: () => boolean = () => false): Entry {
    const place: Place = { file: this.#names[index] ?? '', line };
    let url: string | undefined;
    try {
      const fields = read();
      if (skip()) return { bad: { place, message: '', url, isFatal: false } };
      url = typeof fields['url'] === 'string' ? fields['url'] : undefined;
      const item = makeItem(fields, ++this.#n, place);
      const code = index * LINES + line;
      this.#checkOut(item, code);
      return { item: this.#withUniqueId(item, fields, code) };
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      const message = `${formatPlace(place)}: Cannot fetch this as ${withoutLogins(error.message)}`;
      const shown = url === undefined ? undefined : withoutLogins(url).slice(0, 2_000);
      return { bad: { place, message, url: shown, isFatal: error instanceof DuplicateError } };
    }
  }

  #checkOut(item: Item, code: number): void {
    if (item.out === undefined) return;
    const key = item.out.toLowerCase();
    const before = this.#outs.get(key);
    if (before !== undefined) {
      throw new DuplicateError(`out must be unique: ${this.#placeOf(before)} has ${JSON.stringify(item.out)} too`);
    }
    this.#outs.set(key, code);
  }

  #withUniqueId(item: Item, fields: Fields, code: number): Item {
    const explicit = item.id !== item.url || typeof fields['id'] === 'string';
    const before = this.#ids.get(item.id);
    if (before === undefined) {
      this.#ids.set(item.id, explicit ? code : -1);
      return item;
    }
    if (explicit)
      throw new DuplicateError(`id must be unique: ${this.#placeOf(before)} has ${JSON.stringify(item.id)} too`);
    const count = before < 0 ? 1 - before : 2; // so many of this URL so far, as a negative number
    this.#ids.set(item.id, -count);
    return { ...item, id: `${item.id}#${count}` };
  }

  #placeOf(code: number): string {
    if (code < 0) return 'an earlier line';
    return formatPlace({ file: this.#names[Math.floor(code / LINES)] ?? '', line: code % LINES });
  }
}

/** Two lines want the same. */
class DuplicateError extends UsageError {}

function formatOf(file: string): InputFormat {
  if (/\.(jsonl|ndjson|json)$/i.test(file)) return 'jsonl';
  return /\.csv$/i.test(file) ? 'csv' : 'text';
}
