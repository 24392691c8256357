import type { NameOption } from '../core/name-option.ts';
import { checkCount, checkFunction, checkInteger, checkOneOf, checkOptions } from '../internal/checks.ts';
import { Conduit } from './conduit.ts';
import { Receiver } from './receiver.ts';
import { Sender } from './sender.ts';

/**
 * What happens to a value for which there is no place: its sender waits; or sending never waits, and the oldest value
 * gives way, or the new one, or the new one takes the place of the newest.
 */
export type ChannelOverflow = 'wait' | 'drop-oldest' | 'drop-newest' | 'conflate';

/** Options of {@link channel}. */
export interface ChannelOptions<T> extends NameOption {
  /** What happens when the buffer is full. Default: wait. */
  readonly overflow?: ChannelOverflow | undefined;
  /**
   * With `overflow: 'conflate'`: makes one value out of the newest in the full buffer and the one that comes. When it
   * throws, so does sending, and nothing has happened. Default: the one that comes is kept, the other dropped.
   */
  readonly merge?: ((kept: T, next: T) => T) | undefined;
  /**
   * Called with each value that was sent and that nobody will receive: one that gave way, and what is in the buffer when
   * the last receiver is closed. It runs in the context of whoever sends or closes; what it throws is reported, also what
   * a promise that it gives rejects with. Nobody waits for that.
   */
  readonly onDrop?: ((value: T) => void) | undefined;
}

/** A frozen picture of a channel. */
export interface ChannelSnapshot {
  readonly name: string;
  readonly capacity: number;
  /** How many values are in the buffer. */
  readonly buffered: number;
  readonly openSenders: number;
  readonly openReceivers: number;
  readonly waitingSenders: number;
  readonly waitingReceivers: number;
}

/**
 * Makes a channel: what is sent at one end is received at the other, once, in order.
 *
 * `capacity` values are kept for who comes later; 0 makes both sides meet, Infinity lets sending never wait.
 *
 * Guarantees: first come first served on both sides, no barging; what is cancelled did not happen. Each end can be cloned
 * and is closed by itself: when the last sender is closed, receivers get what is left, then the end; when the last
 * receiver is, sending throws, and what is left is dropped. Semantics: trio's memory channels.
 *
 * @throws {RangeError} when `capacity` is not 0, a positive integer or Infinity, or does not fit `overflow`; a TypeError
 *   for other bad options.
 *
 * @example Two producers, one consumer
 * ```ts run
 * import { channel, taskGroup } from 'corral';
 *
 * const [sender, receiver] = channel<string>(0);
 * await taskGroup((group) => {
 *   for (const name of ['a', 'b']) {
 *     const own = sender.clone();
 *     group.spawn(async () => {
 *       using _closing = own;
 *       for (let n = 0; n < 3; n++) await own.send(`${name}${n}`);
 *     });
 *   }
 *   sender.close(); // the clones are still open
 *   group.spawn(async () => {
 *     for await (const value of receiver) console.log(value);
 *   });
 * });
 * ```
 *
 * @example Only the latest matters
 * ```ts run
 * import { channel } from 'corral';
 *
 * const [progress, watcher] = channel<number>(1, { overflow: 'conflate' });
 * for (let percent = 0; percent <= 100; percent++) await progress.send(percent); // never waits
 * console.log(await watcher.receive()); // 100
 * ```
 */
export function channel<T>(capacity: number, options?: ChannelOptions<T>): [sender: Sender<T>, receiver: Receiver<T>] {
  const given = checkOptions(options, 'channel') ?? {};
  check(capacity, given);
  const conduit = new Conduit<T>(capacity, given);
  return [new Sender(conduit), new Receiver(conduit)];
}

function check<T>(capacity: number, { overflow = 'wait', merge, onDrop }: ChannelOptions<T>): void {
  checkOneOf(overflow, ['wait', 'drop-oldest', 'drop-newest', 'conflate'], 'say what a full channel does');
  if (overflow === 'wait') checkCount(capacity, 'make a channel', 0);
  else {
    // Without a place there is nothing older to give way; with places without end nothing ever does.
    const least = overflow === 'drop-newest' ? 0 : 1;
    checkInteger(capacity, `make a channel with overflow ${overflow}`, least);
  }
  if (onDrop !== undefined) checkFunction(onDrop, 'drop the values of a channel');
  if (merge === undefined) return;
  checkFunction(merge, 'merge the values of a channel');
  if (overflow !== 'conflate') {
    throw new TypeError(
      `Cannot merge the values of a channel as overflow must be conflate: current value is ${overflow}`,
    );
  }
}
