// Runs the compiled tests on other engines. Each engine comes from npm, in the version that lib/engines.mjs pins,
// into node_modules/.cache/engines the first time it is asked for. A test that needs Node skips itself; whole folders that
// do are left out, by NODE_ONLY of lib/engines.mjs. Compile the tests first (npm run test-on does, as does npm test).
//
// Usage: node scripts/test-on.mjs ENGINE... [NAME...] [--slow]
//   ENGINE  20, 22, 24, 26, bun, deno or all
//   NAME    only the files whose path contains it: npm run test-on -- 24 bun packages/http
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ENGINES } from './lib/engines.mjs';
import { fail, packages, readArguments, root, run, shown, table, walk } from './lib/shared.mjs';

const { flags, names } = readArguments(import.meta.url, ['--slow']);
const isEngine = (name) => name in ENGINES || name === 'all';
const wanted = names.includes('all') ? Object.keys(ENGINES) : names.filter(isEngine);
if (wanted.length === 0) {
  fail(`Cannot test as an engine must be one of ${[...Object.keys(ENGINES), 'all'].join(', ')}: current value is none`);
}
const parts = names.filter((name) => !isEngine(name));
const files = packages()
  .flatMap((folder) => walk(join(folder, 'build/test'), (file) => file.endsWith('.test.js')))
  .map(shown)
  .filter((file) => flags.has('--slow') || !file.includes('/test/slow/'));
const none = parts.find((part) => !files.some((file) => file.includes(part)));
if (none || files.length === 0) fail(`Cannot test as compiled tests must match: current value is ${none ?? 'none'}`);
const chosen = files.filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)));

const rows = [['engine', 'passed', 'failed', 'skipped', 'files left out', 'seconds']];
let ok = true;
for (const name of wanted) {
  const engine = ENGINES[name];
  const program = await install(name, engine);
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, DENO_NO_UPDATE_CHECK: '1' };
  const own = chosen.filter((file) => !engine.without?.test(file));
  if (own.length === 0) fail(`Cannot test on ${name} as some file must be for it: current value is Node only`);
  const { code, output, seconds } = await run(program, engine.start(own), { env, timeoutMs: 600_000 });
  const counts = engine.count(output);
  if (code !== 0 || counts.failed > 0 || !(counts.passed > 0)) {
    ok = false;
    console.log(`${output.trimEnd()}\ntest-on: ${name} ended with exit code ${code}\n`);
  }
  rows.push([name, counts.passed, counts.failed, counts.skipped, chosen.length - own.length, seconds.toFixed(1)]);
}
console.log(table(rows));
process.exit(ok ? 0 : 1);

/** The path of the engine's program. Installed aside and moved into place: two runs at once do no harm. */
async function install(name, { install: spec, program }) {
  const folder = join(root, 'node_modules/.cache/engines', `${name}-${basename(spec).replace(/^.*@/, '')}`);
  if (!existsSync(folder)) {
    const aside = `${folder}.${process.pid}`;
    mkdirSync(aside, { recursive: true });
    writeFileSync(join(aside, 'package.json'), '{ "private": true }\n');
    console.log(`test-on: installing ${spec}`);
    const args = ['install', '--no-save', '--no-package-lock', '--ignore-scripts', '--prefer-offline', spec];
    const { code, output } = await run('npm', args, { cwd: aside, shell: process.platform === 'win32' });
    if (code !== 0) fail(`${output}test-on: npm could not install ${spec}`);
    if (existsSync(folder)) rmSync(aside, { recursive: true });
    else renameSync(aside, folder);
  }
  // The packages of Bun and Deno put their program in place in an install script, which is not run: it is found instead.
  const isProgram = (file) => [program, `${program}.exe`].includes(basename(file));
  const found = walk(join(folder, 'node_modules'), isProgram, /^(\.bin|include|share)$/);
  return found[0] ?? fail(`Cannot test on ${name} as ${shown(folder)} must contain ${program}: current value is none`);
}
