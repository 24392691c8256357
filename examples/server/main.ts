/**
 * A server that is stopped without anybody noticing: `node build/examples/server/main.js`, then Ctrl-C or SIGTERM. What is
 * under way ends, at most DRAIN_MS long, what is left is cancelled, and the exit code is 0. A second signal ends it at once.
 *
 * Look at service.ts: `run` only tells it that a signal has come; it ends by itself, so it counts as done.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { run, sleep } from 'corral';
import { serve } from './service.ts';

const noticeMs = Number(process.env['NOTICE_MS'] ?? 1_000);
const drainMs = Number(process.env['DRAIN_MS'] ?? 10_000);

/** GET /?ms=200 answers after that time. */
async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const ms = Number(new URL(request.url ?? '/', 'http://server').searchParams.get('ms') ?? 0);
  try {
    await sleep(ms); // a query, say: cancelled with the request
  } catch (error) {
    console.log(`cancelled: ${request.url}`);
    throw error;
  }
  response.end(`after ${ms} ms\n`);
}

const options = {
  port: Number(process.env['PORT'] ?? 0),
  noticeMs,
  drainMs,
  onListening: (port: number) => console.log(`listening on http://localhost:${port}`),
};
// The longer time of run's own is for when serve does not keep to its times.
await run(() => serve(handle, options), { drainMs: noticeMs + drainMs + 5_000 });
console.log('stopped');
