import { constants } from 'node:buffer';
import { decodeError } from '../internal/faults.ts';
import { createDecoder, optionsOf, wholeDecoder, type Coding, type Decoder, type WholeDecoder } from './codings.ts';
import { checkLimits, limitPassed, mostDecoded, type DecodeLimits } from './decode-limits.ts';

/**
 * Undoes the content codings of a body that is there as a whole.
 *
 * The codings are in the order in which they were applied, as `parseCodings` gives them. An empty body stays empty. What ends
 * too early is an error, and so is what follows the end, as it may be anything; only the zeros that pad some gzip files are
 * ignored. Every step of the way is bound by the limits.
 *
 * @throws {DecodeError} when the bytes are broken, cut short, or more than was encoded.
 * @throws {BodyLimitError} when it grows beyond a limit, before it has.
 */
export async function decodeWhole(
  bytes: Uint8Array,
  codings: readonly Coding[],
  limits: DecodeLimits,
): Promise<Uint8Array> {
  checkLimits(limits);
  if (bytes.length > limits.maxBytes && codings.length === 0) throw limitPassed(bytes.length, limits);
  const most = mostDecoded(bytes.length, limits);
  let decoded = bytes;
  for (const coding of [...codings].reverse()) {
    const [first] = decoded;
    if (first === undefined) break;
    decoded = await decodeOnce(wholeDecoder(coding, first), decoded, coding, most, limits);
  }
  return decoded;
}

function decodeOnce(
  decode: WholeDecoder,
  bytes: Uint8Array,
  coding: Coding,
  most: number,
  limits: DecodeLimits,
): Promise<Uint8Array> {
  // Zero is no bound for zlib; what was decoded is compared below.
  const maxOutputLength = Math.min(Math.max(most, 1), constants.MAX_LENGTH);
  return new Promise((resolve, reject) => {
    decode(bytes, { ...optionsOf(coding), maxOutputLength, info: true }, (error, result) => {
      if ((error as { readonly code?: unknown } | null)?.code === 'ERR_BUFFER_TOO_LARGE')
        reject(limitPassed(most + 1, limits));
      else if (error) reject(broken(coding, error));
      else if (result.buffer.length > most) reject(limitPassed(result.buffer.length, limits));
      else if (followed(coding, bytes.subarray(result.engine.bytesWritten))) reject(tooMuch(coding));
      else resolve(result.buffer);
    });
  });
}

/**
 * Undoes the content codings of a body while it comes; with the same guarantees as {@link decodeWhole}.
 *
 * Nothing is read ahead: a chunk is asked for when all that came of the one before has been taken, and about 64 KiB of decoded
 * bytes for each coding are in memory. Whoever stops early (`return()`, `break`) ends zlib's streams, and the source is
 * returned. What the source throws is passed on as it is.
 *
 * Cancellable: as the source is.
 */
export function decodeStream(
  source: AsyncIterable<Uint8Array>,
  codings: readonly Coding[],
  limits: DecodeLimits,
): AsyncIterable<Uint8Array> {
  checkLimits(limits);
  const account: Account = { received: 0, limits };
  let decoded: AsyncIterable<Uint8Array> = counted(source, account, codings.length === 0);
  for (const coding of [...codings].reverse()) {
    const inner = decoded;
    decoded = { [Symbol.asyncIterator]: () => new Stage(inner[Symbol.asyncIterator](), coding, account) };
  }
  return decoded;
}

/** What all stages of a chain share: the ratio is that of the last to the wire. */
interface Account {
  received: number;
  readonly limits: DecodeLimits;
}

