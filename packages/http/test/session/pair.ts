/** A session and a server that are closed together, and what arrived. Which transport is below, the importer says. */

import { ClientSession } from '../../src/session/client-session.ts';
import type { SessionOptions } from '../../src/session/options.ts';
import type { Exchange } from '../faults/exchange.ts';
import type { RecordedRequest } from '../faults/recorded-request.ts';
import { startFaultServer, type FaultServer } from '../faults/server.ts';

export type Routes = Readonly<Record<string, (exchange: Exchange) => Promise<void> | void>>;

/** A server, and a session whose base is it. */
export class Pair {
  readonly server: FaultServer;
  readonly session: ClientSession;

  constructor(server: FaultServer, session: ClientSession) {
    this.server = server;
    this.session = session;
  }

  /** What arrived last. */
  get last(): RecordedRequest {
    const request = this.server.requests.at(-1);
    if (!request) throw new Error('Cannot look at the last request as none has arrived');
    return request;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close({ graceMs: 0 });
    await this.server.close();
  }
}

/** `routes` answer paths; all else are faults. Nothing is sent again unless `options` say so. */
export async function pair(options: SessionOptions = {}, routes: Routes = {}): Promise<Pair> {
  const server = await startFaultServer({ routes });
  return new Pair(server, new ClientSession({ baseUrl: server.origin, retry: false, ...options }));
}

/** The error that a promise rejects with. */
export async function errorOf(promise: PromiseLike<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new TypeError(`Cannot be an error: ${String(error)}`, { cause: error });
  }
  throw new Error('Cannot have an error as the promise was fulfilled');
}

/** A promise and what settles it. */
export function gate<T = void>(): { readonly promise: Promise<T>; readonly open: (value: T) => void } {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (open = resolve));
  return { promise, open };
}

/** The rejections that nobody handled while `body` ran, and a turn after. */
export async function unhandledIn(body: () => Promise<unknown>): Promise<unknown[]> {
  const event = 'unhandledRejection';
  const others = process.listeners(event);
  const seen: unknown[] = [];
  process.removeAllListeners(event);
  process.on(event, (error) => seen.push(error));
  try {
    await body();
    await new Promise((resolve) => setImmediate(resolve));
    return seen;
  } finally {
    process.removeAllListeners(event);
    for (const listener of others) process.on(event, listener);
  }
}
