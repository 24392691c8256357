import { own } from '../internal/checks.ts';
import { byteSource, isFormData, type BodyData, type ByteSource } from './byte-source.ts';
import { encodeForm, type FormFields } from './form.ts';
import { multipartBody, type MultipartPart } from './multipart.ts';

/** The body of a request: one of these, or none. */
export interface RequestBodyOptions {
  /** Sent as JSON. Default: none. It is an error when it is given as undefined: that has no JSON. */
  readonly json?: unknown;
  /** Sent as `application/x-www-form-urlencoded`. Default: none. */
  readonly form?: FormFields | undefined;
  /** Sent as `multipart/form-data`: fields and files. Default: none. */
  readonly multipart?: FormData | readonly MultipartPart[] | undefined;
  /**
   * Sent as it is. Bytes and functions that make a stream can be sent again, for a retry or a redirect; a stream cannot.
   * Bytes are not copied: they must not change until the request has ended. Default: none.
   */
  readonly body?: BodyData | URLSearchParams | FormData | undefined;
}

/** A body that is ready to be sent. */
export interface EncodedBody {
  /** What the `Content-Type` header says unless the caller has set one. */
  readonly contentType: string | undefined;
  /** In bytes; undefined when it is not known before it has been sent. */
  readonly length: number | undefined;
  /** Whether `open` can be called again. */
  readonly replayable: boolean;
  /** Whether it cannot be opened any more: it is not replayable, and was opened. */
  readonly used: boolean;
  /**
   * The bytes to send. An iterator that is not read to its end must be returned: that returns, or cancels, the stream
   * behind it. Calls of its `next` must not overlap; nothing is read ahead.
   *
   * @throws {TypeError} when it was opened before and is not replayable.
   */
  open(): Uint8Array | AsyncIterable<Uint8Array>;
  /** For a body that will not be sent: returns, or cancels, a stream that was never opened. Can be called at any time. */
  discard(): Promise<void>;
}

const FORMS = ['json', 'form', 'multipart', 'body'] as const;
const FORM_TYPE = 'application/x-www-form-urlencoded;charset=UTF-8';

/**
 * Makes the body that the options of a request ask for; undefined when they ask for none.
 *
 * @throws {TypeError} when there is more than one, or it cannot be encoded.
 */
export function encodeBody(options: RequestBodyOptions): EncodedBody | undefined {
  if (isEmpty(options)) return undefined;
  const given = FORMS.filter(
    (form) => own(options, form) !== undefined || (form === 'json' && Object.hasOwn(options, form)),
  );
  const [form, second] = given;
  if (form === undefined) return undefined;
  if (second !== undefined) {
    throw new TypeError(`Cannot send a request as it has one body: current value has ${given.join(' and ')}`);
  }
  const value = own(options, form);
  if (form === 'json') return new Encoded(byteSource(encodeJson(value), 'json'), 'application/json');
  if (form === 'form') return new Encoded(byteSource(encodeForm(value as FormFields), 'form'), FORM_TYPE);
  if (form === 'multipart' || isFormData(value)) return ofMultipart(value as FormData | readonly MultipartPart[]);
  if (value instanceof URLSearchParams) return new Encoded(byteSource(String(value), 'body'), FORM_TYPE);
  const source = byteSource(value, 'body');
  return new Encoded(source, source.type);
}

/** The usual case of a GET, without making anything. */
function isEmpty(options: RequestBodyOptions): boolean {
  for (const _name in options) return false;
  return true;
}

class Encoded implements EncodedBody {
  readonly contentType: string | undefined;
  readonly #source: ByteSource;

  constructor(source: ByteSource, contentType: string | undefined) {
    this.#source = source;
    this.contentType = contentType;
  }

  get length(): number | undefined {
    return this.#source.length;
  }

  get replayable(): boolean {
    return this.#source.replayable;
  }

  get used(): boolean {
    return this.#source.used;
  }

  open(): Uint8Array | AsyncIterable<Uint8Array> {
    return this.#source.open();
  }

  discard(): Promise<void> {
    return this.#source.discard();
  }
}

function ofMultipart(form: FormData | readonly MultipartPart[]): EncodedBody {
  const body = multipartBody(form);
  return new Encoded(body, body.type);
}

function encodeJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new TypeError(`Cannot send json as it must be possible to encode: ${reason}`, { cause: error });
  }
  if (text !== undefined) return text;
  throw new TypeError(`Cannot send json as it must be possible to encode: current value is ${typeof value}`);
}
