// What the scripts have in common: the root, walking folders, help, running programs.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The compiler of the build; `typescript` itself (6) is there for its API alone. */
export const tsc = join(root, 'node_modules/typescript-7/bin/tsc');

/** A path as the reader knows it: from the root, with forward slashes. */
export const shown = (path) => relative(root, path).split(sep).join('/') || '.';

/** Every file below `folder`, sorted; an absent folder has none. Hidden, installed and built folders only when named. */
export function walk(folder, accept = () => true, skip = /^(\..*|node_modules|dist|build(-.*)?)$/) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skip.test(entry.name) ? [] : walk(path, accept, skip);
    return entry.isFile() && accept(path) ? [path] : [];
  });
}

/** The workspace's packages: their folders, sorted. */
export function packages() {
  const folder = join(root, 'packages');
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).sort();
  return names.map((name) => join(folder, name)).filter((path) => existsSync(join(path, 'package.json')));
}

/** Splits the arguments into flags and names; `--help` prints the script's top comment, an unknown flag ends it. */
export function readArguments(script, known = [], argv = process.argv.slice(2)) {
  const flags = new Set(argv.filter((argument) => argument.startsWith('--')));
  const name = fileURLToPath(script);
  if (flags.has('--help') || argv.includes('-h')) {
    const comment = /^(?:\/\/.*\n)+/.exec(readFileSync(name, 'utf8'))?.[0] ?? '';
    console.log(comment.replace(/^\/\/ ?/gm, '').trimEnd());
    process.exit(0);
  }
  const unknown = [...flags].filter((flag) => !known.includes(flag));
  if (unknown.length > 0)
    fail(`Cannot run ${shown(name)} as its flags are ${known.join(', ') || 'none'}: current value is ${unknown[0]}`);
  return { flags, names: argv.filter((argument) => !argument.startsWith('-')) };
}

/** Says what is wrong and ends the script. */
export function fail(message, code = 1) {
  console.error(message);
  process.exit(code);
}

/** Runs a program to its end. Its output is collected, or goes straight to the terminal with `inherit`. */
export function run(command, args, { inherit = false, timeoutMs, ...options } = {}) {
  const started = performance.now();
  return new Promise((resolve) => {
    let output = '';
    const stdio = inherit ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'];
    const child = spawn(command, args, { cwd: root, timeout: timeoutMs, killSignal: 'SIGKILL', ...options, stdio });
    const collect = (chunk) => (output += chunk);
    child.stdout?.setEncoding('utf8').on('data', collect);
    child.stderr?.setEncoding('utf8').on('data', collect);
    const end = (code, signal) => resolve({ code, signal, output, seconds: (performance.now() - started) / 1000 });
    child.once('error', (error) => ((output += `${error.message}\n`), end(127, null)));
    child.once('close', (code, signal) => end(code ?? 1, signal));
  });
}

/** Rows of cells as aligned text; numbers to the right. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  const cell = (value, column) =>
    typeof value === 'number' || column > 0
      ? String(value).padStart(widths[column])
      : String(value).padEnd(widths[column]);
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}