function counted(source: AsyncIterable<Uint8Array>, account: Account, limited: boolean): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const chunks = source[Symbol.asyncIterator]();
      const count = (result: IteratorResult<Uint8Array>): IteratorResult<Uint8Array> => {
        if (!result.done) account.received += result.value.length;
        return result;
      };
      const checked = async (): Promise<IteratorResult<Uint8Array>> => {
        const result = count(await chunks.next());
        if (account.received <= account.limits.maxBytes) return result;
        await quietly(() => chunks.return?.());
        throw limitPassed(account.received, account.limits);
      };
      return {
        next: limited ? checked : () => chunks.next().then(count),
        return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

/** One coding undone. One thing at a time: it reads from zlib, or waits for zlib, or asks the source for more. */
class Stage implements AsyncIterableIterator<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #coding: Coding;
  readonly #account: Account;
  readonly #chunks: AsyncGenerator<Uint8Array>;
  #decoder: Decoder | undefined = undefined;
  #given = 0;
  #decoded = 0;
  /** Whether zlib works on something it was given. */
  #busy = false;
  /** Whether zlib has left something lying, so that nothing more is for it. */
  #past = false;
  /** Whether zlib has given all. */
  #ended = false;
  #sourceEnded = false;
  #closed = false;
  #failure: Error | undefined = undefined;
  #wake: (() => void) | undefined = undefined;

  constructor(source: AsyncIterator<Uint8Array>, coding: Coding, account: Account) {
    this.#source = source;
    this.#coding = coding;
    this.#account = account;
    this.#chunks = this.#run();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return this.#chunks.next();
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    await this.#close();
    return { done: true, value: undefined };
  }

  async *#run(): AsyncGenerator<Uint8Array> {
    try {
      while (!this.#closed) {
        const chunk = this.#take();
        if (chunk) yield chunk;
        else if (this.#failure) throw this.#failure;
        else if (this.#ended && this.#sourceEnded) break;
        else if (this.#busy && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
        else await this.#feed();
      }
    } catch (error) {
      await quietly(() => this.#close());
      throw error;
    }
    await this.#close();
  }

  #take(): Uint8Array | undefined {
    const chunk = (this.#decoder?.read() ?? undefined) as Uint8Array | undefined;
    if (!chunk) return undefined;
    this.#decoded += chunk.length;
    const { received, limits } = this.#account;
    if (this.#decoded > mostDecoded(received, limits)) throw limitPassed(this.#decoded, limits);
    return chunk;
  }

  async #feed(): Promise<void> {
    const chunk = await this.#pull();
    if (this.#closed || chunk?.length === 0) return;
    if (chunk) this.#write(chunk);
    else if (this.#decoder && !this.#ended) {
      this.#busy = true;
      this.#decoder.end();
    } else this.#ended = true;
  }

  async #pull(): Promise<Uint8Array | undefined> {
    try {
      const result = await this.#source.next();
      if (!result.done) return result.value;
      this.#sourceEnded = true;
      return undefined;
    } catch (error) {
      this.#sourceEnded = true;
      throw error;
    }
  }

  #write(chunk: Uint8Array): void {
    if (this.#past || this.#ended) return this.#checkRest(chunk);
    this.#given += chunk.length;
    this.#busy = true;
    this.#decoder ??= this.#open(chunk[0] as number);
    this.#decoder.write(chunk, (error) => {
      this.#busy = false;
      // What zlib left lying was given in this chunk: it ends within the one in which the encoded bytes end.
      const rest = error ? 0 : this.#given - (this.#decoder as Decoder).bytesWritten;
      this.#past = rest > 0;
      if (this.#past && !this.#closed) this.#checkRest(chunk.subarray(Math.max(0, chunk.length - rest)));
      this.#wakeUp();
    });
  }

  #checkRest(rest: Uint8Array): void {
    if (followed(this.#coding, rest)) this.#failure ??= tooMuch(this.#coding);
  }

  #open(first: number): Decoder {
    const decoder = createDecoder(this.#coding, first);
    decoder.on('readable', () => this.#wakeUp());
    decoder.on('end', () => {
      this.#ended = true;
      this.#wakeUp();
    });
    decoder.on('error', (error) => {
      this.#failure ??= broken(this.#coding, error);
      this.#wakeUp();
    });
    return decoder;
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#decoder?.destroy();
    this.#wakeUp();
    if (!this.#sourceEnded) await this.#source.return?.();
  }
}

/** Whether something other than padding follows what was encoded. */
function followed(coding: Coding, rest: Uint8Array): boolean {
  return coding === 'gzip' ? rest.some((byte) => byte !== 0) : rest.length > 0;
}

function broken(coding: Coding, error: Error): Error {
  return decodeError(`Cannot decode a body as ${coding}: ${error.message}`, error);
}

function tooMuch(coding: Coding): Error {
  return decodeError(`Cannot decode a body as ${coding}: something follows the end of what was encoded`);
}

/** For what is undone on the way of an error, which is the one to be told. */
async function quietly(undo: () => unknown): Promise<void> {
  try {
    await undo();
  } catch {
    // The error on whose way this is comes first.
  }
}
