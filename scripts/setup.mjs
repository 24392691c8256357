// Makes a checkout usable: installs the development tools when they are missing or differ from
// package-lock.json, then compiles what has changed and removes compiled files whose source is gone.
// Says nothing when there is nothing to do. Needs Node 20.19 and npm, nothing else.
//
// Usage: node scripts/setup.mjs [--tests] [--no-build]
//   --tests     compile the tests of all packages too
//   --no-build  install only
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { takeLock } from './lib/lock.mjs';
import { fail, packages, readArguments, root, run, tsc, walk } from './lib/shared.mjs';

const { flags } = readArguments(import.meta.url, ['--tests', '--no-build']);
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Cannot set up as Node must be 20.19 or later: current value is ${process.version}`);
}

await takeLock(join(root, '.cache/setup.lock'));
await install();
if (!flags.has('--no-build')) await build();

/** `npm ci`, unless what is installed is what the lockfile says: by our stamp, else by npm's own record. */
async function install() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const wanted = `${process.platform}-${process.arch} ${createHash('sha256').update(lock).digest('hex')}\n`;
  const stamp = join(root, 'node_modules/.setup-stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(tsc)) return;
  if (!isInstalled(JSON.parse(lock).packages)) {
    console.error('setup: installing the development tools (npm ci)');
    const args = ['ci', '--include=dev', '--ignore-scripts', '--prefer-offline', '--no-progress'];
    const { code, output, seconds } = await run('npm', args, { shell: process.platform === 'win32' });
    if (code !== 0) fail(`${output}setup: npm ci failed with exit code ${code}`);
    console.error(`setup: installed in ${seconds.toFixed(1)} s`);
  }
  writeFileSync(stamp, wanted);
}

function isInstalled(wanted) {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record) || !existsSync(tsc)) return false;
  const present = JSON.parse(readFileSync(record, 'utf8')).packages;
  const isForUs = ({ os, cpu, libc }) =>
    !libc && (os?.includes(process.platform) ?? true) && (cpu?.includes(process.arch) ?? true);
  return Object.entries(wanted).every(
    ([path, entry]) => !path.startsWith('node_modules/') || !isForUs(entry) || present[path]?.version === entry.version,
  );
}

async function build() {
  const tests = packages().map((folder) => join(folder, 'tsconfig.test.json'));
  const projects = ['tsconfig.json', ...(flags.has('--tests') ? tests.filter((path) => existsSync(path)) : [])];
  prune();
  const { code, output, seconds } = await run(process.execPath, [tsc, '-b', ...projects, '--listEmittedFiles']);
  const lines = output.split('\n');
  const written = lines.filter((line) => /^TSFILE: .*\.js$/.test(line)).length;
  if (code !== 0)
    fail(`${lines.filter((line) => !line.startsWith('TSFILE: ')).join('\n')}setup: the compiler found errors`);
  if (written > 0) console.error(`setup: compiled ${written} files in ${seconds.toFixed(1)} s`);
}

/** The compiler never deletes: a renamed test would go on running, a renamed source would go on being shipped. */
function prune() {
  const pairs = packages().flatMap((folder) => [
    [join(folder, 'dist'), join(folder, 'src')],
    [join(folder, 'build'), folder],
  ]);
  for (const [output, source] of [...pairs, [join(root, 'build/examples'), join(root, 'examples')]]) {
    for (const path of walk(output, (file) => /\.(js|d\.ts)(\.map)?$/.test(file))) {
      const origin = join(source, path.slice(output.length).replace(/\.(js|d\.ts)(\.map)?$/, '.ts'));
      if (!existsSync(origin)) rmSync(path);
    }
  }
}
