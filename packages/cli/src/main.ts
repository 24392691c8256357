#!/usr/bin/env node
/** The command `corral`: finds the subcommand, loads it, runs it, sets the exit code. */
import { readFileSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from './command.ts';
import { nearest } from './nearest.ts';
import { UsageError } from './usage-error.ts';

interface Entry {
  readonly summary: string;
  load(): Promise<{ readonly command: Command }>;
}

/** Each is loaded when it is called for, so that none pays for the others. */
const COMMANDS: ReadonlyMap<string, Entry> = new Map([
  [
    'fetch',
    {
      summary: 'download a list of URLs, many at once, politely; resumes where it stopped',
      load: () => import('./commands/fetch.ts'),
    },
  ],
]);

function help(): string {
  const rows = [...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
  return `Usage: corral COMMAND [ARGUMENT...]

Commands:
${rows.join('\n')}

  corral COMMAND --help   what a command does, and its options
  corral --version        the version
`;
}

function version(): string {
  // From dist/ in a package, from build/src/ in the tests of the repository.
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const manifest = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as { version: string };
      return manifest.version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) {
    process.stderr.write(help());
    return 2;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(help());
    return 0;
  }
  if (name === '--version' || name === '-V') {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const entry = COMMANDS.get(name);
  if (entry === undefined) throw unknown(name);
  refuseOtherEngines();
  rememberCompiled();
  const { command } = await entry.load();
  return command.run(rest);
}

/**
 * On other engines a session stands on fetch, which knows of no proxies, no addresses and no time limit for connecting, and
 * gives no body as it was sent: half of the options would be without effect, and a resumed file could be spoilt.
 */
function refuseOtherEngines(): void {
  const { bun, deno } = process.versions as { readonly bun?: string; readonly deno?: string };
  if (bun === undefined && deno === undefined) return;
  const engine = bun === undefined ? `Deno ${deno}` : `Bun ${bun}`;
  throw new UsageError(`Cannot run as the command needs Node.js 20.19 or later: current value is ${engine}`);
}

function unknown(name: string): UsageError {
  const names = [...COMMANDS.keys()];
  const guess = nearest(name, names);
  const hint = guess === undefined ? '' : `; did you mean ${guess}?`;
  return new UsageError(`Cannot run "${name}" as a command must be one of ${names.join(', ')}${hint}`);
}

/**
 * What was compiled for the last run need not be compiled again, where Node can remember it: from 22.8 on. It is kept
 * among what is the user's own: in the directory for temporary files, which Node would take, others could put code.
 */
function rememberCompiled(): void {
  const { enableCompileCache } = module as { readonly enableCompileCache?: (directory: string) => void };
  const { LOCALAPPDATA, XDG_CACHE_HOME } = process.env;
  const caches = (process.platform === 'win32' ? LOCALAPPDATA : XDG_CACHE_HOME) ?? join(homedir(), '.cache');
  enableCompileCache?.(join(caches, 'corral', 'compiled')); // it reports what fails and throws nothing
}

// Files and names are worked on in threads, four of them unless we say otherwise before the first is needed.
process.env['UV_THREADPOOL_SIZE'] ??= '16';

// Whoever reads may leave, as `head` does, or the disk behind them may be full; errors come late, also after the last line.
let isUnheard = false;
process.stdout.on('error', () => {
  isUnheard = true;
  process.exitCode ||= 1;
});
process.stderr.on('error', () => undefined);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error; // a bug: show the stack
  process.stderr.write(`corral: ${error.message}\n`);
  process.exitCode = 2;
}
if (isUnheard) process.exitCode ||= 1;
