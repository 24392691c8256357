import { checkKnown, own, shown } from '../internal/checks.ts';
import { checkHeaderValue } from '../headers/validate.ts';
import { byteSource, isBlob, isFormData, type BodyData, type ByteSource } from './byte-source.ts';
import { Segments, type Segment } from './segments.ts';

/** A part of a `multipart/form-data` body. */
export interface MultipartPart {
  /** The name of the field. */
  readonly name: string;
  readonly data: BodyData;
  /** The name of the file. Default: the name of a File, `blob` for a Blob, else none: then it is a plain field. */
  readonly filename?: string | undefined;
  /** The `Content-Type` of the part. Default: that of a Blob; `application/octet-stream` with a file name; else none. */
  readonly type?: string | undefined;
  /** The length of a stream in bytes, where it is known; it must be right. Default: unknown, the body is sent in chunks. */
  readonly length?: number | undefined;
}

const PART_OPTIONS = ['name', 'data', 'filename', 'type', 'length'];
/** Up to here a body of bytes is sent in one piece. */
const IN_ONE_PIECE = 64 * 1024;

/** A `multipart/form-data` body; see {@link multipartBody}. */
export interface MultipartBody extends ByteSource {
  readonly type: string;
}

/**
 * Encodes a form with files (RFC 7578).
 *
 * Guarantees: parts are sent as they are read, one after the other, and never held; the length is known when that of all parts
 * is. The boundary is random, 192 bits of it. In names, CR, LF and `"` are percent-encoded, as browsers do, so that no name can
 * add a header or a part.
 *
 * @throws {TypeError} when a part is none, or its type has line breaks.
 */
export function multipartBody(form: FormData | readonly MultipartPart[]): MultipartBody {
  if (!isFormData(form) && !Array.isArray(form)) {
    throw new TypeError(
      `Cannot send multipart as it takes a FormData or an array of parts: current value is ${shown(form)}`,
    );
  }
  const parts = isFormData(form) ? partsOf(form) : (form as readonly MultipartPart[]);
  return new Multipart(parts.map(readPart));
}

class Multipart implements MultipartBody {
  readonly type: string;
  readonly length: number | undefined;
  readonly replayable: boolean;
  readonly #segments: readonly Segment[];
  #used = false;

  constructor(parts: readonly Part[]) {
    const boundary = `corral-${randomHex(24)}`;
    this.type = `multipart/form-data; boundary=${boundary}`;
    const encoder = new TextEncoder();
    const segments: Segment[] = parts.flatMap(({ head, source, length, name }) => [
      { bytes: encoder.encode(`--${boundary}\r\n${head}\r\n`) },
      { source, length, what: `part ${shown(name)}` },
      { bytes: encoder.encode('\r\n') },
    ]);
    this.#segments = [...segments, { bytes: encoder.encode(`--${boundary}--\r\n`) }];
    this.length = parts.some(({ length }) => length === undefined) ? undefined : sum(this.#segments);
    this.replayable = parts.every(({ source }) => source.replayable);
  }

  get used(): boolean {
    return !this.replayable && this.#used;
  }

  open(): Uint8Array | AsyncIterableIterator<Uint8Array> {
    if (this.used) {
      throw new TypeError(
        'Cannot send multipart again as a stream in it can be read only once: give a function that makes the stream',
      );
    }
    this.#used = true;
    return this.#joined() ?? new Segments(this.#segments);
  }

  async discard(): Promise<void> {
    if (this.#used) return;
    this.#used = true;
    await new Segments(this.#segments).return();
  }

  #joined(): Uint8Array | undefined {
    if (this.length === undefined || this.length > IN_ONE_PIECE) return undefined;
    if (this.#segments.some((segment) => 'source' in segment && !segment.source.bytes)) return undefined;
    const joined = new Uint8Array(this.length);
    let at = 0;
    for (const segment of this.#segments) {
      const bytes = 'bytes' in segment ? segment.bytes : (segment.source.bytes as Uint8Array);
      joined.set(bytes, at);
      at += bytes.length;
    }
    return joined;
  }
}

interface Part {
  readonly name: string;
  readonly head: string;
  readonly source: ByteSource;
  readonly length: number | undefined;
}

function partsOf(form: FormData): MultipartPart[] {
  return [...form.entries()].map(([name, data]) => ({ name, data }));
}

function readPart(part: MultipartPart): Part {
  if (typeof part !== 'object' || part === null) {
    throw new TypeError(`Cannot send multipart as its parts take objects: current value is ${shown(part)}`);
  }
  checkKnown(part, PART_OPTIONS, 'send a part');
  const name = own(part, 'name');
  if (typeof name !== 'string') {
    throw new TypeError(`Cannot send a part as its name takes a string: current value is ${shown(name)}`);
  }
  const data = own(part, 'data');
  const source = byteSource(data, `part ${shown(name)}`);
  const filename = checkText(own(part, 'filename'), 'filename', name) ?? nameOf(data);
  const type = checkText(own(part, 'type'), 'type', name) ?? typeOf(data, source, filename);
  if (type !== undefined) checkHeaderValue(`content-type of part ${shown(name)}`, type);
  const file = filename === undefined ? '' : `; filename="${escaped(filename)}"`;
  const head = `Content-Disposition: form-data; name="${escaped(name)}"${file}\r\n`;
  return {
    name,
    source,
    length: source.length ?? checkLength(own(part, 'length'), name),
    head: type === undefined ? head : `${head}Content-Type: ${type}\r\n`,
  };
}

function nameOf(data: unknown): string | undefined {
  return isBlob(data) ? ((data as Partial<File>).name ?? 'blob') : undefined;
}

function typeOf(data: unknown, source: ByteSource, filename: string | undefined): string | undefined {
  const type = isBlob(data) ? source.type : undefined;
  return type ?? (filename === undefined ? undefined : 'application/octet-stream');
}

/** As in the HTML standard, "multipart/form-data encoding algorithm". */
function escaped(name: string): string {
  return name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');
}

function checkText(value: unknown, option: string, name: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new TypeError(
    `Cannot send part ${shown(name)} as its ${option} takes a string: current value is ${shown(value)}`,
  );
}

function checkLength(length: unknown, name: string): number | undefined {
  if (length === undefined || (Number.isSafeInteger(length) && (length as number) >= 0))
    return length as number | undefined;
  throw new RangeError(
    `Cannot send part ${shown(name)} as its length takes an integer of at least 0: current value is ${shown(length)}`,
  );
}

function sum(segments: readonly Segment[]): number {
  let total = 0;
  for (const segment of segments) total += 'bytes' in segment ? segment.bytes.length : (segment.length as number);
  return total;
}

function randomHex(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
