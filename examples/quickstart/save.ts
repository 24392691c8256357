/**
 * The same pages once more, to files: by the command line tool, `corral fetch`, as a child process.
 *
 * Look at: the `finally`. A process is a task like others: when nobody waits for it any more, because of Ctrl-C or a
 * sibling's error, it is told to end, and has ended before this function has.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanup, moveOnAfter, nextEvent, resource } from 'corral';

/** Where a package is installed, this is the command `corral`. */
const CORRAL = fileURLToPath(import.meta.resolve('@corral/cli/dist/main.js'));
/** So long downloads may go on after SIGINT, and a little longer the process. */
const GRACE_MS = 1_000;

export interface SaveOptions {
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly quiet: boolean;
}

/** A folder that is removed in the end. */
export const temporaryFolder = resource(async function* temporaryFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'corral-'));
  try {
    yield folder;
  } finally {
    await rm(folder, { recursive: true });
  }
});

/**
 * Downloads all `urls` into `folder`, and says whether all is there. Progress and summary go to stderr.
 *
 * Cancellable: the process is interrupted, and killed if that does not help soon.
 */
export async function save(urls: readonly string[], folder: string, options: SaveOptions): Promise<boolean> {
  const { concurrency, timeoutMs, retries, quiet } = options;
  const pace = `-c ${concurrency} --per-host ${concurrency} --retries ${retries} --read-timeout ${timeoutMs}ms`;
  const args = [...`fetch -i - ${pace} --grace ${GRACE_MS}ms -d`.split(' '), folder];
  if (!quiet)
    console.error(`\nNow to files, by the command line tool (--save DIR keeps them):\n  corral ${args.join(' ')}`);
  const child = spawn(process.execPath, [CORRAL, ...args, ...(quiet ? ['--quiet'] : [])], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.on('error', () => {}); // it has ended without reading all: the exit code says why
  child.stdin.end(urls.join('\n'));
  const exit = (): Promise<[code: number | null]> => nextEvent(child, 'exit');
  try {
    const [code] = await exit();
    return code === 0;
  } finally {
    if (child.kill('SIGINT')) {
      // It had not ended by itself.
      await cleanup(async () => {
        const { timedOut } = await moveOnAfter(2 * GRACE_MS, exit);
        if (timedOut && child.kill('SIGKILL')) await exit();
      });
    }
  }
}
