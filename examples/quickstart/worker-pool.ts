/**
 * A small pool of worker threads that can be cancelled and never outlives its block.
 *
 * Look at: `withWorkerPool`, the shape of an async context manager (open, hand over, close in `finally`), and `cleanup`:
 * when we are on the way out because of a cancellation, every further wait would be cancelled as well; inside `cleanup`
 * it is not.
 */
import { Worker } from 'node:worker_threads';
import { cleanup, withSignal } from 'corral';
import type { PageFacts } from './page-worker.ts';

interface Job {
  readonly page: ArrayBuffer;
  readonly resolve: (facts: PageFacts) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  job: Job | undefined;
  /** Why the thread ends, once it is known; its job is rejected with it. */
  failure: { readonly reason: unknown } | undefined;
}

export async function withWorkerPool<T>(threads: number, body: (pool: WorkerPool) => Promise<T>): Promise<T> {
  const pool = new WorkerPool(threads);
  try {
    return await body(pool);
  } finally {
    await cleanup(() => pool.close());
  }
}

export class WorkerPool {
  readonly size: number;
  readonly #threads = new Set<Thread>();
  readonly #queue: Job[] = [];

  constructor(size: number) {
    this.size = size;
  }

  /**
   * Reads a page in a thread; its bytes are handed over, not copied.
   *
   * Cancellable: a job in the queue leaves it; if it runs, its thread is terminated, since a thread cannot be asked.
   */
  read(page: ArrayBuffer): Promise<PageFacts> {
    return withSignal((signal) => {
      return new Promise((resolve, reject) => {
        const job: Job = { page, resolve, reject };
        signal.addEventListener('abort', () => this.#abandon(job, signal.reason), { once: true });
        this.#queue.push(job);
        this.#dispatch();
      });
    });
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#threads, ({ worker }) => worker.terminate()));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const thread = this.#idleThread();
      if (thread === undefined) return;
      const job = this.#queue.shift()!;
      thread.job = job;
      thread.worker.postMessage(job.page, [job.page]);
    }
  }

  #idleThread(): Thread | undefined {
    for (const thread of this.#threads) if (thread.job === undefined) return thread;
    return this.#threads.size < this.size ? this.#startThread() : undefined;
  }

  #startThread(): Thread {
    const worker = new Worker(new URL('./page-worker.js', import.meta.url)); // .js: the compiled file is what runs
    const thread: Thread = { worker, job: undefined, failure: undefined };
    this.#threads.add(thread);
    worker.on('message', (facts: PageFacts) => {
      if (thread.failure !== undefined) return; // too late, it is being terminated
      thread.job?.resolve(facts);
      thread.job = undefined;
      this.#dispatch();
    });
    worker.on('error', (reason) => (thread.failure ??= { reason }));
    worker.on('exit', (code) => {
      this.#threads.delete(thread);
      const reason = thread.failure ? thread.failure.reason : new Error(`The worker thread ended with code ${code}`);
      thread.job?.reject(reason);
      this.#dispatch();
    });
    return thread;
  }

  /** The job is rejected when nothing of it is left: whoever cancelled may rely on the thread being gone. */
  #abandon(job: Job, reason: unknown): void {
    const queued = this.#queue.indexOf(job);
    if (queued >= 0) {
      this.#queue.splice(queued, 1);
      job.reject(reason);
      return;
    }
    for (const thread of this.#threads) {
      if (thread.job !== job) continue;
      thread.failure ??= { reason };
      void thread.worker.terminate(); // 'exit' does the rest
    }
  }
}
