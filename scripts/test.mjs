// Runs the compiled tests of the packages and of the examples, and test/**/*.test.mjs, with Node's own runner.
//
// Usage: npm test -- [NAME...] [--slow] [NODE OPTION...]
//   NAME     only the files whose path contains it: npm test -- gather sync/lock
//   --slow   the tests below test/slow/ as well; those below test/everywhere/ are left to test-on.mjs
//   --x[=y]  goes to node as it is: npm test -- retry --test-name-pattern=jitter --enable-source-maps
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fail, packages, readArguments, root, shown, walk } from './lib/shared.mjs';

const argv = process.argv.slice(2);
const options = argv.filter((argument) => /^--(?!slow$|help$)/.test(argument));
const { flags, names } = readArguments(import.meta.url, ['--slow', ...options], argv);
const files = testFiles().filter((file) => names.length === 0 || names.some((name) => file.includes(name)));
if (files.length === 0) {
  fail(`Cannot test as a test file must match: current value is ${names.join(' ') || 'no test file at all'}`);
}

/** Paths from the root: they are what the runner prints. */
function testFiles() {
  const folders = [
    ...packages().map((folder) => join(folder, 'build/test')),
    join(root, 'build/examples'),
    join(root, 'test'),
  ];
  const files = folders.flatMap((folder) => walk(folder, (file) => /\.test\.m?js$/.test(file)));
  const left = flags.has('--slow') ? /\/test\/everywhere\// : /\/test\/(slow|everywhere)\//;
  return files.map(shown).filter((file) => !left.test(file));
}

const perTest = Number.parseInt(process.versions.node, 10) >= 24; // before, the runner bounds whole files only
const timeoutMs = (perTest ? 60_000 : 180_000) * (flags.has('--slow') ? 5 : 1);
const settings = ['--test', `--test-concurrency=${Math.max(2, availableParallelism())}`, `--test-timeout=${timeoutMs}`];
// The runner inherits the terminal and prints last, so nothing of ours follows its closing lines.
const child = spawn(process.execPath, [...settings, ...options, ...files], { cwd: root, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.once('exit', (code) => (process.exitCode = code ?? 1));
