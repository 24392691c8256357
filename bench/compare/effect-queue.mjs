/** Effect's queue: a fiber that offers and one that takes, one by one. */
import { Effect, Fiber, Queue } from 'effect';

export function queue(runs, { capacity, items }) {
  return Effect.runPromise(
    Effect.gen(function* () {
      let total = 0;
      for (let i = 0; i < runs; i += 1) {
        const between = yield* Queue.bounded(capacity);
        const producer = yield* Effect.forkChild(
          Effect.gen(function* () {
            for (let item = 0; item < items; item += 1) yield* Queue.offer(between, item);
          }),
        );
        for (let item = 0; item < items; item += 1) total += yield* Queue.take(between);
        yield* Fiber.join(producer);
      }
      return total;
    }),
  );
}
