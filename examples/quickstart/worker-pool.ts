/**
 * A few worker threads for the CPU work, lent to one page at a time.
 *
 * Look at: `Pool`, which makes threads when they are needed and lends them in turn, and the `catch` in `readPage`: a
 * thread that still works on what nobody waits for any more must not be lent again.
 */
import { Worker } from 'node:worker_threads';
import { nextEvent, Pool, race } from 'corral';
import type { PageFacts } from './page-worker.ts';

/** Whoever opens it closes it, which ends the threads: `use(openWorkerPool(2), (pool) => ...)`. */
export function openWorkerPool(threads: number): Pool<Worker> {
  return new Pool({
    name: 'threads',
    max: threads,
    create: () => new Worker(new URL('./page-worker.js', import.meta.url)), // .js: the compiled file is what runs
    validate: (worker) => worker.threadId >= 0, // -1: it has ended by itself
    destroy: (worker) => worker.terminate(),
  });
}

/**
 * Reads a page in a thread.
 *
 * Cancellable: whoever waits for a thread leaves the line; one that works is terminated, since a thread cannot be asked.
 */
export function readPage(pool: Pool<Worker>, page: Uint8Array): Promise<PageFacts> {
  return pool.use(async (worker, lease) => {
    try {
      worker.postMessage(page);
      return await race([() => answer(worker), () => end(worker)]);
    } catch (error) {
      lease.destroy(error); // the pool starts another one when it needs it
      throw error;
    }
  });
}

/** `nextEvent` throws what comes as an 'error' event: here what was thrown in the thread. */
async function answer(worker: Worker): Promise<PageFacts> {
  const [facts] = await nextEvent<[PageFacts]>(worker, 'message');
  return facts;
}

async function end(worker: Worker): Promise<never> {
  const [code] = await nextEvent<[number]>(worker, 'exit');
  throw new Error(`The worker thread ended with code ${code}`);
}
