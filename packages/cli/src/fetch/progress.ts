/** How far the job is, on stderr: one line redrawn in place on a terminal, a plain line now and then elsewhere. */
import type { WriteStream } from 'node:tty';
import { now, sleep } from 'corral';
import type { Host } from './host.ts';
import type { FetchOptions } from './options.ts';
import type { Tally } from './tally.ts';
import { formatBytes, formatDuration } from './units.ts';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_LINE = '\r\x1b[2K';
const DRAW_MS = 100;
const PLAIN_MS = 5_000;
/** Over how long the speed is measured. */
const SPEED_MS = 5_000;

export interface ProgressSource {
  readonly tally: Tally;
  busyHosts(): readonly Host[];
}

export class Progress {
  readonly #source: ProgressSource;
  readonly #stream: WriteStream = process.stderr;
  readonly #mode: 'bar' | 'plain' | 'none';
  readonly #colours: boolean;
  readonly #samples: { at: number; bytes: number; done: number }[] = [];
  #drawn = false;

  constructor(source: ProgressSource, options: Pick<FetchOptions, 'progress' | 'quiet'>) {
    this.#source = source;
    const redraws = this.#stream.isTTY && process.env['TERM'] !== 'dumb';
    const auto = redraws ? 'bar' : 'plain';
    this.#mode = options.quiet ? 'none' : options.progress === 'auto' ? auto : options.progress;
    this.#colours = this.#stream.isTTY && this.#stream.hasColors(); // which knows NO_COLOR
  }

  /** Never returns. Cancellable: between two drawings. */
  async keepDrawing(): Promise<void> {
    if (this.#mode === 'none') return;
    const restore = (): void => {
      if (this.#mode === 'bar') this.#stream.write(CLEAR_LINE + SHOW_CURSOR);
      this.#drawn = false;
    };
    process.once('exit', restore); // should the process end without any `finally`
    try {
      if (this.#mode === 'bar') this.#stream.write(HIDE_CURSOR);
      for (let first = true; ; first = false) {
        await sleep(this.#mode === 'bar' ? DRAW_MS : first ? PLAIN_MS / 5 : PLAIN_MS);
        this.#draw();
      }
    } finally {
      process.off('exit', restore);
      restore();
    }
  }

  /** Writes a line above the bar. */
  log(line: string): void {
    if (this.#drawn && this.#mode === 'bar') this.#stream.write(CLEAR_LINE);
    this.#stream.write(`${line}\n`);
  }

  /** Marks what went wrong, where colours are wanted. */
  red(text: string): string {
    return this.#colours ? `\x1b[31m${text}\x1b[39m` : text;
  }

  #draw(): void {
    const { tally } = this.#source;
    const { done, total } = tally;
    const text = [this.#counts(), ...this.#speeds(), this.#hosts()].filter((part) => part !== '').join(', ');
    this.#drawn = true;
    if (this.#mode === 'plain') this.#stream.write(`corral: ${text}\n`);
    else this.#stream.write(CLEAR_LINE + this.#fit(text, total === undefined ? undefined : done / Math.max(total, 1)));
  }

  #counts(): string {
    const { done, total, counts } = this.#source.tally;
    const share = total === undefined ? '' : ` ${Math.floor((100 * done) / Math.max(total, 1))}%`;
    const failed = counts.failed > 0 ? `, ${this.red(`${counts.failed} failed`)}` : '';
    return `${done}/${total ?? '?'}${share}${failed}`;
  }

  #speeds(): string[] {
    const { bytes, done, total, elapsedMs } = this.#source.tally;
    const at = now();
    this.#samples.push({ at, bytes, done });
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > SPEED_MS) this.#samples.shift();
    const first = this.#samples[0];
    const ms = Math.max(at - (first?.at ?? at), 1);
    const speed = ((bytes - (first?.bytes ?? 0)) * 1_000) / ms;
    const parts = [formatBytes(bytes), `${formatBytes(Math.round(speed))}/s`];
    const leftMs = done > 0 && total !== undefined ? ((total - done) * elapsedMs) / done : undefined;
    if (leftMs !== undefined && leftMs > 0) parts.push(`ETA ${formatDuration(leftMs)}`);
    return parts;
  }

  #hosts(): string {
    const hosts = [...this.#source.busyHosts()].sort((one, other) => other.active - one.active);
    const shown = hosts.slice(0, 2).map(({ name, active }) => (active > 1 ? `${name}×${active}` : name));
    const more = hosts.length > 2 ? ` +${hosts.length - 2}` : '';
    return shown.join(' ') + more;
  }

  /** A bar as wide as the line has room for; else the text alone, cut off: a wrapped line cannot be redrawn. */
  #fit(text: string, share: number | undefined): string {
    const room = (this.#stream.columns || 80) - 1;
    const plain = text.replace(/\x1b\[\d+m/g, '');
    const width = Math.min(24, room - plain.length - 1);
    if (plain.length > room) return plain.slice(0, room);
    if (share === undefined || width < 5) return text;
    const full = Math.floor(width * Math.min(share, 1));
    const bar = '█'.repeat(full) + '░'.repeat(width - full);
    return `${this.#colours ? `\x1b[32m${bar}\x1b[39m` : bar} ${text}`;
  }
}
