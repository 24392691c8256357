/**
 * How far we are, on stderr: one line redrawn in place on a terminal, a plain line now and then elsewhere.
 *
 * Look at: `keepDrawing` is an endless loop without an exit. It runs as a background task, which its group cancels as
 * soon as the real work is done; `sleep` is where that reaches it.
 */
import type { WriteStream } from 'node:tty';
import { sleep } from 'corral';
import type { Tally } from './tally.ts';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_LINE = '\r\x1b[2K';

export class Progress {
  readonly #tally: Tally;
  readonly #stream: WriteStream;
  readonly #redraws: boolean;
  readonly #colours: boolean;

  constructor(tally: Tally, stream: WriteStream = process.stderr) {
    this.#tally = tally;
    this.#stream = stream;
    this.#redraws = stream.isTTY && process.env['TERM'] !== 'dumb';
    this.#colours = this.#redraws && stream.hasColors(); // which knows NO_COLOR
  }

  /** Never returns. Cancellable: between two drawings. */
  async keepDrawing(): Promise<never> {
    const restore = (): void => {
      if (this.#redraws) this.#stream.write(CLEAR_LINE + SHOW_CURSOR);
    };
    process.once('exit', restore); // a second Ctrl-C ends the process without any `finally`
    try {
      if (this.#redraws) this.#stream.write(HIDE_CURSOR);
      for (;;) {
        await sleep(this.#redraws ? 80 : 1_000);
        this.#draw();
      }
    } finally {
      process.off('exit', restore);
      restore();
    }
  }

  #draw(): void {
    const { done, pages, inFlight, retries, failures, elapsedMs } = this.#tally;
    const percent = Math.floor((100 * done) / Math.max(pages, 1));
    const failed = failures.length > 0 ? `, ${failures.length} failed` : '';
    const text = `${done}/${pages} pages ${percent}%, ${inFlight} in flight, ${retries} retries${failed}, ${(elapsedMs / 1000).toFixed(1)} s`;
    if (!this.#redraws) this.#stream.write(`${text}\n`);
    else this.#stream.write(CLEAR_LINE + this.#fit(text, done / Math.max(pages, 1)));
  }

  /** A bar as wide as the line has room for; in a narrow window the text alone, cut off: a wrapped line cannot be redrawn. */
  #fit(text: string, share: number): string {
    const room = (this.#stream.columns || 80) - 1;
    const width = Math.min(40, room - text.length - 1);
    if (width < 5) return text.slice(0, room);
    const full = Math.floor(width * Math.min(share, 1));
    const bar = '█'.repeat(full) + '░'.repeat(width - full);
    return `${this.#colours ? `\x1b[32m${bar}\x1b[39m` : bar} ${text}`;
  }
}
