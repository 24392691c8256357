import { Event } from 'corral';

/** Our side of stdout: whoever reads it may be slower than we are, and may leave, as `head` does. */
export class Stdout {
  readonly #onChange: (error: Error | undefined) => void;
  readonly #drained = new Event({ name: 'stdout' });
  #error: Error | undefined;

  /** `onChange` is called when there is room again, and with the error when nobody reads any more. */
  constructor(onChange: (error: Error | undefined) => void = () => undefined) {
    this.#onChange = onChange;
    process.stdout.on('drain', this.#drain).on('error', this.#fail);
  }

  /** Why nobody reads any more. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Whether what is written is kept in memory. */
  get isFull(): boolean {
    return this.#error === undefined && process.stdout.writableNeedDrain;
  }

  write(line: string): void {
    if (this.#error === undefined) process.stdout.write(line);
  }

  /** Cancellable: waits until there is room, or nobody reads. */
  async room(): Promise<void> {
    while (this.isFull) {
      this.#drained.clear();
      await this.#drained.wait();
    }
  }

  release(): void {
    process.stdout.off('drain', this.#drain).off('error', this.#fail);
  }

  readonly #drain = (): void => {
    this.#drained.set();
    this.#onChange(undefined);
  };

  readonly #fail = (error: Error): void => {
    this.#error ??= error;
    this.#drained.set();
    this.#onChange(error);
  };
}
