/** What the tests of the fault table share: a fault is met, and then the session is as good as new. */

import assert from 'node:assert/strict';

import type { ClientSession } from '../../src/session/client-session.ts';
import type { HttpError } from '../../src/errors.ts';
import { errorOf, type Pair } from '../session/fixture.ts';

/** Nobody is in, nobody waits, nothing is being connected. */
export function assertIdle(session: ClientSession): void {
  const { inFlight, waiting, connections } = session.snapshot();
  assert.deepEqual(
    { inFlight, waiting, connecting: connections.connecting },
    { inFlight: 0, waiting: 0, connecting: 0 },
  );
}

/** No trace of the fault is left: the next request is answered rightly, and at the end no socket is open. */
export async function assertSound(at: Pair): Promise<void> {
  const { session, server } = at;
  // The rest of a body that nobody wants is read for a moment.
  await until(() => session.snapshot().inFlight === 0);
  assertIdle(session);
  assert.equal(await session.get(server.url('text')).text(), 'ok');
  await session.close({ graceMs: 0 });
  await server.idle();
  assert.equal(session.snapshot().connections.open, 0);
}

/** The error of a class that a promise rejects with. */
export async function failsWith<E extends HttpError>(
  promise: PromiseLike<unknown>,
  type: abstract new (...values: never[]) => E,
): Promise<E> {
  const error = await errorOf(promise);
  if (error instanceof type) return error;
  throw new assert.AssertionError({
    message: `wanted ${type.name}, got ${error.name}: ${error.message}`,
    actual: error,
  });
}

/** Waits until something holds that nobody tells of. */
export async function until(holds: () => boolean, ms = 5_000): Promise<void> {
  for (const end = performance.now() + ms; !holds();) {
    if (performance.now() > end) throw new Error(`Cannot wait any longer for ${String(holds)}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export interface Timed<T> {
  readonly value: T;
  readonly ms: number;
}

/** How long something took. */
export async function timed<T>(work: () => PromiseLike<T>): Promise<Timed<T>> {
  const began = performance.now();
  const value = await work();
  return { value, ms: performance.now() - began };
}
