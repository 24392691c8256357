import { bodyLimitError } from '../internal/faults.ts';
import { checkCount } from '../internal/checks.ts';

/** An event that a server has sent. */
export interface ServerSentEvent {
  /** Its type. Default: `message`. */
  readonly event: string;
  /** Its lines of data, with line feeds between. */
  readonly data: string;
  /** The last id that was sent, with this event or before: what `Last-Event-ID` says after a reconnection. */
  readonly id: string;
  /** The last time to wait before a reconnection that was sent, in milliseconds; undefined when none was. */
  readonly retry: number | undefined;
}

/** Options of {@link parseServerSentEvents}. */
export interface ServerSentEventsOptions {
  /** How many characters of data an event may have. Default: 16 Mi. */
  readonly maxEventLength?: number | undefined;
}

/**
 * Reads server-sent events out of the lines of a `text/event-stream`, as the HTML standard has it.
 *
 * Guarantees: an event that the stream ends in is not given; comments and unknown fields are skipped; whoever stops early returns
 * the lines. Lines may be split at line feeds only: a carriage return that is left in one ends a line, too.
 *
 * Cancellable: as the lines are.
 *
 * @throws {BodyLimitError} when an event has more data than `maxEventLength`.
 *
 * @example Two events
 * ```ts run
 * import { parseServerSentEvents } from '@corral/http';
 *
 * async function* lines(): AsyncGenerator<string> {
 *   yield* ['event: add', 'data: 1', '', 'data: 2', ''];
 * }
 * for await (const { event, data } of parseServerSentEvents(lines())) console.log(event, data); // add 1, then message 2
 * ```
 */
export async function* parseServerSentEvents(
  lines: AsyncIterable<string>,
  options: ServerSentEventsOptions = {},
): AsyncGenerator<ServerSentEvent> {
  const most = checkCount(options.maxEventLength ?? 16 * 2 ** 20, 'set maxEventLength of server-sent events');
  const parser = new Parser(most);
  let first = true;
  for await (const text of lines) {
    const line = first ? text.replace(/^\uFEFF/, '') : text;
    first = false;
    for (const part of line.replace(/\r$/, '').split('\r')) {
      const event = parser.take(part);
      if (event) yield event;
    }
  }
}

class Parser {
  readonly #most: number;
  #data: string[] = [];
  #length = 0;
  #event = '';
  #id = '';
  #retry: number | undefined = undefined;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes a line; the event that it ends, if it does. */
  take(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line.charAt(colon + 1) === ' ' ? 2 : 1));
    if (field === 'data') this.#add(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\u0000')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.#retry = Number(value);
    return undefined;
  }

  #add(value: string): void {
    this.#length += value.length + 1;
    if (this.#length - 1 > this.#most) {
      throw bodyLimitError(
        `Cannot read an event as its data must not have more than ${this.#most} characters`,
        this.#most,
      );
    }
    this.#data.push(value);
  }

  #dispatch(): ServerSentEvent | undefined {
    const data = this.#data;
    const event = this.#event || 'message';
    this.#data = [];
    this.#length = 0;
    this.#event = '';
    // An empty `data:` is an event with empty data: in the standard each line adds a line feed before it is looked at.
    return data.length === 0 ? undefined : { event, data: data.join('\n'), id: this.#id, retry: this.#retry };
  }
}
