import type { Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';

/** A connection as the tests see it. */
export interface RecordedConnection {
  /** From 1, in the order of acceptance. */
  readonly number: number;
  readonly isOpen: boolean;
  /** How many requests came on it. */
  readonly requests: number;
  /** Bytes on the wire, with those of TLS. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

export class Connection implements RecordedConnection {
  readonly number: number;
  readonly gone: Promise<void>;
  requests = 0;
  isOpen = true;
  #hasClientLeft = false;
  #hasHungUp = false;
  readonly #raw: Socket;
  readonly #socket: Socket;

  /** `onClose` is called once, when the TCP connection is gone. */
  constructor(raw: Socket, number: number, tls: TLSSocketOptions | undefined, onClose: () => void) {
    this.number = number;
    this.#raw = raw;
    raw.setNoDelay(true);
    this.#socket = tls ? new TLSSocket(raw, tls) : raw;
    // Clients that reset the connection are part of the game.
    const left = () => (this.#hasClientLeft ||= !this.#hasHungUp);
    for (const socket of new Set([raw, this.#socket])) socket.on('error', left).on('error', () => socket.destroy());
    this.#socket.once('end', left);
    this.gone = new Promise((resolve) => {
      raw.once('close', () => {
        this.isOpen = false;
        this.#socket.destroy();
        onClose();
        resolve();
      });
    });
  }

  /** What bytes are read from and written to. */
  get socket(): Socket {
    return this.#socket;
  }

  get bytesRead(): number {
    return this.#raw.bytesRead;
  }

  get bytesWritten(): number {
    return this.#raw.bytesWritten;
  }

  /** Whether a fault did all that it wanted, which may have been to hang up. */
  get isServed(): boolean {
    return !this.#hasClientLeft && (this.#hasHungUp || this.#socket.writable);
  }

  /** Ends the connection on behalf of a fault: with FIN after what was written, or with RST. */
  hangUp(how: 'fin' | 'rst'): void {
    this.#hasHungUp = true;
    if (how === 'fin') this.#socket.end();
    else this.reset();
  }

  /** Sends RST. */
  reset(): void {
    this.#raw.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#raw.destroy();
  }
}
