/**
 * What runs in the worker threads: the CPU work, which would block the event loop and with it every request in flight.
 * One message in (the bytes of a page), one message out (what is in it).
 */
import { createHash, scryptSync } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

export interface PageFacts {
  readonly words: number;
  readonly links: number;
  /** SHA-256 of the bytes, made expensive with scrypt: stands for any serious computation. */
  readonly fingerprint: string;
  /** How long the thread was busy with this page. */
  readonly cpuMs: number;
}

function readPage(page: Uint8Array): PageFacts {
  const startedAt = performance.now();
  const html = new TextDecoder().decode(page);
  const words = html.replace(/<[^>]*>/g, ' ').match(/[\p{L}\p{N}]+/gu)?.length ?? 0;
  const links = html.match(/<a\s[^>]*href=/gi)?.length ?? 0;
  const sha256 = createHash('sha256').update(page).digest();
  const fingerprint = scryptSync(sha256, 'corral', 32, { N: 2048 }).toString('hex');
  return { words, links, fingerprint, cpuMs: performance.now() - startedAt };
}

parentPort?.on('message', (page: Uint8Array) => parentPort?.postMessage(readPage(page)));
